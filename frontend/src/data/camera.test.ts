import { describe, expect, it } from "vitest";
import { between, DEFAULT_CAMERA, limited } from "./camera";

describe("the camera", () => {
  it("stays within its limits, whatever is asked of it", () => {
    const wild = { azimuth: 735.04, elevation: 120, distance: 0, exaggeration: 99 };
    expect(limited({ ...wild, perspective: false })).toEqual({
      azimuth: 15,
      elevation: 90,
      distance: 0.6,
      exaggeration: 3,
      perspective: false,
    });
    expect(limited({ ...DEFAULT_CAMERA, azimuth: 180 }).azimuth).toBe(-180);
    expect(limited({ ...DEFAULT_CAMERA, azimuth: -180.02 }).azimuth).toBe(-180);
    expect(limited({ ...DEFAULT_CAMERA })).toBe(DEFAULT_CAMERA);
  });

  it("is limited once and for all", () => {
    for (let turn = -800; turn < 800; turn += 7.7) {
      const once = limited({ ...DEFAULT_CAMERA, azimuth: turn, distance: 1 + turn / 1000 });
      expect(limited(once)).toEqual(once);
      expect(once.azimuth).toBeGreaterThanOrEqual(-180);
      expect(once.azimuth).toBeLessThan(180);
    }
  });

  it("flies around by the shorter side", () => {
    const from = { ...DEFAULT_CAMERA, azimuth: 170, elevation: 20 };
    const to = { ...DEFAULT_CAMERA, azimuth: -170, elevation: 60 };
    expect(between(from, to, 0.5)).toMatchObject({ azimuth: 180, elevation: 40 });
    expect(between(to, from, 0.25).azimuth).toBeCloseTo(-175);
    expect(between(from, to, 0)).toMatchObject({ azimuth: 170, elevation: 20 });
  });
});
