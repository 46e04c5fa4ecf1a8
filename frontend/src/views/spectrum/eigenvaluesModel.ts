import { nearestTo } from "../../data/align";
import { enclose, type Interval } from "../../data/stats";
import { formatValue } from "../../plot/format";
import type { ScaleKind } from "../../plot/scale";
import type { PanelSlice } from "../view";
import { eigenvaluesOf, notedNumber } from "./spectrumModel";

/** What is known of a spectrum at one step, besides its density. */
export interface SpectrumAt {
  readonly step: number;
  /** Largest first. */
  readonly values: readonly number[];
  /** NaN where it is not noted. */
  readonly trace: number;
  /** Beyond which curvature plain descent with this learning rate does not settle; NaN if unknown. */
  readonly edge: number;
}

/** The noted eigenvalues of all steps that have arrived. */
export function historyOf(panel: PanelSlice): SpectrumAt[] {
  const { series, focusPoint, sliceAt } = panel;
  return series.steps.flatMap((step, position) => {
    const slice = sliceAt(position);
    if (!slice || slice.shape[0] <= focusPoint) return [];
    const at = { slice, focusPoint };
    const rate = slice.notes.get("learning_rate");
    return [
      {
        step,
        values: eigenvaluesOf(at).map(({ value }) => value),
        trace: notedNumber(at, "trace"),
        edge: typeof rate === "number" && rate > 0 ? 2 / rate : NaN,
      },
    ];
  });
}

/** How many eigenvalues are followed: as many as most steps have. */
export function ranksOf(history: readonly SpectrumAt[]): number {
  return history.reduce((most, { values }) => Math.max(most, values.length), 0);
}

/** Around all eigenvalues; with the edge where that does not flatten them. */
export function eigenvalueDomain(
  kind: ScaleKind,
  histories: readonly (readonly SpectrumAt[])[],
): Interval {
  const all = histories.flat();
  const values = all.flatMap((at) => at.values).filter((value) => kind === "linear" || value > 0);
  const found = enclose(values.map((value) => [value, value] as const));
  const edges = all.map(({ edge }) => edge).filter(Number.isFinite);
  const edge = Math.max(...edges);
  if (!found) return kind === "log" ? [1, 10] : [0, 1];
  const high = edge > found[1] && edge < 4 * found[1] ? edge : found[1];
  return kind === "log" ? [found[0], high] : [Math.min(0, found[0]), high];
}

export interface EigenvalueSample {
  readonly step: number;
  readonly rank: number;
  readonly value: number;
  readonly trace: number;
}

/** The eigenvalue of a rank at the step nearest to one. */
export function eigenvalueAt(
  history: readonly SpectrumAt[],
  step: number,
  rank: number,
): EigenvalueSample | null {
  const at = nearestTo(history, step);
  if (!at) return null;
  const place = Math.min(Math.max(rank, 0), Math.max(0, at.values.length - 1));
  return { step: at.step, rank: place, value: at.values[place] ?? NaN, trace: at.trace };
}

export const EDGE_LABEL = "2 / learning rate";

export function historySentences(panel: PanelSlice): string[] {
  const rate = panel.slice.notes.get("learning_rate");
  const known = typeof rate === "number" && rate > 0;
  return known
    ? [
        `Dashed: ${EDGE_LABEL} = ${formatValue(2 / rate, 3)}, the edge of stability of plain descent.`,
      ]
    : [];
}

export function describeHistory({ run }: PanelSlice, history: readonly SpectrumAt[]): string {
  const tops = history.flatMap(({ values }) => values.slice(0, 1));
  if (tops.length === 0) return `Largest eigenvalues of ${run} over steps: none is noted.`;
  return (
    `Largest eigenvalues of ${run} over ${history.length} steps: the first one runs from ` +
    `${formatValue(tops[0] ?? NaN)} to ${formatValue(tops.at(-1) ?? NaN)}.`
  );
}
