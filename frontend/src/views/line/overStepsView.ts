import type { View } from "../view";
import { isSingleLine } from "./lineView";
import { sampleAt } from "./overStepsModel";
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
  sampleAt: (panel, { x, y }) => {
    const { value, step, ...at } = sampleAt(panel, x, y);
    return { value, coordinates: [at.x, step] };
  },
};
