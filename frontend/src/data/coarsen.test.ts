import { expect, it } from "vitest";
import { coarsen } from "./coarsen";
import type { Slice } from "./slice";

const axis = (samples: number) => ({
  name: "x",
  coordinates: Float64Array.from({ length: samples }, (_, i) => i),
  length: 1,
  description: "",
  fingerprint: "",
});

function slice(kind: string, shape: readonly [number, number, number]): Slice {
  const size = shape[0] * shape[1] * shape[2];
  const values = Float32Array.from({ length: size }, (_, i) => i);
  return {
    kind,
    shape,
    axes: kind === "plane" ? [axis(shape[1]), axis(shape[2])] : [axis(shape[2])],
    channels: [{ name: "a", center: Float64Array.of(0), values, errors: values, replicates: 0 }],
    evaluated: Uint8Array.from(values, (value) => value % 2),
  } as unknown as Slice;
}

it("takes every second sample of both axes of a plane, at each focus point", () => {
  const coarse = coarsen(slice("plane", [2, 3, 5]), 2);
  expect(coarse.shape).toEqual([2, 2, 3]);
  expect([...(coarse.channels[0]?.values ?? [])]).toEqual([
    0, 2, 4, 10, 12, 14, 15, 17, 19, 25, 27, 29,
  ]);
  expect([...(coarse.evaluated ?? [])].slice(6, 9)).toEqual([1, 1, 1]);
  expect(coarse.axes.map(({ coordinates }) => [...coordinates])).toEqual([
    [0, 2],
    [0, 2, 4],
  ]);
});

it("keeps every line of a bundle", () => {
  const coarse = coarsen(slice("lines", [1, 2, 5]), 4);
  expect([...(coarse.channels[0]?.errors ?? [])]).toEqual([0, 4, 5, 9]);
  expect(() => coarsen(slice("lines", [1, 2, 5]), 3)).toThrow("does not divide");
});
