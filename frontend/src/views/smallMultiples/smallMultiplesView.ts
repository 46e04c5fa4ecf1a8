import type { Layout } from "../../data/catalog";
import { lineSampleAt } from "../line/lineModel";
import { BAND_SENTENCE } from "../shared/errors";
import type { View } from "../view";
import { SmallMultiplesControls } from "./SmallMultiplesControls";
import { SmallMultiplesView } from "./SmallMultiplesView";

export const smallMultiplesView: View = {
  id: "small-multiples",
  label: "Small multiples",
  supports: isBundle,
  Component: SmallMultiplesView,
  ToolbarChoices: SmallMultiplesControls,
  overlays: false,
  colors: false,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: false,
  notes: [],
  sampleAt: lineSampleAt,
  sentences: ({ channel }) => (channel.errors ? [BAND_SENTENCE] : []),
};

export function isBundle(layout: Layout): boolean {
  return layout.kind === "lines" && layout.shape.length === 3 && (layout.shape[1] ?? 0) > 1;
}
