import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { channel, line } from "../../../tests/slices";
import { decodeRecord } from "../../api/record";
import type { Slice } from "../../data/slice";
import { recordSentences } from "./recordSentences";

const GOLDEN = join(import.meta.dirname, "../../../../tests/golden/v2-adaptive.slice");
const golden = decodeRecord(new Uint8Array(readFileSync(GOLDEN)));

function said(
  slice: Slice,
  { dots = false, focusPoint = 0, name = "train/loss", log = false } = {},
) {
  const shown = slice.channels[0] ?? channel([]);
  return recordSentences(
    { slice, channel: { ...shown, name }, focusPoint },
    dots,
    log ? "log" : "linear",
  );
}

const noted = (notes: Record<string, unknown>) => new Map(Object.entries(notes));

describe("what a record says", () => {
  it("counts what was evaluated at the focus point that is shown", () => {
    expect(said(golden)).toEqual(["12 of 35 points evaluated, the rest interpolated."]);
    expect(said(golden, { focusPoint: 1, dots: true })).toEqual([
      "Dots: 12 of 35 points evaluated, the rest interpolated.",
    ]);
  });

  it("names the tolerance where it was tested, and what it is of", () => {
    const hold_outs = { count: 30, channels: { accuracy: { largest: 0.0312 } } };
    const sampling = { tolerance: 0.001, channel: "train/loss", allowed: 0.025, hold_outs };
    const tested = { ...golden, notes: noted({ sampling }) };
    const exact =
      "12 of 35 points evaluated, the rest interpolated to 0.1 % of the range (± 0.025).";
    expect(said(tested)).toEqual([exact]);
    expect(said(tested, { log: true })).toEqual([
      `${exact} Below that, a log scale shows one color.`,
    ]);
    expect(said(tested, { name: "accuracy" })).toEqual([
      "12 of 35 points evaluated, the rest interpolated; " +
        "the worst of 30 tested ones by 3.1 % of the range.",
    ]);
    for (const wrong of [null, 5, "adaptive", { tolerance: 0.01 }, { hold_outs: [] }]) {
      expect(said({ ...golden, notes: noted({ sampling: wrong }) })).toEqual([
        "12 of 35 points evaluated, the rest interpolated.",
      ]);
    }
  });

  it("says nothing where all was evaluated", () => {
    expect(said(line([0, 1], [1, 2]))).toEqual([]);
    expect(said({ ...golden, evaluated: new Uint8Array(70).fill(1) })).toEqual([]);
  });

  it("repeats what was decided for lack of time", () => {
    const sentence = "Coarser than asked: 25 of 49 samples (time budget 2 %).";
    const short = line([0, 1], [1, 2], { notes: noted({ budget: { sentence, resolution: 25 } }) });
    expect(said(short)).toEqual([sentence]);
    for (const budget of [null, 0.02, "2 %", { sentence: 5 }, { sentence: "" }]) {
      expect(said(line([0, 1], [1, 2], { notes: noted({ budget }) }))).toEqual([]);
    }
  });
});
