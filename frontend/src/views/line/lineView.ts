import type { Layout } from "../../data/catalog";
import { aroundBands, BAND_SENTENCE, BARS_SENTENCE } from "../shared/errors";
import type { View } from "../view";
import { barrierBetween, barrierSentences } from "./barrierModel";
import { lineFacet } from "./lineFacet";
import { lineSampleAt, measureSentences } from "./lineModel";
import { LineControls } from "./LineControls";
import { LineView } from "./LineView";

export const lineView: View = {
  id: "line",
  label: "Line",
  supports: isSingleLine,
  Component: LineView,
  ToolbarChoices: LineControls,
  overlays: true,
  differences: true,
  facet: lineFacet,
  colors: false,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: true,
  notes: ["barrier"],
  domain: aroundBands,
  sampleAt: lineSampleAt,
  between: barrierBetween,
  sentences: (panel) => [
    ...barrierSentences(panel),
    ...measureSentences(panel),
    ...(panel.channel.errors ? [panel.slice.evaluated ? BARS_SENTENCE : BAND_SENTENCE] : []),
  ],
};

export function isSingleLine(layout: Layout): boolean {
  return layout.kind === "lines" && layout.shape.length === 3 && layout.shape[1] === 1;
}
