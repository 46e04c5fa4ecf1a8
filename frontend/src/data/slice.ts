import type { Interval } from "./stats";

/** One direction through parameter space and the coordinates sampled along it. */
export interface Axis {
  readonly name: string;
  /** Strictly increasing, in multiples of the direction; 0 is the focus point. */
  readonly coordinates: Float64Array;
  /** L2 norm of what coordinate 1 covers; NaN where nobody wrote it down. */
  readonly length: number;
  readonly description: string;
  readonly fingerprint: string;
}

/** One measured quantity on the whole grid of a slice. */
export interface Channel {
  readonly name: string;
  /** Measured at the focus points themselves, one a focus point. */
  readonly center: Float64Array;
  /** C order of the slice's shape. */
  readonly values: Float32Array;
}

/** What a slicer found: the twin of `Slice` in pysclice/slices.py. */
export interface Slice {
  readonly kind: string;
  readonly method: string;
  readonly series: string;
  readonly step: number;
  readonly epoch: number | null;
  readonly wallTime: number;
  /** Lines: (focus points, lines, samples). Plane: (focus points, samples of axes[0], of axes[1]). */
  readonly shape: readonly [number, number, number];
  readonly channels: readonly Channel[];
  readonly axes: readonly Axis[];
  readonly focusPoints: readonly string[];
  readonly mode: string;
  readonly examples: number;
  readonly evaluations: number;
  readonly seconds: number;
  readonly notes: ReadonlyMap<string, unknown>;
}

export function channelOf(slice: Slice, name: string): Channel | undefined {
  return slice.channels.find((channel) => channel.name === name);
}

/** The values at one focus point: of all lines, or of the plane. */
export function atFocusPoint(slice: Slice, channel: Channel, focusPoint: number): Float32Array {
  const size = slice.shape[1] * slice.shape[2];
  return channel.values.subarray(focusPoint * size, (focusPoint + 1) * size);
}

/** The values of one line of a bundle at one focus point. */
export function lineOf(
  slice: Slice,
  channel: Channel,
  line: number,
  focusPoint: number,
): Float32Array {
  const samples = slice.shape[2];
  const start = (focusPoint * slice.shape[1] + line) * samples;
  return channel.values.subarray(start, start + samples);
}

/** From the first to the last coordinate, with room where there is only one. */
export function extent(axis: Axis | undefined): Interval {
  const coordinates = axis?.coordinates ?? [0];
  const low = coordinates[0] ?? 0;
  const high = coordinates[coordinates.length - 1] ?? low;
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** Bytes that the values of a slice take in memory. */
export function byteSize(slice: Slice): number {
  return slice.channels.reduce((sum, channel) => sum + channel.values.byteLength, 2048);
}
