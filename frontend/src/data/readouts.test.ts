import { describe, expect, it } from "vitest";
import { axis, channel, line, slice } from "../../tests/slices";
import { readings } from "./readouts";

describe("read-outs", () => {
  it("of a line are what pysclice.measures says", () => {
    // From measures.curvature and measures.width of this slice, its axis of length 2.
    const x = Array.from({ length: 13 }, (_, i) => -1 + i / 6);
    const y = [
      1.532185673713684,
      1.1870214939117432,
      1.0458712577819824,
      0.703366219997406,
      0.45677727460861206,
      0.46069809794425964,
      0.5,
      0.633746325969696,
      0.9210004806518555,
      1.1466337442398071,
      1.4652398824691772,
      2.1740896701812744,
      Infinity,
    ];
    const values = channel(y, { center: Float64Array.of(0.5) });
    const of = slice([1, 1, 13], [axis(x, { length: 2 })], values);
    const found = new Map(readings(of, values, 0).map(({ label, value }) => [label, value]));
    expect(found.get("curvature")).toBeCloseTo(0.8500000278, 6);
    expect(found.get("width at +5 %")).toBeCloseTo(0.4105978021, 6);
    expect(found.get("values that are not finite")).toBe(1);
    expect(found.get("lowest along random 0")).toBeCloseTo(-1 / 3, 12);
  });

  it("name where a plane is lowest", () => {
    const axes = [axis([-1, 0, 1], { name: "u" }), axis([-2, 2], { name: "v" })];
    const values = channel([5, 4, 3, 2, 1, 0.5]);
    const of = slice([1, 3, 2], axes, values, { kind: "plane" });
    const found = new Map(readings(of, values, 0).map(({ label, value }) => [label, value]));
    expect([found.get("lowest along u"), found.get("lowest along v")]).toEqual([1, 2]);
  });

  it("are not made up where nothing is finite", () => {
    const of = line([0, 1], [NaN, NaN]);
    const [values] = of.channels;
    if (!values) throw new Error("A line has a channel.");
    const found = new Map(readings(of, values, 0).map(({ label, value }) => [label, value]));
    expect(found.get("lowest train/loss")).toBeNaN();
  });
});
