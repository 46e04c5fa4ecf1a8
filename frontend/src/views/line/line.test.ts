import { describe, expect, it } from "vitest";
import { line } from "../../../tests/slices";
import type { Slice } from "../../data/slice";
import { formatUncertain } from "../../plot/format";
import { aroundBands } from "../shared/errors";
import type { Measured } from "../view";
import { barrierOf, barrierSentences, markOf } from "./barrierModel";
import { curveOf, sampleAt } from "./lineModel";

function measured(slice: Slice, focusPoint = 0): Measured {
  const [channel] = slice.channels;
  if (!channel) throw new Error("A slice has a channel.");
  return { slice, channel, focusPoint };
}

const notes = (barrier: unknown) => new Map<string, unknown>([["barrier", barrier]]);
// 1 + x, and a bump of height 3 above this straight line.
const X = [-0.5, 0, 0.25, 0.5, 0.75, 1, 1.5];
const HILL = X.map((x) => 1 + x + 12 * x * (1 - x));
const hill = (barrier: unknown, values: readonly number[] = HILL) =>
  measured(line(X, values, { notes: notes(barrier), center: Float64Array.of(values[1] ?? 0) }));

describe("a band", () => {
  const errors = Float32Array.of(0.5, 0, 0.25);
  const bowl = measured(line([-1, 0, 1], [2, 1, 3], { errors }));

  it("is 1.96 standard errors wide on both sides", () => {
    const curve = curveOf(bowl.slice, bowl.channel, 0);
    expect(sampleAt(curve, 0.9)).toEqual({ x: 1, value: 3, half: 0.49 });
    expect(sampleAt({ ...curve, errors: null }, 1)).not.toHaveProperty("half");
    expect(sampleAt({ ...curve, errors: Float32Array.of(NaN, 0, 0) }, -1)).not.toHaveProperty(
      "half",
    );
  });

  it("widens the scale, but never below zero where no value is", () => {
    const [low, high] = aroundBands("linear", [1, 3], [bowl]);
    expect([low, high]).toEqual([1, 3.49]);
    const below = measured(line([-1, 0, 1], [-2, 1, 3], { errors }));
    expect(aroundBands("linear", [-2, 3], [below])[0]).toBeCloseTo(-2.98);
    expect(aroundBands("log", [1, 3], [bowl])).toEqual([1, 3.49]);
    expect(aroundBands("linear", [1, 3], [measured(line([0], [1]))])).toEqual([1, 3]);
  });
});

describe("a barrier", () => {
  const found = { "train/loss": { value: 3, where: 0.5, error: 0.125 } };

  it("stands on the straight line between coordinates 0 and 1", () => {
    const at = hill(found);
    const barrier = barrierOf(at);
    if (!barrier) throw new Error("The barrier is noted.");
    expect(markOf(barrier, curveOf(at.slice, at.channel, 0), 1)).toEqual({
      start: 1,
      end: 2,
      where: 0.5,
      foot: 1.5,
      top: 4.5,
      label: "barrier 3.00 ± 0.13",
    });
    expect(barrierSentences(at)[0]).toMatch(/^Barrier 3\.00 ± 0\.13 \(one standard error\): /);
  });

  it("ends between samples where 1 is none", () => {
    const at = measured(line([0, 0.5, 1.5], [1, 3, 5], { notes: notes(found) }));
    const barrier = barrierOf(at);
    if (!barrier) throw new Error("The barrier is noted.");
    expect(markOf(barrier, curveOf(at.slice, at.channel, 0), 1)?.end).toBe(4);
    const short = curveOf(line([0, 0.5], [1, 3]), at.channel, 0);
    expect(markOf(barrier, short, 1)).toBeNull();
  });

  it("has no error where none is noted", () => {
    const at = hill({ "train/loss": { value: 3, where: 0.5, error: null } });
    expect(barrierSentences(at)[0]).toMatch(/^Barrier 3\.000?: [^±]*$/);
  });

  it("is a sentence where it is infinite or nothing", () => {
    const infinite = hill({ "train/loss": { value: "Infinity", where: 0.5, error: null } });
    expect(barrierSentences(infinite)).toEqual([
      "The barrier is infinite: between coordinates 0 and 1 a value is not finite.",
    ]);
    const none = hill({ "train/loss": { value: 0, where: 0, error: 0.1 } });
    expect(barrierSentences(none)[0]).toMatch(/^No barrier/);
  });

  it.each([
    ["nothing", undefined],
    ["a text", "high"],
    ["another channel's", { "validation/loss": { value: 3, where: 0.5, error: null } }],
    ["one below zero", { "train/loss": { value: -1, where: 0.5, error: null } }],
    ["one without a place", { "train/loss": { value: 1, where: "middle", error: null } }],
    ["one beyond the ends", { "train/loss": { value: 1, where: 1.5, error: null } }],
    ["a list", [1, 2]],
    ["null", { "train/loss": null }],
  ])("is not drawn where the note is %s", (_, note) => {
    expect(barrierOf(hill(note))).toBeNull();
    expect(barrierSentences(hill(note))).toEqual([]);
  });

  it("belongs to the first focus point", () => {
    expect(barrierOf({ ...hill(found), focusPoint: 1 })).toBeNull();
  });
});

describe("a number with its error", () => {
  it.each([
    [0.42, 0.03, "0.42 ± 0.03"],
    [0.42135, 0.0125, "0.421 ± 0.013"],
    [1004.2, 14.2, "1004 ± 14"],
    [12500, 300, "12500 ± 300"],
    [-2.5, 0.2, "\u22122.5 ± 0.2"],
    [0.0996, 0.0996, "0.10 ± 0.10"],
    [3, 0, "3.00"],
    [3, NaN, "3.00"],
  ])("%d and %d read %s", (value, error, text) => {
    expect(formatUncertain(value, error)).toBe(text);
  });

  it("keeps an exponent where digits would not fit", () => {
    expect(formatUncertain(3.2e9, 2e8)).toMatch(/^3\.2e9 ± 2e8$/);
  });
});
