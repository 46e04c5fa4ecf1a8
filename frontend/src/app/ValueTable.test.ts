import { expect, it } from "vitest";
import { axis, channel, line, slice } from "../../tests/slices";
import type { Slice } from "../data/slice";
import { tableOf } from "./ValueTable";

function table(shown: Slice) {
  const [first] = shown.channels;
  if (!first) throw new Error("A slice has a channel.");
  const { corner, heads, rows } = tableOf({ slice: shown, channel: first, focusPoint: 0 });
  return [[corner, ...heads], ...rows.map(({ head, cells }) => [head, ...cells])];
}

it("a table has the errors beside the values", () => {
  const errors = Float32Array.of(0.5, 0, NaN);
  expect(table(line([-1, 0, 1], [2, 1, 3], { errors }))).toEqual([
    ["coordinate", "random 0"],
    ["\u22121", "2.0000 ± 0.98"],
    ["0", "1.0000 ± 0"],
    ["1", "3.0000"],
  ]);
});

it("a table of a spectrum speaks of eigenvalues", () => {
  const spectrum = slice([1, 1, 2], [axis([1e-5, 2e4], { name: "eigenvalue" })], channel([1, 2]), {
    kind: "spectrum",
  });
  expect(table(spectrum)).toEqual([
    ["eigenvalue", "density"],
    ["1e\u22125", "1.0000"],
    ["20000", "2.0000"],
  ]);
});

it("a table of lines with other coordinates has those of each", () => {
  const axes = [axis([-1, 1], { name: "a" }), axis([-2, 3], { name: "b" })];
  expect(table(slice([1, 2, 2], axes, channel([1, 2, 3, 4])))).toEqual([
    ["sample", "coordinate", "a", "coordinate", "b"],
    ["1", "\u22121", "1.0000", "\u22122", "3.0000"],
    ["2", "1", "2.0000", "3", "4.0000"],
  ]);
});

it("a table marks what was interpolated", () => {
  const sparse = { ...line([-1, 0, 1], [2, 1, 3]), evaluated: Uint8Array.of(1, 0, 1) };
  expect(table(sparse).slice(1)).toEqual([
    ["\u22121", "2.0000"],
    ["0", "\u2248\u20091.0000"],
    ["1", "3.0000"],
  ]);
});
