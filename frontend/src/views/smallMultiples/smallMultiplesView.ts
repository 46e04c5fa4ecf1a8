import { BAND_SENTENCE } from "../shared/errors";
import type { View } from "../view";
import { SmallMultiplesView } from "./SmallMultiplesView";

export const smallMultiplesView: View = {
  id: "small-multiples",
  label: "Small multiples",
  supports: (layout) =>
    layout.kind === "lines" && layout.shape.length === 3 && (layout.shape[1] ?? 0) > 1,
  Component: SmallMultiplesView,
  overlays: false,
  colors: false,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: false,
  notes: [],
  sentences: ({ channel }) => (channel.errors ? [BAND_SENTENCE] : []),
};
