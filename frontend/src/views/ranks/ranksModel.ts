import { nearestTo } from "../../data/align";
import { channelOf, type Channel, type Slice } from "../../data/slice";
import type { Ranking } from "../../state/viewChoices";
import { orderCells } from "../smallMultiples/smallMultiplesModel";
import type { PanelSlice } from "../view";

/** The place of each line of a bundle at one step, 1 for what the value depends on most. */
export interface RanksAt {
  readonly step: number;
  readonly ranks: readonly number[];
}

const known = new WeakMap<Channel, Map<string, readonly number[]>>();

/** Ranks by line; kept with the slice, since a page plays through the same steps again. */
function ranksOf(slice: Slice, channel: Channel, focusPoint: number, ranking: Ranking) {
  const kept = known.get(channel) ?? new Map<string, readonly number[]>();
  known.set(channel, kept);
  const key = `${focusPoint} ${ranking}`;
  const found = kept.get(key);
  if (found) return found;
  const ranks = slice.axes.map(() => 0);
  const cells = orderCells(slice, channel, focusPoint, ranking);
  for (const [place, { line }] of cells.entries()) ranks[line] = place + 1;
  kept.set(key, ranks);
  return ranks;
}

/** The ranks at all steps that have arrived and have the same lines as the one that is shown. */
export function ranksOver(panel: PanelSlice, ranking: Ranking): RanksAt[] {
  const { series, slice, channel, focusPoint, sliceAt } = panel;
  return series.steps.flatMap((step, position) => {
    const other = sliceAt(position);
    const measured = other && channelOf(other, channel.name);
    const same =
      other?.shape[0] === slice.shape[0] &&
      other.axes.every(({ name }, line) => name === slice.axes[line]?.name);
    return other && measured && same
      ? [{ step, ranks: ranksOf(other, measured, focusPoint, ranking) }]
      : [];
  });
}

const MOST_RANKS = 16;

/** How many ranks are shown, from the first on. */
export function shownRanks(lines: number): number {
  return Math.min(lines, MOST_RANKS);
}

export interface RankSample {
  readonly step: number;
  readonly line: number;
  readonly rank: number;
}

/** The line that has a rank at the step nearest to one, or the next one that is among the ranks. */
export function lineAtRank(
  history: readonly RanksAt[],
  step: number,
  rank: number,
): RankSample | null {
  const at = nearestTo(history, step);
  if (!at) return null;
  const wanted = Math.min(Math.max(Math.round(rank), 1), at.ranks.length);
  const line = at.ranks.indexOf(wanted);
  return line < 0 ? null : { step: at.step, line, rank: wanted };
}

export function ranksSentences({ slice }: PanelSlice): string[] {
  const lines = slice.shape[1];
  const shown = shownRanks(lines);
  const some = shown < lines ? ` The first ${shown} of ${lines} ranks are shown.` : "";
  return [`Rank 1: the line that the value depends on most.${some}`];
}
