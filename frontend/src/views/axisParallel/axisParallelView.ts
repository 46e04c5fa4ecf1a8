import type { View } from "../view";
import { AxisParallelView } from "./AxisParallelView";

export const axisParallelView: View = {
  id: "axis-parallel",
  label: "Lines",
  supports: (layout) =>
    layout.kind === "lines" && layout.shape.length === 3 && (layout.shape[1] ?? 0) > 1,
  Component: AxisParallelView,
  overlays: false,
  colors: false,
  needsAllSteps: false,
};
