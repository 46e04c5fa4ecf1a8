import { atFocusPoint } from "../../data/slice";
import { enclose, type Interval } from "../../data/stats";
import type { Chart } from "../../plot/chart";
import { formatValue } from "../../plot/format";
import { band, IN_PLACE } from "../../plot/geometry";
import type { ScaleKind } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import type { Measured } from "../view";

/** Half of a 95 % interval, in standard errors. */
export const HALF_WIDTH = 1.96;

/** `± 0.012`, with what has to be said of it where it is a bound. */
export function halfText(half: number, atMost = false): string {
  return `${atMost ? "at most " : ""}± ${formatValue(half, 2)}`;
}

/** How much a band covers what lies below it. */
export const BAND = 0.28;

const INTERVAL =
  "95 % interval of the difference from the center, paired: same examples at every point.";
export const BAND_SENTENCE = `Band and ±: ${INTERVAL}`;
export const BARS_SENTENCE = `Bars and ±: ${INTERVAL}`;
/** Of a difference: what two slices say of their own errors, and not more. */
export const BOUND_SENTENCE =
  "The 95 % interval of how the difference changes from the center: the errors of both slices, " +
  "added up, since how they are correlated is not recorded.";

interface Uncertain {
  readonly coordinates: Float64Array;
  readonly values: Float32Array;
  readonly errors: Float32Array | null;
  readonly evaluated?: Uint8Array | null;
}

/**
 * The area that 95 % intervals cover, down to the bottom of the scale where they end below it. Bars
 * where values in between are interpolated, of whose errors nothing is known.
 */
export function drawBand(
  surface: Surface2D,
  chart: Chart,
  { coordinates, values, errors, evaluated }: Uncertain,
  color: string,
): void {
  if (!errors) return;
  const end = (i: number, sign: number) => {
    const value = (values[i] ?? NaN) + sign * HALF_WIDTH * (errors[i] ?? NaN);
    return chart.toY(Math.max(value, chart.y.domain[0]));
  };
  if (evaluated) {
    const lines = [...coordinates.entries()]
      .filter(([i]) => evaluated[i] === 1 && Number.isFinite(errors[i] ?? NaN))
      .map(([i, at]) => Float64Array.of(chart.toX(at), end(i, -1), chart.toX(at), end(i, 1)));
    surface.stroke({ lines }, IN_PLACE, { color, width: 1, opacity: 2 * BAND });
    return;
  }
  const area = band(
    coordinates.length,
    (i) => chart.toX(coordinates[i] ?? NaN),
    (i) => end(i, -1),
    (i) => end(i, 1),
  );
  surface.fill(area, IN_PLACE, color, BAND);
}

/** The domain widened by the bands of what is shown, so that none of them is cut off. */
export function aroundBands(
  kind: ScaleKind,
  domain: Interval,
  shown: readonly Measured[],
): Interval {
  const [low, high] = enclose([domain, ...shown.map(bandExtent)]) ?? domain;
  // A band may reach below zero where no value can; a logarithm cannot follow it at all.
  return [kind === "log" || domain[0] >= 0 ? domain[0] : low, high];
}

function bandExtent({ slice, channel, focusPoint }: Measured): Interval | null {
  if (!channel.errors) return null;
  const values = atFocusPoint(slice, channel, focusPoint);
  const errors = atFocusPoint(slice, { values: channel.errors }, focusPoint);
  let low = Infinity;
  let high = -Infinity;
  for (const [i, value] of values.entries()) {
    const half = HALF_WIDTH * (errors[i] ?? NaN);
    if (!Number.isFinite(value + half)) continue;
    low = Math.min(low, value - half);
    high = Math.max(high, value + half);
  }
  return low <= high ? [low, high] : null;
}
