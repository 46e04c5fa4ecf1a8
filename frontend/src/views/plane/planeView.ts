import type { View } from "../view";
import { planeFacet } from "./planeFacet";
import { MOST_OVERLAID, overlaySentences } from "./overlayModel";
import { planeHeight, planeSampleAt } from "./planeModel";
import { PlaneView } from "./PlaneView";
import { trajectorySentences } from "./trajectoryModel";

export const planeView: View = {
  id: "plane",
  label: "Plane",
  supports: (layout) => layout.kind === "plane" && layout.shape.length === 3,
  Component: PlaneView,
  overlays: true,
  mostOverlaid: MOST_OVERLAID,
  differences: true,
  facet: planeFacet,
  colors: true,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: true,
  notes: [],
  sampleAt: planeSampleAt,
  sentences: trajectorySentences,
  overlaySentences,
  heightFor: planeHeight,
};
