import { describe, expect, it } from "vitest";
import { line } from "../../../tests/slices";
import type { Found } from "../../data/difference";
import { HALF_WIDTH } from "../../views/shared/errors";
import { reached } from "./differenceModel";
import { gridRows } from "./gridRows";

function found(errors: Float32Array | null): Found {
  const slice = line([0, 1], [-2, 4], { errors });
  const [channel] = slice.channels;
  if (!channel) throw new Error("A line has a channel.");
  return { slice, channel, focusPoint: 0 };
}

describe("what is written and shown of a difference", () => {
  it("has a column for its errors where they are known", () => {
    expect(gridRows(found(null))).toEqual([
      ["random 0", "train/loss"],
      [0, -2],
      [1, 4],
    ]);
    expect(gridRows(found(Float32Array.of(0, 0.5)))).toEqual([
      ["random 0", "train/loss", "standard error from the center, at most"],
      [0, -2, 0],
      [1, 4, 0.5],
    ]);
  });

  it("leaves room for the band around a line, and for none around colors", () => {
    const of = found(Float32Array.of(NaN, 0.5));
    expect([...reached(of, false)]).toEqual([-2, Math.fround(4 + HALF_WIDTH * 0.5)]);
    expect(reached(of, true)).toBe(of.channel.values);
  });
});
