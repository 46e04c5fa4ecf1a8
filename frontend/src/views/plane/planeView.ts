import type { View } from "../view";
import { planeHeight } from "./planeModel";
import { PlaneView } from "./PlaneView";
import { trajectorySentences } from "./trajectoryModel";

export const planeView: View = {
  id: "plane",
  label: "Plane",
  supports: (layout) => layout.kind === "plane" && layout.shape.length === 3,
  Component: PlaneView,
  overlays: false,
  colors: true,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: true,
  notes: [],
  sentences: trajectorySentences,
  heightFor: planeHeight,
};
