import { describe, expect, it } from "vitest";
import { channel, slice } from "../../tests/slices";
import type { ValueScale } from "../views/view";
import { rowHeightFor } from "./panelGrid";
import { clippingFor, noteFor } from "./PanelNote";

const values = channel([NaN, -1, 1, 5, 20, 30]);
const panel = { slice: slice([1, 1, 6], [], values), channel: values, focusPoint: 0 };

function scale(kind: "linear" | "log", below: boolean, above: boolean): ValueScale {
  return { kind, domain: [2, 10], clipped: { below, above } };
}

describe("the note of a panel", () => {
  it("counts the values beyond the ends that are clipped", () => {
    expect(clippingFor(panel, scale("linear", false, false))).toBeNull();
    expect(clippingFor(panel, scale("linear", false, true))).toBe(
      "Clipped at 98%: 2 of 6 values above.",
    );
    expect(clippingFor(panel, scale("linear", true, true))).toBe(
      "Clipped to 2\u201398%: 2 above, 2 below, of 6 values.",
    );
  });

  it("counts a value without a place on the scale as missing and not as clipped", () => {
    expect(clippingFor(panel, scale("log", true, false))).toBe(
      "Clipped at 2%: 1 of 6 values below.",
    );
    expect(noteFor(panel, "log")).toContain("1 of 6 values are not finite");
  });
});

it("rows are as high as pictures can use, and no higher than the stage allows", () => {
  const stage = { width: 1000, height: 800 };
  const square = (width: number) => width;
  expect(rowHeightFor(2, 2, stage, square)).toBeLessThan(600);
  expect(rowHeightFor(2, 2, stage, () => Infinity)).toBe(784);
  expect(rowHeightFor(8, 2, stage, square)).toBe(288);
});
