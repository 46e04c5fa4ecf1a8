import {
  channelOf,
  errorsOf,
  evaluatedOf,
  lineOf,
  type Channel,
  type Slice,
} from "../../data/slice";
import { measureLine } from "../../data/lineMeasures";
import { nearestIndex } from "../../data/stats";
import { formatCoordinate, formatTick, formatValue } from "../../plot/format";
import { HALF_WIDTH, halfText } from "../shared/errors";
import { allowedError } from "../shared/recordSentences";
import type { Cursor } from "../../state/store";
import type { Measured, PanelSlice, Sample } from "../view";

/** One curve: where it was sampled and what was found there. */
export interface Curve {
  readonly coordinates: Float64Array;
  readonly values: Float32Array;
  /** Standard errors of the values' differences from the center, where they were measured. */
  readonly errors: Float32Array | null;
  /** Whether these are known only to be no larger. */
  readonly atMost?: true;
  /** 1 where a value was evaluated; nothing where none is interpolated. */
  readonly evaluated: Uint8Array | null;
  /** How far off the others may be. */
  readonly allowed: number;
}

export function curveOf(slice: Slice, channel: Channel, focusPoint: number, line = 0): Curve {
  return {
    coordinates: slice.axes[line]?.coordinates ?? new Float64Array(),
    values: lineOf(slice, channel, line, focusPoint),
    errors: errorsOf(slice, channel, line, focusPoint),
    ...(channel.atMost && { atMost: true }),
    evaluated: evaluatedOf(slice, line, focusPoint),
    allowed: allowedError({ slice, channel }),
  };
}

export interface CurveSample {
  readonly x: number;
  readonly value: number;
  /** Half of the 95 % interval, where there is one. */
  readonly half?: number;
  readonly atMost?: true;
  readonly interpolated?: true;
}

export function sampleAt(curve: Curve, x: number): CurveSample {
  const { coordinates, values, errors, atMost, evaluated } = curve;
  const i = nearestIndex(coordinates, x);
  const half = HALF_WIDTH * (errors?.[i] ?? NaN);
  return {
    x: coordinates[i] ?? 0,
    value: values[i] ?? NaN,
    ...(Number.isFinite(half) && { half, ...(atMost && { atMost }) }),
    ...(evaluated?.[i] === 0 && { interpolated: true }),
  };
}

/** The sample of a line, or of the one of a bundle that is pointed at. */
export function lineSampleAt(panel: PanelSlice, { x, line }: Cursor): Sample | null {
  const { slice, channel, focusPoint } = panel;
  const pointed = line ?? (slice.axes.length === 1 ? 0 : -1);
  if (!slice.axes[pointed]) return null;
  return asSample(sampleAt(curveOf(slice, channel, focusPoint, pointed), x));
}

export function asSample({ x, ...sample }: CurveSample): Sample {
  return { ...sample, coordinates: [x] };
}

/** The coordinate `by` samples away from the one nearest to `x`. */
export function stepAlong({ coordinates }: Curve, x: number, by: number): number {
  const i = nearestIndex(coordinates, x) + by;
  return coordinates[Math.min(Math.max(i, 0), coordinates.length - 1)] ?? 0;
}

/** The lowest and the highest value of each sample over all steps that have arrived. */
export function envelope(panel: PanelSlice): { low: Float32Array; high: Float32Array } | null {
  const { slice, channel, focusPoint, series, sliceAt } = panel;
  const samples = slice.shape[2];
  const low = new Float32Array(samples).fill(Infinity);
  const high = new Float32Array(samples).fill(-Infinity);
  let count = 0;
  for (let position = 0; position < series.steps.length; position += 1) {
    const other = sliceAt(position);
    const same = other?.shape[2] === samples && other.shape[0] > focusPoint;
    const measured = other && same ? channelOf(other, channel.name) : undefined;
    if (!other || !measured) continue;
    const values = lineOf(other, measured, 0, focusPoint);
    for (let i = 0; i < samples; i += 1) {
      const value = values[i] ?? NaN;
      if (value < (low[i] ?? 0)) low[i] = value;
      if (value > (high[i] ?? 0)) high[i] = value;
    }
    count += 1;
  }
  return count > 1 ? { low, high } : null;
}

export function lowest(curve: Curve): CurveSample | null {
  let best: CurveSample | null = null;
  for (const [i, x] of curve.coordinates.entries()) {
    const value = curve.values[i] ?? NaN;
    if (Number.isFinite(value) && value < (best?.value ?? Infinity)) best = sampleAt(curve, x);
  }
  return best;
}

/** What can be measured of a line around its focus point, in a sentence. */
export function measureSentences({ slice, channel, focusPoint }: Measured): string[] {
  const center = channel.center[focusPoint] ?? NaN;
  const curve = curveOf(slice, channel, focusPoint);
  const { curvature, rSquared, width, absoluteWidth, asymmetry } = measureLine({
    ...curve,
    center,
  });
  const facts: string[] = [];
  if (Number.isFinite(curvature)) {
    // As Python says it: of the loss over parameters, where the axis knows how long it is.
    const { length = NaN } = slice.axes[0] ?? {};
    const [unit, said] = length > 0 ? [length ** 2, ""] : [1, " per squared coordinate"];
    facts.push(
      `curvature ${formatValue(curvature / unit, 3)}${said} (R\u00b2 ${fitText(rSquared)})`,
    );
  }
  const widths = [
    [width, "+5 %"],
    [absoluteWidth, "+0.1"],
  ] as const;
  const said = widths
    .filter(([{ value }]) => Number.isFinite(value))
    .map(([{ value, cut }, rise]) => `${cut ? "over " : ""}${formatValue(value, 3)} at ${rise}`);
  if (said.length > 0) facts.push(`width ${said.join(", ")}`);
  if (Number.isFinite(asymmetry)) facts.push(`asymmetry ${formatTick(asymmetry, 0.01)}`);
  return facts.length > 0 ? [`At 0: ${facts.join("; ")}.`] : [];
}

// Rounded down, so that 1 is said of nothing less.
function fitText(rSquared: number): string {
  return `${Math.floor(rSquared * 1000 + 1e-6) / 1000}`.replace("-", "\u2212");
}

/** What a line shows, in a sentence for those who cannot see it. */
export function describeLine(panel: PanelSlice): string {
  const { slice, channel, run, focusPoint } = panel;
  const minimum = lowest(curveOf(slice, channel, focusPoint));
  const where = minimum
    ? `lowest value ${formatValue(minimum.value)}` +
      (minimum.half === undefined ? "" : ` ${halfText(minimum.half, minimum.atMost)}`) +
      ` at ${formatCoordinate(minimum.x)}`
    : "no finite value";
  return `Line of ${channel.name} of ${run} at step ${slice.step}: ${where}.`;
}
