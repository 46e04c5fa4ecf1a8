import { describe, expect, it } from "vitest";
import { layout, series } from "../../tests/catalogs";
import { line } from "../../tests/slices";
import { FieldStore, fieldKey } from "../data/fieldStore";
import type { Slice } from "../data/slice";
import { quantileRange } from "../data/stats";
import { keepingValleys, OutlierRanges, sampleOf, samplePositions, usualRange } from "./outliers";
import { withoutOutliers } from "./valueScale";

function slice(values: readonly number[]): Slice {
  return line(upTo(values.length - 1), values, { center: Float64Array.of(values[0] ?? 0) });
}

const upTo = (last: number) => Array.from({ length: last + 1 }, (_, i) => i);

describe("quantiles", () => {
  it("lie between the values of all arrays together", () => {
    expect(quantileRange([upTo(100)], [0.02, 0.98])).toEqual([2, 98]);
    expect(quantileRange([[3, 1], [2]], [0, 1])).toEqual([1, 3]);
    expect(quantileRange([[0, 1]], [0.25, 0.75])).toEqual([0.25, 0.75]);
  });

  it("leave out what is not finite", () => {
    expect(quantileRange([[NaN, Infinity, 5, 5]], [0.02, 0.98])).toEqual([5, 5]);
    expect(quantileRange([[NaN]], [0.02, 0.98])).toBeNull();
  });
});

describe("the steps that stand for all", () => {
  it("are all, or evenly spread, and stay while new ones are logged", () => {
    expect(samplePositions(3)).toEqual([0, 1, 2]);
    expect(samplePositions(17)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16]);
    expect(samplePositions(18)).toEqual(samplePositions(17));
    expect(samplePositions(10_000).length).toBeLessThanOrEqual(16);
    expect(samplePositions(0)).toEqual([]);
  });

  it("are those that the view can draw", () => {
    const logged = series("random line", [0, 10], {
      layouts: [layout(), layout({ kind: "plane" })],
      layoutIndices: [0, 1],
    });
    const lines = sampleOf(logged, "train/loss", null, ({ kind }) => kind === "lines");
    expect(lines).toHaveLength(1);
    expect(sampleOf(logged, "accuracy", null, () => true)).toEqual([]);
  });
});

describe("ranges without outliers", () => {
  const sample = [
    { key: "a", stride: 1 },
    { key: "b", stride: 1 },
  ];

  it("come once all of the sample has, and stay when it is forgotten", () => {
    const fields = new FieldStore(1);
    const ranges = new OutlierRanges(fields);
    const range = () => ranges.range("all", sample, "train/loss", 0);
    fields.put([[fieldKey("a", 1), { slice: slice(upTo(100)) }]]);
    expect(range()).toBeNull();
    const both = new FieldStore();
    both.put([
      [fieldKey("a", 1), { slice: slice(upTo(100)) }],
      [fieldKey("b", 1), { error: "Gone." }],
    ]);
    const complete = new OutlierRanges(both);
    expect(complete.range("all", sample, "train/loss", 0)).toEqual([2, 98]);
    // A new slice belongs to the sample and is not there yet: the scale waits for it.
    const more = [...sample, { key: "c", stride: 1 }];
    expect(complete.range("all", more, "train/loss", 0)).toEqual([2, 98]);
    expect(complete.range("one run", more, "train/loss", 0)).toBeNull();
  });

  it("ignore what one diverged step did to the largest value", () => {
    const usual = Array.from({ length: 15 }, () => slice(upTo(100)));
    const diverged = slice([...upTo(85), ...Array.from({ length: 15 }, () => 2e4)]);
    const range = usualRange([...usual, diverged], "train/loss", 0);
    expect(range?.[1]).toBeLessThan(101);
  });

  it("never cut off the valley that the model lies in", () => {
    expect(keepingValleys([2, 98], [[50, 1], undefined])).toEqual([-Infinity, 98]);
    expect(keepingValleys([2, 98], [[50, NaN]])).toEqual([2, 98]);
    expect(withoutOutliers([0.5, 100], [-Infinity, 98])).toEqual({
      domain: [0.5, 98],
      clipped: { below: false, above: true },
    });
  });

  it("say at which end something is cut off", () => {
    expect(withoutOutliers([0, 100], [2, 98])).toEqual({
      domain: [2, 98],
      clipped: { below: true, above: true },
    });
    expect(withoutOutliers([0, 100], [0, 98]).clipped).toEqual({
      below: false,
      above: true,
    });
    expect(withoutOutliers([1e-3, 100], [-1, 98]).domain).toEqual([1e-3, 98]);
  });

  it("cut nothing off where most values are the same", () => {
    const whole = { domain: [0, 100], clipped: { below: false, above: false } };
    expect(withoutOutliers([0, 100], [5, 5])).toEqual(whole);
    expect(withoutOutliers([0, 100], null)).toEqual(whole);
    expect(withoutOutliers([1e-3, 100], [-3, -1]).domain).toEqual([1e-3, 100]);
  });
});
