import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeRecord } from "../../api/record";
import type { Slice, Trajectory } from "../../data/slice";
import { pathOf, trajectorySentences } from "./trajectoryModel";

const GOLDEN = join(import.meta.dirname, "../../../../tests/golden/v2-plane.slice");
const golden = decodeRecord(new Uint8Array(readFileSync(GOLDEN)));

function seen(slice: Slice, focusPoint = 0) {
  const [channel] = slice.channels;
  if (!channel) throw new Error("A slice has a channel.");
  return trajectorySentences({ slice, channel, focusPoint });
}

function changed(changes: Partial<Trajectory>): Slice {
  const { trajectory } = golden;
  return { ...golden, trajectory: trajectory && { ...trajectory, ...changes } };
}

describe("the path of the parameters", () => {
  it("ends where the plane's step stands, and goes on after it", () => {
    expect(pathOf({ slice: { ...golden, step: 249 }, focusPoint: 0 })?.now).toBe(1);
    expect(pathOf({ slice: { ...golden, step: 250 }, focusPoint: 0 })?.now).toBe(2);
    const later = { ...changed({ steps: [5, 6, 7] }), step: 0 };
    expect(pathOf({ slice: later, focusPoint: 0 })?.now).toBe(-1);
    expect(pathOf({ slice: { ...golden, trajectory: null }, focusPoint: 0 })).toBeNull();
  });

  it("says how much of its motion the plane explains, never more than it does", () => {
    expect(seen(golden)[0]).toBe("The plane explains 87 % of the path\u2019s motion.");
    expect(seen(changed({ explained: 0.9999 }))[0]).toContain("99 %");
    expect(seen(changed({ explained: 0.0004 }))[0]).toContain("less than 1 %");
    expect(seen(changed({ explained: 0 }))[0]).toContain("explains 0 %");
    expect(seen(changed({ explained: 1 }))[0]).toContain("100 %");
    expect(seen(changed({ explained: NaN, distances: new Float32Array(3) }))).toEqual([]);
  });

  it("counts its points outside of the plane", () => {
    const coordinates = [Float32Array.of(-3, -0.5, 0), Float32Array.of(0.5, 0.125, NaN)];
    expect(seen(changed({ coordinates }))[0]).toMatch(/ 2 of its 3 points lie outside\.$/);
    const distances = Float32Array.of(0, NaN, 0);
    expect(seen(changed({ coordinates, explained: NaN, distances }))).toEqual([
      "The path of the parameters: 2 of its 3 points lie outside.",
    ]);
  });

  it("has a ring around each point off the plane, as wide as it is far", () => {
    // The golden plane's axes reach further: its points are off by a share of that.
    const reach = Math.max(
      ...golden.axes.map((axis) => {
        const all = axis.coordinates;
        return (((all.at(-1) ?? 0) - (all[0] ?? 0)) / 2) * axis.length;
      }),
    );
    const distances = Float32Array.of(0, reach / 4, 9 * reach);
    const path = pathOf({ slice: changed({ distances }), focusPoint: 0 });
    expect([...(path?.off ?? [])]).toEqual([0, 0.25, 1]);
    expect(seen(changed({ distances }))).toContain("Rings grow with the distance from the plane.");
    expect(seen(changed({ distances: new Float32Array(3) }))).toHaveLength(1);
  });

  it("is seen from the first focus point only", () => {
    expect(pathOf({ slice: golden, focusPoint: 1 })).toBeNull();
    expect(seen(golden, 1)[0]).toContain("first focus point");
  });
});
