import type { Interval } from "./stats";

/** One direction through parameter space and the coordinates sampled along it. */
export interface Axis {
  readonly name: string;
  /**
   * Strictly increasing, in multiples of the direction; 0 is the focus point. The axis of a spectrum
   * holds eigenvalues instead.
   */
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
  /**
   * Standard errors of the differences from the center, in the order of the values; of a spectrum,
   * of its density. Nothing where none were measured.
   */
  readonly errors: Float32Array | null;
  /** Where the errors are not known themselves, but that they are not larger than these. */
  readonly atMost?: true;
  /** How many groups of examples were left out in turn; their values stay where they were logged. */
  readonly replicates: number;
}

/** The path of the parameters over training, seen from a slice's axes. */
export interface Trajectory {
  /** Increasing. */
  readonly steps: readonly number[];
  /** One array an axis: where each step falls on it. */
  readonly coordinates: readonly Float32Array[];
  /** From each step to its place among the axes, in parameter units; NaN where it is not known. */
  readonly distances: Float32Array;
  /** Share of the path's motion that the axes explain, NaN where it is not known. */
  readonly explained: number;
}

/** What a slicer found: the twin of `Slice` in pysclice/slices.py. */
export interface Slice {
  readonly kind: string;
  readonly method: string;
  readonly series: string;
  readonly step: number;
  readonly epoch: number | null;
  readonly wallTime: number;
  /**
   * Lines: (focus points, lines, samples). Plane: (focus points, samples of axes[0], of axes[1]).
   * Spectrum: (focus points, 1, samples).
   */
  readonly shape: readonly [number, number, number];
  readonly channels: readonly Channel[];
  readonly axes: readonly Axis[];
  readonly focusPoints: readonly string[];
  readonly mode: string;
  readonly examples: number;
  readonly evaluations: number;
  readonly seconds: number;
  readonly notes: ReadonlyMap<string, unknown>;
  readonly trajectory: Trajectory | null;
  /** In C order of the shape, 1 where values were evaluated; nothing where none is interpolated. */
  readonly evaluated: Uint8Array | null;
}

export function channelOf(slice: Slice, name: string): Channel | undefined {
  return slice.channels.find((channel) => channel.name === name);
}

/** The values at one focus point: of all lines, or of the plane. */
export function atFocusPoint(
  slice: Slice,
  channel: Pick<Channel, "values">,
  focusPoint: number,
): Float32Array {
  const size = slice.shape[1] * slice.shape[2];
  return channel.values.subarray(focusPoint * size, (focusPoint + 1) * size);
}

/** Which values at one focus point were evaluated, in their order; nothing where all were. */
export function evaluatedAt({ shape, evaluated }: Slice, focusPoint: number): Uint8Array | null {
  const size = shape[1] * shape[2];
  return evaluated && evaluated.subarray(focusPoint * size, (focusPoint + 1) * size);
}

/** The values of one line of a bundle at one focus point. */
export function lineOf(
  slice: Slice,
  channel: Channel,
  line: number,
  focusPoint: number,
): Float32Array {
  return lineIn(channel.values, slice, line, focusPoint);
}

/** The standard errors of one line at one focus point, where there are any. */
export function errorsOf(
  slice: Slice,
  channel: Channel,
  line: number,
  focusPoint: number,
): Float32Array | null {
  return channel.errors && lineIn(channel.errors, slice, line, focusPoint);
}

/** Which values of one line at one focus point were evaluated; nothing where all were. */
export function evaluatedOf(slice: Slice, line: number, focusPoint: number): Uint8Array | null {
  const samples = slice.shape[2];
  return evaluatedAt(slice, focusPoint)?.subarray(line * samples, (line + 1) * samples) ?? null;
}

function lineIn(all: Float32Array, { shape }: Slice, line: number, focusPoint: number) {
  const samples = shape[2];
  const start = (focusPoint * shape[1] + line) * samples;
  return all.subarray(start, start + samples);
}

/** Whether all lines were sampled at the same coordinates. */
export function sharesCoordinates({ axes }: Slice): boolean {
  const first = axes[0]?.coordinates;
  return axes.every(({ coordinates }) => coordinates.every((value, i) => value === first?.[i]));
}

/** From the first to the last coordinate, with room where there is only one. */
export function extent(axis: Axis | undefined): Interval {
  const coordinates = axis?.coordinates ?? [0];
  const low = coordinates[0] ?? 0;
  const high = coordinates[coordinates.length - 1] ?? low;
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** Bytes that a slice takes in memory. */
export function byteSize({ channels, trajectory, evaluated }: Slice): number {
  return channels.reduce(
    (sum, { values, errors }) => sum + values.byteLength + (errors?.byteLength ?? 0),
    2048 + 24 * (trajectory?.steps.length ?? 0) + (evaluated?.byteLength ?? 0),
  );
}
