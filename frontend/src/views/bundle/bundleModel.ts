import { sharesCoordinates, type Slice } from "../../data/slice";
import { enclose, quantilesAcross, summarize, type Interval } from "../../data/stats";
import { formatStep, formatValue } from "../../plot/format";
import type { ScaleKind } from "../../plot/scale";
import { curveOf, sampleAt, type Curve } from "../line/lineModel";
import type { Measured, PanelSlice } from "../view";

export interface NamedCurve extends Curve {
  readonly name: string;
}

/** All lines of a slice at all its focus points. */
export function curvesOf({ slice, channel }: Pick<PanelSlice, "slice" | "channel">): NamedCurve[] {
  const [focusPoints, lines] = slice.shape;
  return Array.from({ length: focusPoints * lines }, (_, i) => {
    const line = i % lines;
    const focusPoint = Math.floor(i / lines);
    const names = [
      ...(lines > 1 ? [slice.axes[line]?.name ?? ""] : []),
      ...(focusPoints > 1 ? [slice.focusPoints[focusPoint] ?? `${focusPoint + 1}`] : []),
    ];
    return { ...curveOf(slice, channel, focusPoint, line), name: names.join(", ") };
  });
}

/** How many of the curves the bands hold at each coordinate, the widest first. */
export const HELD = [0.95, 0.8, 0.5] as const;

const TAILS = HELD.map((held) => (1 - held) / 2);

/** The shares of the curves whose bounds a spread is made of. */
export const SHARES = [0.5, 0, 1, ...TAILS, ...TAILS.map((tail) => 1 - tail)] as const;

export interface QuantileBand {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export interface Spread {
  readonly coordinates: Float64Array;
  readonly median: Float64Array;
  /** In the order of HELD. */
  readonly bands: readonly QuantileBand[];
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

/** Quantiles over the curves at each coordinate; nothing where their coordinates differ. */
export function spreadOf(slice: Slice, curves: readonly Curve[]): Spread | null {
  if (!sharesCoordinates(slice)) return null;
  const all = curves.map(({ values }) => values);
  return toSpread(curves[0]?.coordinates, quantilesAcross(all, SHARES));
}

/** Quantiles at `SHARES` with their names. */
export function toSpread(
  coordinates: Float64Array | undefined,
  [median, lowest, highest, ...others]: readonly Float64Array[],
): Spread | null {
  if (!coordinates || !median || !lowest || !highest) return null;
  const bands = HELD.flatMap((_, i) => {
    const [low, high] = [others[i], others[i + HELD.length]];
    return low && high ? [{ low, high }] : [];
  });
  return { coordinates, median, bands, lowest, highest };
}

// At how many of the coordinates a curve has to leave the widest band to be an outlier.
const OFTEN = 0.5;

/** Places of the curves that leave the widest band at half of the coordinates, or diverge. */
export function outliersOf(spread: Spread, curves: readonly Curve[]): number[] {
  const [widest] = spread.bands;
  if (!widest) return [];
  return [...curves.entries()].flatMap(([place, { values }]) => {
    let outside = 0;
    for (const [i, value] of values.entries()) {
      if (!Number.isFinite(value)) return [place];
      if (value < (widest.low[i] ?? 0) || value > (widest.high[i] ?? 0)) outside += 1;
    }
    return outside >= OFTEN * values.length && outside > 0 ? [place] : [];
  });
}

const MOST_CURVES = 1000;

/** The curves that are drawn one by one: all, or as many as can be told apart, evenly chosen. */
export function drawnOf<T>(curves: readonly T[]): readonly T[] {
  if (curves.length <= MOST_CURVES) return curves;
  const last = curves.length - 1;
  return Array.from({ length: MOST_CURVES }, (_, i) => {
    return curves[Math.round((i * last) / (MOST_CURVES - 1))] as T;
  });
}

/** From the first to the last coordinate of all lines. */
export function bundleExtent(slices: readonly Slice[]): Interval {
  const axes = slices.flatMap((slice) => slice.axes);
  const [low, high] = enclose(
    axes.map(({ coordinates: all }) => [all[0] ?? 0, all.at(-1) ?? 0] as const),
  ) ?? [0, 0];
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** The domain around the values at all focus points, not only at the chosen one. */
export function aroundAll(kind: ScaleKind, domain: Interval, shown: readonly Measured[]): Interval {
  const extents = shown.map(({ channel }): Interval | null => {
    const { low, lowestPositive, high } = summarize(channel.values);
    const lowest = kind === "log" ? lowestPositive : low;
    return lowest <= high ? [lowest, high] : null;
  });
  return enclose([domain, ...extents]) ?? domain;
}

/** A curve's value at a coordinate, linear between its samples; NaN beyond its ends. */
export function valueAt({ coordinates, values }: Curve, x: number): number {
  const last = coordinates.length - 1;
  if (!(x >= (coordinates[0] ?? NaN) && x <= (coordinates[last] ?? NaN))) return NaN;
  let above = 1;
  while (above < last && (coordinates[above] ?? 0) < x) above += 1;
  const [left, right] = [coordinates[above - 1] ?? 0, coordinates[Math.min(above, last)] ?? 0];
  const [low, high] = [values[above - 1] ?? NaN, values[Math.min(above, last)] ?? NaN];
  return right > left ? low + ((x - left) / (right - left)) * (high - low) : low;
}

/** The curve that passes nearest above or below a point; `toY` says where values stand. */
export function nearestCurve(
  curves: readonly Curve[],
  x: number,
  y: number,
  toY: (value: number) => number,
): number | null {
  let best: number | null = null;
  let distance = Infinity;
  for (const [i, curve] of curves.entries()) {
    const away = Math.abs(toY(valueAt(curve, x)) - y);
    if (away < distance) {
      distance = away;
      best = i;
    }
  }
  return best;
}

/** The curve `by` places above another one at a coordinate. */
export function neighborAt(curves: readonly Curve[], from: number, x: number, by: number): number {
  const value = (i: number) => sampleAt(curves[i] ?? NOTHING, x).value;
  const order = [...curves.keys()].sort((a, b) => value(a) - value(b) || a - b);
  const place = order.indexOf(from) + by;
  return order[Math.min(Math.max(place, 0), order.length - 1)] ?? from;
}

const NOTHING: Curve = {
  coordinates: new Float64Array(),
  values: new Float32Array(),
  errors: null,
  evaluated: null,
  allowed: 0,
};

export function bundleSentences({ slice, channel }: PanelSlice): string[] {
  const count = slice.shape[0] * slice.shape[1];
  const drawn = Math.min(count, MOST_CURVES);
  const curves = `${formatStep(count)} curves`;
  const some = drawn < count ? ` Of all curves ${formatStep(drawn)} are drawn, evenly chosen.` : "";
  if (!sharesCoordinates(slice)) {
    return [`${curves}, without a median: their coordinates differ.${some}`];
  }
  const diverged = channel.values.every(Number.isFinite)
    ? ""
    : " What is not finite counts as above all else.";
  return [
    `${curves}; line: their median, bands: 50, 80 and 95 % of them at each coordinate, hairlines: ` +
      `all of them. Outliers leave the widest band at half of the coordinates.${some}${diverged}`,
  ];
}

/** What a bundle shows, in a sentence for those who cannot see it. */
export function describeBundle({ slice, channel, run }: PanelSlice, spread: Spread | null): string {
  const count = slice.shape[0] * slice.shape[1];
  const middle = spread ? spread.median.filter(Number.isFinite) : [];
  const range =
    middle.length > 0
      ? `; their median runs from ${formatValue(Math.min(...middle))} to ${formatValue(Math.max(...middle))}`
      : "";
  return `${count} curves of ${channel.name} of ${run} at step ${slice.step}${range}.`;
}
