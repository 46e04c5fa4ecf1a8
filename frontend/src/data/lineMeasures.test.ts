import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asymmetryOf, curvatureOf, measureLine, widthOf } from "./lineMeasures";

interface Case {
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  readonly center: number;
  readonly curvature: number;
  readonly rSquared: number;
  readonly width: readonly [number, boolean];
  readonly absolute: readonly [number, boolean];
  readonly asymmetry: number;
}

// Written by pysclice.measures: a cubic, a kink with ripples, a wall, and a line without a sample at 0.
const FILE = join(import.meta.dirname, "../../tests/lineMeasures.json");
const CASES = JSON.parse(readFileSync(FILE, "utf-8")) as Case[];

const along = (y: (x: number) => number, x = [-1, -0.5, -0.25, 0, 0.25, 0.5, 1]) => ({
  coordinates: Float64Array.from(x),
  values: Float64Array.from(x, y),
  center: y(0),
});

describe("measures of a line", () => {
  it.each(CASES.map((known, i) => [i, known] as const))("agree with Python's: %i", (_, known) => {
    const line = {
      coordinates: Float64Array.from(known.x),
      values: Float32Array.from(known.y, (y) => y ?? Infinity),
      center: known.center,
    };
    const found = measureLine(line);
    expect(found.curvature).toBeCloseTo(known.curvature, 6);
    expect(found.rSquared).toBeCloseTo(known.rSquared, 8);
    expect(found.asymmetry).toBeCloseTo(known.asymmetry, 8);
    for (const [width, other] of [
      [found.width, known.width],
      [found.absoluteWidth, known.absolute],
    ] as const) {
      expect(width.value).toBeCloseTo(other[0], 8);
      expect(width.cut).toBe(other[1]);
    }
  });

  it("are those of a parabola", () => {
    const bowl = along((x) => 1 + 0.5 * x + 3 * x * x);
    expect(curvatureOf(bowl).curvature).toBeCloseTo(6, 12);
    expect(curvatureOf(bowl).rSquared).toBeCloseTo(1, 12);
    expect(asymmetryOf(along((x) => Math.max(x, 0)))).toBe(1);
    expect(asymmetryOf(along((x) => x * x))).toBe(0);
    expect(widthOf(along(Math.abs), () => 0.375)).toEqual({ value: 0.75, cut: false });
    expect(widthOf(along(Math.abs), () => 1)).toEqual({ value: 2, cut: true });
  });

  it("are nothing where there is nothing to measure", () => {
    const few = along((x) => x * x, [-1, 0, 1]);
    expect(curvatureOf(few).curvature).toBeNaN();
    const aside = along((x) => x * x, [1, 2, 3, 4, 5, 6]);
    const none = measureLine(aside);
    expect([none.curvature, none.width.value, none.asymmetry]).toEqual([NaN, NaN, NaN]);
    const diverged = measureLine(along(() => NaN));
    expect([diverged.curvature, diverged.asymmetry]).toEqual([NaN, NaN]);
    expect(measureLine(along((x) => x * x - 1)).width.value).toBeNaN();
  });
});
