import { describe, expect, it } from "vitest";
import {
  isOutdated,
  moveStep,
  nearestPosition,
  outward,
  positionAtOrBefore,
  unionOfSteps,
} from "./align";

const STEPS = [0, 10, 20, 50];

describe("alignment of steps", () => {
  it.each([
    [-1, -1],
    [0, 0],
    [9, 0],
    [10, 1],
    [49, 2],
    [1e9, 3],
  ])("the latest step up to %d stands at %d", (step, position) => {
    expect(positionAtOrBefore(STEPS, step)).toBe(position);
  });

  it.each([
    [-5, 0],
    [4, 0],
    [5, 0],
    [6, 1],
    [35, 2],
    [36, 3],
    [99, 3],
  ])("the nearest step to %d stands at %d", (step, position) => {
    expect(nearestPosition(STEPS, step)).toBe(position);
  });

  it("agrees with a plain search on many lists", () => {
    for (let seed = 1; seed < 200; seed += 1) {
      const steps = unionOfSteps([
        Array.from({ length: seed % 17 }, (_, i) => (i * seed * 7919) % 97),
      ]);
      const sorted = [...new Set(steps)].sort((a, b) => a - b);
      const wanted = (seed * 31) % 101;
      const plain = sorted.filter((step) => step <= wanted).length - 1;
      expect(positionAtOrBefore(sorted, wanted)).toBe(plain);
    }
  });

  it("unites the steps of several runs", () => {
    expect(unionOfSteps([[0, 10], [5, 10, 20], []])).toEqual([0, 5, 10, 20]);
    expect(unionOfSteps([])).toEqual([]);
  });

  it("moves over logged steps only and keeps to the ends", () => {
    expect(moveStep(STEPS, 10, 1)).toBe(20);
    expect(moveStep(STEPS, 15, 1)).toBe(20);
    expect(moveStep(STEPS, 15, -1)).toBe(10);
    expect(moveStep(STEPS, 50, 10)).toBe(50);
    expect(moveStep(STEPS, 0, -1)).toBe(0);
    expect(moveStep([], 7, 1)).toBe(7);
  });

  it("calls a slice old once another was due", () => {
    expect(isOutdated(STEPS, 50, 50)).toBe(false);
    expect(isOutdated(STEPS, 50, 55)).toBe(false);
    expect(isOutdated(STEPS, 50, 60)).toBe(true);
  });

  it("goes outward from where one stands", () => {
    expect(outward(1, 4)).toEqual([1, 2, 0, 3]);
    expect(outward(3, 4, 2)).toEqual([3, 2]);
    expect(new Set(outward(17, 50)).size).toBe(50);
  });
});
