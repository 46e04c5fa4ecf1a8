import { property } from "../../data/notes";
import { formatCoordinate, formatUncertain } from "../../plot/format";
import { fractionalIndices } from "../../plot/raster";
import type { Headline, Measured } from "../view";
import { curveOf, type Curve } from "./lineModel";

/** How far the values rise above the straight line between coordinates 0 and 1. */
export interface Barrier {
  /** Infinite where a value on the way is. */
  readonly value: number;
  readonly where: number;
  /** Its standard error, where it is known. */
  readonly error: number | null;
}

/** The barrier that a record notes for a channel; it is that of the first line and focus point. */
export function barrierOf({ slice, channel, focusPoint }: Measured): Barrier | null {
  if (focusPoint !== 0) return null;
  const found = property(slice.notes.get("barrier"), channel.name);
  const value = property(found, "value");
  const where = property(found, "where");
  const error = property(found, "error");
  if (typeof where !== "number" || where < 0 || where > 1) return null;
  if (value !== "Infinity" && (typeof value !== "number" || value < 0)) return null;
  return {
    value: Number(value),
    where,
    error: typeof error === "number" && Number.isFinite(error) ? error : null,
  };
}

/** Where a barrier is drawn, in coordinates and values. */
export interface BarrierMark {
  /** Values of the straight line at coordinates 0 and 1. */
  readonly start: number;
  readonly end: number;
  readonly where: number;
  readonly foot: number;
  readonly top: number;
  /** Empty where there is no height to draw. */
  readonly label: string;
}

/** The straight line and the height above it; nothing where an end of it is not on the curve. */
export function markOf(barrier: Barrier, curve: Curve, center: number): BarrierMark | null {
  const { coordinates } = curve;
  const first = coordinates[0] ?? Infinity;
  const last = coordinates.at(-1) ?? -Infinity;
  if (first > 0 || last < 1) return null;
  const end = valueAt(curve, 1);
  if (!Number.isFinite(center + end)) return null;
  const { where, value } = barrier;
  const foot = (1 - where) * center + where * end;
  const finite = value > 0 && Number.isFinite(value);
  return {
    start: center,
    end,
    where,
    foot,
    top: finite ? foot + value : foot,
    label: finite ? `barrier ${formatUncertain(value, barrier.error)}` : "",
  };
}

function valueAt({ coordinates, values }: Curve, x: number): number {
  // The middle of the one pixel between x and x is x itself.
  const place = fractionalIndices(coordinates, [x, x], 1)[0] ?? 0;
  const below = Math.floor(place);
  const low = values[below] ?? NaN;
  if (place === below) return low;
  return low + (place - below) * ((values[below + 1] ?? NaN) - low);
}

/** What has to be said of a barrier, besides what its label says. */
export function barrierSentences(measured: Measured): string[] {
  const barrier = barrierOf(measured);
  const { slice, channel, focusPoint } = measured;
  const mark =
    barrier && markOf(barrier, curveOf(slice, channel, focusPoint), channel.center[0] ?? NaN);
  if (!barrier || !mark) return [];
  if (barrier.value === 0) return ["No barrier: nothing rises above the dashed line."];
  if (barrier.value === Infinity) {
    return ["The barrier is infinite: between coordinates 0 and 1 a value is not finite."];
  }
  const error = barrier.error === null ? "" : " (one standard error)";
  const height = mark.label.replace("barrier", "Barrier");
  return [`${height}${error}: highest rise above the dashed line.`];
}

/** The barrier as the number between two runs. */
export function barrierBetween(measured: Measured): Headline | null {
  const barrier = barrierOf(measured);
  if (!barrier) return null;
  const { value, where, error } = barrier;
  const height =
    value === Infinity ? "infinite barrier" : `barrier ${formatUncertain(value, error)}`;
  return { label: "barrier", value, title: `${height} at ${formatCoordinate(where)}` };
}
