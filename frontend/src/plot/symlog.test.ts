import { describe, expect, it } from "vitest";
import { contourLevels, createScale, linearThreshold, withAir } from "./scale";

describe("a symmetric logarithmic scale", () => {
  it("stands where matplotlib's does", () => {
    // SymmetricalLogTransform(base=10, linthresh=0.01, linscale=0.9).transform(...) of these, shifted
    // and scaled so that -4 stands at 0 and 8 at 1.
    const scale = createScale("symlog", [-4, 8]);
    expect(scale.threshold).toBe(0.01);
    const shares: readonly (readonly [number, number])[] = [
      [-4, 0.0],
      [-1, 0.08021958163],
      [-0.02, 0.30659347279],
      [-0.01, 0.346703263605],
      [-0.005, 0.413324184099],
      [0, 0.479945104593],
      [0.003, 0.519917656889],
      [0.01, 0.61318694558],
      [0.5, 0.839560836741],
      [8, 1.0],
    ];
    for (const [value, share] of shares) expect(scale.toShare(value)).toBeCloseTo(share, 11);
  });

  it("goes back to where it came from, and always upward", () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let i = 0; i < 300; i += 1) {
      const size = 10 ** (12 * random() - 6);
      const low = (random() - 0.7) * size;
      const scale = createScale("symlog", [low, low + size]);
      let last = -Infinity;
      for (let k = 0; k <= 20; k += 1) {
        const value = low + (k / 20) * size;
        const share = scale.toShare(value);
        expect(share).toBeGreaterThan(last);
        expect(Math.abs(scale.fromShare(share) - value)).toBeLessThan(1e-9 * size);
        last = share;
      }
    }
  });

  it("has ticks at zero and at powers of ten on both sides", () => {
    const labels = createScale("symlog", [-20, 20])
      .ticks(9)
      .map(({ label }) => label);
    expect(labels).toContain("0");
    expect(labels).toContain("10");
    expect(labels).toContain("\u221210");
    expect(createScale("symlog", [-20, 20]).ticks(4).length).toBeLessThanOrEqual(5);
    const levels = contourLevels(createScale("symlog", [-5, 5]), 12).map(({ value }) => value);
    expect(levels).toEqual([-3, -1, -0.3, -0.1, -0.03, -0.01, 0, 0.01, 0.03, 0.1, 0.3, 1, 3]);
  });

  it("keeps its threshold with air around it", () => {
    const scale = createScale("symlog", [-9.9, 9.9]);
    const airy = withAir(scale);
    expect(airy.domain[1]).toBeGreaterThan(10);
    expect(airy.threshold).toBe(scale.threshold);
    expect(linearThreshold([0, 0])).toBe(1);
  });
});
