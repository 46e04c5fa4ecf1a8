import type { Axis, Channel, Slice } from "../src/data/slice";

export function axis(coordinates: readonly number[], overrides: Partial<Axis> = {}): Axis {
  return {
    name: "random 0",
    coordinates: Float64Array.from(coordinates),
    length: 1,
    description: "",
    fingerprint: "9c1d",
    ...overrides,
  };
}

export function channel(values: readonly number[], overrides: Partial<Channel> = {}): Channel {
  return {
    name: "train/loss",
    center: Float64Array.of(0),
    values: Float32Array.from(values),
    errors: null,
    replicates: 0,
    ...overrides,
  };
}

export function slice(
  shape: readonly [number, number, number],
  axes: readonly Axis[],
  values: Channel,
  overrides: Partial<Slice> = {},
): Slice {
  return {
    kind: "lines",
    method: "random direction",
    series: "random line",
    step: 0,
    epoch: null,
    wallTime: 0,
    shape,
    channels: [values],
    axes,
    focusPoints: Array.from({ length: shape[0] }, (_, i) => `point ${i}`),
    mode: "eval",
    examples: 0,
    evaluations: 0,
    seconds: 0,
    notes: new Map(),
    trajectory: null,
    evaluated: null,
    ...overrides,
  };
}

/** Of one line, at a focus point. */
export function line(
  coordinates: readonly number[],
  values: readonly number[],
  overrides: Partial<Channel & Pick<Slice, "notes" | "kind" | "step">> = {},
): Slice {
  const { notes, kind, step, ...more } = overrides;
  return slice([1, 1, coordinates.length], [axis(coordinates)], channel(values, more), {
    ...(notes && { notes }),
    ...(kind !== undefined && { kind }),
    ...(step !== undefined && { step }),
  });
}
