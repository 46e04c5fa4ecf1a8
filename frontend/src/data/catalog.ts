/** What all slices with the same shape and channels have in common. */
export interface Layout {
  readonly kind: string;
  readonly method: string;
  readonly shape: readonly number[];
  readonly channels: readonly string[];
  /** Names of the first two axes. */
  readonly axes: readonly string[];
}

/** The slices of one slicer over the steps of one run: columns over the steps. */
export interface Series {
  readonly id: string;
  readonly name: string;
  readonly layouts: readonly Layout[];
  /** Strictly increasing. */
  readonly steps: readonly number[];
  readonly layoutIndices: readonly number[];
  readonly attempts: readonly string[];
  readonly fingerprints: readonly string[];
  readonly wallTime: number;
  readonly seconds: readonly number[];
  readonly epochs: readonly (number | null)[] | null;
  /** By channel: its value at the focus point, one a step. */
  readonly centers: ReadonlyMap<string, Float32Array>;
  /** By channel: the smallest and largest finite value over all steps. */
  readonly ranges: ReadonlyMap<string, readonly [number, number] | null>;
  readonly nonfinite: ReadonlyMap<string, number>;
}

export interface Run {
  readonly name: string;
  /** The TensorBoard runs merged into this one. */
  readonly sources: readonly string[];
  readonly series: readonly Series[];
}

/** All that was logged, without a single value. */
export interface Catalog {
  readonly generation: string;
  readonly version: string;
  readonly runs: readonly Run[];
  readonly malformed: number;
}

export function layoutAt(series: Series, position: number): Layout | undefined {
  return series.layouts[series.layoutIndices[position] ?? -1];
}

/** Names the same bytes for good, or nothing where the series has no such position. */
export function frameKey(series: Series, position: number): string | undefined {
  const step = series.steps[position];
  const attempt = series.attempts[position];
  return step === undefined || attempt === undefined
    ? undefined
    : `${series.id}.${step}.${attempt}`;
}

export function seriesNamed(run: Run, name: string | null): Series | undefined {
  return run.series.find((series) => series.name === name);
}

/** How many samples the axes have: `25 × 25` for a plane, `49` for lines. */
export function sampleCount(layout: Layout): number {
  return layout.kind === "plane" ? (layout.shape[1] ?? 1) : (layout.shape[2] ?? 1);
}

/** Samples on each axis that a stride divides; see `Slice.resolutions` in pysclice/slices.py. */
export function resolutions(layout: Layout): { samples: number; stride: number }[] {
  const intervals =
    layout.kind === "plane"
      ? greatestCommonDivisor((layout.shape[1] ?? 1) - 1, (layout.shape[2] ?? 1) - 1)
      : sampleCount(layout) - 1;
  const first = sampleCount(layout) - 1;
  const result = [{ samples: first + 1, stride: 1 }];
  for (
    let stride = 2;
    intervals > 0 && intervals % stride === 0 && first / stride >= 3;
    stride *= 2
  ) {
    result.push({ samples: Math.floor(first / stride) + 1, stride });
  }
  return result;
}

/** The stride that leaves at most `samples` on an axis, or the coarsest there is. */
export function strideFor(layout: Layout, samples: number | null): number {
  if (samples === null) return 1;
  const choices = resolutions(layout);
  return (choices.find((choice) => choice.samples <= samples) ?? choices.at(-1))?.stride ?? 1;
}

/** Bytes of one slice's values. */
export function layoutBytes(layout: Layout, stride: number): number {
  const samples = layout.shape.reduce((product, n) => product * n, 1);
  return (4 * samples * layout.channels.length) / (layout.kind === "plane" ? stride ** 2 : stride);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
