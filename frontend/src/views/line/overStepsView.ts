import type { View } from "../view";
import { isSingleLine } from "./lineView";
import { OverStepsView } from "./OverStepsView";

export const overStepsView: View = {
  id: "over-steps",
  label: "Over steps",
  supports: isSingleLine,
  Component: OverStepsView,
  overlays: false,
  colors: true,
  needsAllSteps: true,
  allFocusPoints: false,
  dots: false,
  notes: [],
};
