import { describe, expect, it } from "vitest";
import { Fineness } from "./fineness";

function after(...times: readonly number[]): Fineness {
  const fineness = new Fineness();
  for (const ms of times) fineness.note(ms);
  return fineness;
}

const many = (ms: number): number[] => Array.from({ length: 30 }, () => ms);

describe("how finely a moving surface is drawn", () => {
  it("is as finely as at rest while nothing is known, and where drawing is quick", () => {
    for (const fineness of [after(), after(...many(0.2))]) {
      expect(fineness).toMatchObject({ coarse: false, share: 1 });
    }
  });

  it("is coarser where drawing takes long, but not for one slow picture", () => {
    expect(after(...many(4)).coarse).toBe(true);
    expect(after(...many(4)).share).toBeLessThan(1);
    expect(after(...many(0.2), 6).coarse).toBe(false);
  });

  it("stays coarse where only that makes it quick", () => {
    expect(after(...many(4), ...many(1)).coarse).toBe(true);
    expect(after(...many(4), ...many(0.1)).coarse).toBe(false);
  });
});
