import { overlaySentences } from "../plane/overlayModel";
import { planeSampleAt } from "../plane/planeModel";
import { trajectorySentences } from "../plane/trajectoryModel";
import type { View } from "../view";
import { LazySurface, LazySurfaceControls } from "./LazySurface";
import { MOST_SHEETS } from "./mostSheets";

export const surfaceView: View = {
  id: "surface",
  label: "Surface",
  supports: (layout) =>
    layout.kind === "plane" &&
    layout.shape.length === 3 &&
    layout.shape.slice(1).every((samples) => samples > 1),
  Component: LazySurface,
  Controls: LazySurfaceControls,
  overlays: true,
  mostOverlaid: MOST_SHEETS,
  colors: true,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: false,
  notes: [],
  sampleAt: planeSampleAt,
  sentences: trajectorySentences,
  overlaySentences,
  heightFor: (_, width) => 0.86 * width,
};
