import { expect, it } from "vitest";
import { layout } from "../../tests/catalogs";
import { resolutions, strideFor } from "./catalog";
import { placeOfRun, runStyle } from "./runColors";

it("resolutions are those of Slice.resolutions in Python", () => {
  const samples = (shape: number[], kind = "plane") =>
    resolutions(layout({ kind, shape })).map((choice) => choice.samples);
  expect(samples([1, 49, 49])).toEqual([49, 25, 13, 7, 4]);
  expect(samples([1, 1, 25], "lines")).toEqual([25, 13, 7, 4]);
  expect(samples([1, 25, 13])).toEqual([25, 13, 7]);
  expect(samples([1, 1, 1], "lines")).toEqual([1]);
  expect(samples([1, 50, 50])).toEqual([50]);
});

it("a coarser resolution is a stride of whatever was logged", () => {
  expect(strideFor(layout({ shape: [1, 1, 49] }), 13)).toBe(4);
  expect(strideFor(layout({ shape: [1, 1, 25] }), 13)).toBe(2);
  expect(strideFor(layout({ shape: [1, 1, 25] }), 49)).toBe(1);
  expect(strideFor(layout({ shape: [1, 1, 49] }), null)).toBe(1);
});

it("colors are Time Series' by place, strokes by the turn through them", () => {
  expect(runStyle(0, false, "tensorboard").color).toBe("#425066");
  expect(runStyle(0, true, "tensorboard").color).toBe("#8e98a3");
  expect(runStyle(8, false, "tensorboard")).toEqual({ color: "#12b5cb", dash: [6, 3] });
  expect(placeOfRun(["a", "b/slices"], "b", ["b/slices"], 9)).toBe(1);
  expect(placeOfRun([], "b", ["b"], 9)).toBe(9);
});
