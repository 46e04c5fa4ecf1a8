import { atFocusPoint, evaluatedAt, extent, type Channel, type Slice } from "../../data/slice";
import { nearestIndex, type Interval } from "../../data/stats";
import { createChart, fitted, innerBox, linear, type Chart, type Size } from "../../plot/chart";
import type { Grid } from "../../plot/contours";
import { formatCoordinate, formatValue } from "../../plot/format";
import type { Box } from "../../plot/geometry";
import { colorBarBeside, colorBarRoom } from "../../plot/marks/colorBar";
import type { Scale } from "../../plot/scale";
import type { Cursor } from "../../state/store";
import { HALF_WIDTH } from "../shared/errors";
import type { PanelSlice, Sample } from "../view";

const MARGINS = { top: 8, bottom: 40, left: 62 };

export interface PlaneChart {
  readonly chart: Chart;
  readonly bar: Box;
}

// Axes of very unequal spans are stretched: a sliver shows nothing.
const MOST_UNEQUAL = 4;

/** Equal units on both axes, and a color bar as high as the plane on its right. */
export function layOutPlane(x: Interval, y: Interval, size: Size, scale: Scale): PlaneChart {
  const right = colorBarRoom(scale, size.height - MARGINS.top - MARGINS.bottom);
  const room = innerBox(size, { ...MARGINS, right });
  const ratio = heightToWidth(x, y);
  const stretched = ratio * MOST_UNEQUAL < 1 || ratio > MOST_UNEQUAL;
  const box = stretched ? room : fitted(room, x[1] - x[0], y[1] - y[0]);
  const chart = createChart(box, linear(x), linear(y));
  return { chart, bar: colorBarBeside(box) };
}

/** The height beyond which a plane of some width would only stand in empty space. */
export function planeHeight(slice: Slice | null, width: number): number {
  const [first, second] = slice?.axes ?? [];
  const ratio = Math.min(slice ? heightToWidth(extent(first), extent(second)) : 1, MOST_UNEQUAL);
  return ratio * (width - MARGINS.left - LEAST_BAR_ROOM) + MARGINS.top + MARGINS.bottom;
}

const LEAST_BAR_ROOM = 56;

function heightToWidth(x: Interval, y: Interval): number {
  return (y[1] - y[0]) / (x[1] - x[0]);
}

export function gridOf(slice: Slice, channel: Channel, focusPoint: number): Grid {
  return {
    xs: slice.axes[0]?.coordinates ?? new Float64Array(),
    ys: slice.axes[1]?.coordinates ?? new Float64Array(),
    values: valuesOf(slice, channel, focusPoint),
  };
}

/** The grid without what lies within its tolerance, which a logarithm would blow up. */
export function aboveTolerance(grid: Grid, allowed: number): Grid {
  if (!(allowed > 0)) return grid;
  return { ...grid, values: grid.values.map((value) => Math.max(value, allowed)) };
}

const views = new WeakMap<Float32Array, Map<number, Float32Array>>();

// One view for each focus point, so that caches keyed by it find it again.
function valuesOf(slice: Slice, channel: Channel, focusPoint: number): Float32Array {
  const known = views.get(channel.values) ?? new Map<number, Float32Array>();
  views.set(channel.values, known);
  const values = known.get(focusPoint) ?? atFocusPoint(slice, channel, focusPoint);
  known.set(focusPoint, values);
  return values;
}

export interface PlaneSample {
  readonly x: number;
  readonly y: number;
  readonly value: number;
  /** Its place among the values at the focus point. */
  readonly index: number;
}

/** The sample nearest to a point of the plane. */
export function sampleAt({ xs, ys, values }: Grid, x: number, y: number): PlaneSample {
  const i = nearestIndex(xs, x);
  const j = nearestIndex(ys, y);
  const index = i * ys.length + j;
  return { x: xs[i] ?? 0, y: ys[j] ?? 0, value: values[index] ?? NaN, index };
}

export function planeSampleAt(panel: PanelSlice, cursor: Cursor): Sample {
  const { slice, channel, focusPoint } = panel;
  const { x, y, value, index } = sampleAt(gridOf(slice, channel, focusPoint), cursor.x, cursor.y);
  const errors = channel.errors && atFocusPoint(slice, { values: channel.errors }, focusPoint);
  const half = HALF_WIDTH * (errors?.[index] ?? NaN);
  return {
    coordinates: [x, y],
    value,
    ...(Number.isFinite(half) && { half, ...(channel.atMost && { atMost: true }) }),
    ...(evaluatedAt(slice, focusPoint)?.[index] === 0 && { interpolated: true }),
  };
}

/** The neighbor of a sample `dx` and `dy` samples away, at most at the border. */
export function neighbor(grid: Grid, x: number, y: number, dx: number, dy: number): PlaneSample {
  const step = (coordinates: Float64Array, from: number, by: number) =>
    coordinates[
      Math.min(Math.max(nearestIndex(coordinates, from) + by, 0), coordinates.length - 1)
    ] ?? 0;
  return sampleAt(grid, step(grid.xs, x, dx), step(grid.ys, y, dy));
}

export function lowest({ xs, ys, values }: Grid): PlaneSample | null {
  let index = -1;
  let least = Infinity;
  // By place and not by coordinates: each panel asks this at each step.
  for (let n = 0; n < values.length; n += 1) {
    const value = values[n] ?? NaN;
    if (Number.isFinite(value) && value < least) [index, least] = [n, value];
  }
  if (index < 0) return null;
  const x = xs[Math.floor(index / ys.length)] ?? 0;
  return { x, y: ys[index % ys.length] ?? 0, value: least, index };
}

/** What a plane shows, in a sentence for those who cannot see it. */
export function describePlane({ slice, channel, run }: PanelSlice, grid: Grid): string {
  const minimum = lowest(grid);
  const where = minimum
    ? `lowest value ${formatValue(minimum.value)} at ` +
      `(${formatCoordinate(minimum.x)}, ${formatCoordinate(minimum.y)})`
    : "no finite value";
  return `Plane of ${channel.name} of ${run} at step ${slice.step}: ${where}.`;
}
