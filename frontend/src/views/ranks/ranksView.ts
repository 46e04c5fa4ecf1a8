import { RankingControl } from "../smallMultiples/SmallMultiplesControls";
import { isBundle } from "../smallMultiples/smallMultiplesView";
import type { View } from "../view";
import { ranksSentences } from "./ranksModel";
import { RanksView } from "./RanksView";

export const ranksView: View = {
  id: "ranks",
  label: "Ranks",
  supports: isBundle,
  Component: RanksView,
  ToolbarChoices: RankingControl,
  overlays: false,
  colors: false,
  needsAllSteps: true,
  allFocusPoints: false,
  dots: false,
  notes: [],
  sentences: ranksSentences,
};
