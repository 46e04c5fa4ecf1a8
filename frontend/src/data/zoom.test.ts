import { describe, expect, it } from "vitest";
import { magnified, shownPart, type Zoom } from "./zoom";

const WHOLE: Zoom = { x: [-1, 1], y: [0, 4] };
const MIDDLE = [0.5, 0.5] as const;

describe("a zoom", () => {
  it("keeps in place what it is around", () => {
    const found = magnified(WHOLE, WHOLE, { factor: 2, from: [0.25, 0.75], to: [0.25, 0.75] });
    // -0.5 stays a quarter from the left, 3 three quarters from below.
    expect(found).toEqual({ x: [-0.75, 0.25], y: [1.5, 3.5] });
  });

  it("moves with two fingers", () => {
    const shown: Zoom = { x: [-0.5, 0.5], y: [1, 3] };
    const found = magnified(WHOLE, shown, { factor: 1, from: MIDDLE, to: [0.25, 0.5] });
    expect(found).toEqual({ x: [-0.25, 0.75], y: [1, 3] });
  });

  it("never leaves the data, and ends where all is shown", () => {
    const shown: Zoom = { x: [-1, 0], y: [0, 2] };
    const pushed = magnified(WHOLE, shown, { factor: 1, from: MIDDLE, to: [0.9, 0.9] });
    expect(pushed).toEqual(shown);
    expect(magnified(WHOLE, shown, { factor: 0.1, from: MIDDLE, to: MIDDLE })).toBeNull();
    const deep = magnified(WHOLE, WHOLE, { factor: 1e6, from: MIDDLE, to: MIDDLE });
    expect(deep?.x).toEqual([-1 / 64, 1 / 64]);
  });

  it("of a line leaves its values alone", () => {
    const whole: Zoom = { x: [-1, 1], y: null };
    const found = magnified(whole, whole, { factor: 4, from: [0, 0.5], to: [0, 0.5] });
    expect(found).toEqual({ x: [-1, -0.5], y: null });
  });

  it("is left out where it lies beyond what was measured", () => {
    expect(shownPart([-1, 1], [-0.5, 3])).toEqual([-0.5, 1]);
    expect(shownPart([-1, 1], [2, 3])).toEqual([-1, 1]);
    expect(shownPart([-1, 1], null)).toEqual([-1, 1]);
  });
});
