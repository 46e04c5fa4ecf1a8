import { describe, expect, it } from "vitest";
import { axis, channel, slice } from "../../../tests/slices";
import { quantilesAcross } from "../../data/stats";
import { curveOf } from "../line/lineModel";
import { viewsFor } from "../registry";
import {
  bundleExtent,
  bundleSentences,
  curvesOf,
  drawnOf,
  nearestCurve,
  neighborAt,
  spreadOf,
  valueAt,
} from "./bundleModel";
import type { PanelSlice } from "../view";

const X = [-1, 0, 1];
const values = channel([4, 1, 4, 2, 1, 2, 8, 3, 8, 6, 3, 6]);
const twice = slice([2, 2, 3], [axis(X, { name: "a" }), axis(X, { name: "b" })], values);
const panel = (bundle: typeof twice) =>
  ({ slice: bundle, channel: bundle.channels[0], focusPoint: 0, run: "r" }) as PanelSlice;

describe("quantiles across curves", () => {
  const rows = (...lists: number[][]) => lists.map((list) => Float32Array.from(list));

  it("are those of each column", () => {
    const [low, middle, high] = quantilesAcross(
      rows([3, 0], [1, 0], [2, 0], [5, 0], [4, 0]),
      [0.1, 0.5, 0.9],
    );
    expect([low?.[0], middle?.[0], high?.[0]]).toEqual([1.4, 3, 4.6]);
    expect(middle?.[1]).toBe(0);
  });

  it("take what diverged for the largest", () => {
    const [middle, high] = quantilesAcross(
      rows([1], [NaN], [2], [Infinity], [-Infinity]),
      [0.5, 0.9],
    );
    expect([middle?.[0], high?.[0]]).toEqual([2, Infinity]);
    expect(quantilesAcross(rows([-Infinity], [1]), [0.5])[0]?.[0]).toBe(-Infinity);
  });
});

describe("a bundle", () => {
  it("is what lines of more than one curve are shown as", () => {
    const ids = (kind: string, shape: number[]) =>
      viewsFor({ kind, method: "", shape, channels: [], axes: [] }).map(({ id }) => id);
    expect(ids("lines", [1, 1, 9])).toEqual(["line", "over-steps"]);
    expect(ids("lines", [3, 1, 9])).toEqual(["line", "over-steps", "bundle"]);
    expect(ids("lines", [1, 3, 9])).toEqual(["small-multiples", "bundle", "ranks"]);
    expect(ids("plane", [1, 9, 9])).toEqual(["plane", "surface"]);
    expect(ids("spectrum", [1, 1, 9])).toEqual(["spectrum", "eigenvalues"]);
  });

  it("has a curve for each line at each focus point", () => {
    const curves = curvesOf({ slice: twice, channel: values });
    expect(curves.map(({ name }) => name)).toEqual([
      "a, point 0",
      "b, point 0",
      "a, point 1",
      "b, point 1",
    ]);
    expect([...(curves[2]?.values ?? [])]).toEqual([8, 3, 8]);
    expect([...(spreadOf(twice, curves)?.median ?? [])]).toEqual([5, 2, 5]);
  });

  it("has no median where coordinates differ", () => {
    const uneven = slice([1, 2, 3], [axis(X), axis([-2, 0, 4])], channel([4, 1, 4, 2, 1, 2]));
    expect(spreadOf(uneven, curvesOf(panel(uneven)))).toBeNull();
    expect(bundleSentences(panel(uneven))[0]).toMatch(/^2 curves, without a median/);
    expect(bundleExtent([uneven, twice])).toEqual([-2, 4]);
  });

  it("names the curve that passes nearest to a point", () => {
    const curves = curvesOf({ slice: twice, channel: values });
    const toY = (value: number) => 100 - 10 * value;
    expect(nearestCurve(curves, 1, 100 - 10 * 6.4, toY)).toBe(3);
    expect(nearestCurve(curves, 0.5, 100 - 10 * 2.4, toY)).toBe(0);
    expect(nearestCurve(curves, 3, 0, toY)).toBeNull();
    expect(valueAt(curveOf(twice, channel([0, 2, 6]), 0), 0.5)).toBe(4);
    expect(neighborAt(curves, 1, 1, 1)).toBe(0);
    expect(neighborAt(curves, 1, 1, 9)).toBe(2);
  });

  it("draws no more curves than can be told apart, and says so", () => {
    const many = Array.from({ length: 4001 }, (_, i) => i);
    const drawn = drawnOf(many);
    expect([drawn.length, drawn[0], drawn.at(-1)]).toEqual([1000, 0, 4000]);
    const large = { ...twice, shape: [1, 4001, 3] as const, axes: [axis(X)] };
    expect(bundleSentences(panel(large))[0]).toContain("Of all curves 1,000 are drawn");
  });
});
