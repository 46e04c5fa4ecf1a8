import type { Clustering } from "../../data/cluster";
import { asymmetryOf, curvatureOf } from "../../data/lineMeasures";
import type { ScaleKind } from "../../plot/scale";
import { lineOf, type Channel, type Slice } from "../../data/slice";
import { enclose, summarize, type Interval } from "../../data/stats";
import type { Grouping, Ranking } from "../../state/viewChoices";

export interface Cell {
  /** Its place in the bundle. */
  readonly line: number;
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly lowestPositive: number;
  /** How strongly the value depends on it, by the ranking; NaN where that cannot be told. */
  readonly score: number;
}

/** The lines of a bundle, as they were logged or those that the value depends on most first. */
export function orderCells(
  slice: Slice,
  channel: Channel,
  focusPoint: number,
  ranking: Ranking,
  everyFocusPoint = false,
): Cell[] {
  const cells = slice.axes.map((axis, line) => {
    const points = everyFocusPoint ? [...Array(slice.shape[0]).keys()] : [focusPoint];
    const all = points.map((point) => summarize(lineOf(slice, channel, line, point)));
    return {
      line,
      name: axis.name,
      low: Math.min(...all.map(({ low }) => low)),
      high: Math.max(...all.map(({ high }) => high)),
      lowestPositive: Math.min(...all.map(({ lowestPositive }) => lowestPositive)),
      score: scoreOf(slice, channel, focusPoint, line, ranking),
    };
  });
  if (ranking === "logged") return cells;
  const rank = ({ score }: Cell) => (Number.isNaN(score) ? -1 : score);
  return cells.sort((a, b) => rank(b) - rank(a) || a.line - b.line);
}

/** How strongly the value depends on a line of a bundle. */
export function scoreOf(
  slice: Slice,
  channel: Channel,
  focusPoint: number,
  line: number,
  ranking: Ranking,
): number {
  const values = lineOf(slice, channel, line, focusPoint);
  const coordinates = slice.axes[line]?.coordinates ?? new Float64Array();
  const measured = { coordinates, values, center: channel.center[focusPoint] ?? NaN };
  if (ranking === "curvature") return Math.abs(curvatureOf(measured).curvature);
  if (ranking === "asymmetry") return Math.abs(asymmetryOf(measured));
  const { low, high } = summarize(values);
  return low <= high ? high - low : NaN;
}

/** The layer of a coordinate: its name without the place inside of it. */
export function layerOf(name: string): string {
  return name.replace(/\s*\[[^[\]]*\]$/, "");
}

export interface Group {
  readonly key: string;
  readonly title: string;
  readonly cells: readonly Cell[];
  /** The line that stands for a shape. */
  readonly medoid: number | null;
}

/** Cells side by side, layer by layer, or shape by shape; each group in the order of the cells. */
export function groupCells(
  cells: readonly Cell[],
  grouping: Grouping,
  shapes: Clustering | null,
): Group[] {
  if (grouping === "layer") {
    const layers = new Map<string, Cell[]>();
    for (const cell of cells) {
      const layer = layerOf(cell.name);
      layers.set(layer, [...(layers.get(layer) ?? []), cell]);
    }
    return [...layers].map(([key, own]) => ({ key, title: key, cells: own, medoid: null }));
  }
  if (grouping === "none" || !shapes) return [{ key: "", title: "", cells, medoid: null }];
  return shapes.medoids.flatMap((medoid, shape) => {
    const own = cells.filter(({ line }) => shapes.members[line] === shape);
    return own.length > 0
      ? [{ key: `${shape}`, title: `Shape ${shape + 1}`, cells: own, medoid }]
      : [];
  });
}

/** What is left of the cells: those whose name holds a text, and whose score is within shares. */
export function filterCells(
  cells: readonly Cell[],
  text: string,
  [from, to]: Interval,
): readonly Cell[] {
  const wanted = text.trim().toLowerCase();
  const most = largestScore(cells);
  return cells.filter(({ name, score }) => {
    const share = most > 0 ? score / most : 0;
    const within = Number.isNaN(share) ? from <= 0 : share >= from && share <= to;
    return within && name.toLowerCase().includes(wanted);
  });
}

export function largestScore(cells: readonly Cell[]): number {
  return cells.reduce((most, { score }) => (score > most ? score : most), 0);
}

/** How many cells have a score in each of some equal parts from 0 to the largest. */
export function histogram(cells: readonly Cell[], bins: number): number[] {
  const most = largestScore(cells);
  const counts = Array<number>(bins).fill(0);
  for (const { score } of cells) {
    if (Number.isNaN(score)) continue;
    const bin = most > 0 ? Math.min(bins - 1, Math.floor((score / most) * bins)) : 0;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** The interval around all cells; on a logarithmic scale around what is above zero. */
export function sharedDomain(cells: readonly Cell[], kind: ScaleKind): Interval | null {
  return enclose(cells.map((cell) => domainOf(cell, kind)));
}

export function domainOf(cell: Cell, kind: ScaleKind): Interval | null {
  const low = kind === "log" ? cell.lowestPositive : cell.low;
  return low <= cell.high ? [low, cell.high] : null;
}
