import { nearestPosition, positionAtOrBefore } from "../../data/align";
import { channelOf } from "../../data/slice";
import { nearestIndex, type Interval } from "../../data/stats";
import {
  createPainter,
  fractionalIndices,
  sharesOf,
  type Paint,
  type Raster,
} from "../../plot/raster";
import type { Scale } from "../../plot/scale";
import type { PanelSlice } from "../view";
import { curveOf } from "./lineModel";

/** First and last step, with room where there is only one. */
export function stepDomain(steps: readonly number[]): Interval {
  const first = steps[0] ?? 0;
  const last = steps.at(-1) ?? first;
  return first < last ? [first, last] : [first - 0.5, last + 0.5];
}

/**
 * Every step as a row of colors. A row stands until the next logged step, as TensorBoard's sliders
 * do; steps that have not arrived yet stay transparent.
 */
export function paintSteps(
  panel: PanelSlice,
  width: number,
  height: number,
  extent: Interval,
  scale: Scale,
  paint: Paint,
): Raster {
  const { series, channel, focusPoint, sliceAt } = panel;
  const pixels = new Uint8ClampedArray(4 * width * height);
  const put = createPainter(pixels, width, paint);
  const [first, last] = stepDomain(series.steps);
  for (let py = 0; py < height; py += 1) {
    const step = last - ((py + 0.5) / height) * (last - first);
    const slice = sliceAt(Math.max(0, positionAtOrBefore(series.steps, step)));
    const measured =
      slice && slice.shape[0] > focusPoint ? channelOf(slice, channel.name) : undefined;
    if (!slice || !measured) continue;
    const { coordinates, values } = curveOf(slice, measured, focusPoint);
    const shares = sharesOf(values, scale);
    const columns = fractionalIndices(coordinates, extent, width);
    for (let px = 0; px < width; px += 1) {
      const place = columns[px] ?? 0;
      const low = Math.floor(place);
      const a = shares[low] ?? NaN;
      const b = shares[Math.min(low + 1, shares.length - 1)] ?? NaN;
      const between = a + (place - low) * (b - a);
      put(px, py, Number.isNaN(between) ? (shares[Math.round(place)] ?? NaN) : between);
    }
  }
  return { width, height, pixels };
}

export interface StepSample {
  readonly x: number;
  readonly step: number;
  /** NaN until the slice has arrived. */
  readonly value: number;
}

/** The sample nearest to a coordinate, of the logged step nearest to a step. */
export function sampleAt(panel: PanelSlice, x: number, step: number): StepSample {
  const { series, channel, focusPoint, sliceAt, slice } = panel;
  const position = nearestPosition(series.steps, step);
  const there = sliceAt(position);
  const measured = there ? channelOf(there, channel.name) : undefined;
  const { coordinates, values } = curveOf(there ?? slice, measured ?? channel, focusPoint);
  const i = nearestIndex(coordinates, x);
  return {
    x: coordinates[i] ?? 0,
    step: series.steps[position] ?? 0,
    value: measured ? (values[i] ?? NaN) : NaN,
  };
}
