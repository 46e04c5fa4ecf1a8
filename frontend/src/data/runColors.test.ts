import { describe, expect, it } from "vitest";
import { RUN_PALETTES, runStyle, shadesBetween } from "./runColors";

describe("run colors", () => {
  it("are told apart by color first and by stroke when colors have run out", () => {
    for (const palette of RUN_PALETTES) {
      for (const dark of [false, true]) {
        const looks = Array.from({ length: 28 }, (_, place) => runStyle(place, dark, palette));
        expect(new Set(looks.map((look) => JSON.stringify(look))).size).toBe(28);
        const solid = looks.filter(({ dash }) => dash.length === 0);
        expect(new Set(solid.map(({ color }) => color)).size).toBe(solid.length);
      }
    }
  });

  it("go around eight colors that everybody tells apart", () => {
    expect(runStyle(0, false, "okabe-ito")).toEqual({ color: "#0072b2", dash: [] });
    expect(runStyle(8, false, "okabe-ito")).toEqual({ color: "#0072b2", dash: [6, 3] });
    expect(runStyle(15, true, "okabe-ito").color).toBe("#a6a6a6");
  });

  it("change in files where the ground does", () => {
    expect(shadesBetween(true, true)).toEqual([]);
    const toDark = new Map(shadesBetween(false, true));
    const toLight = new Map(shadesBetween(true, false));
    for (const palette of RUN_PALETTES) {
      for (let place = 0; place < 8; place += 1) {
        const [light, dark] = [runStyle(place, false, palette), runStyle(place, true, palette)];
        expect(toDark.get(light.color) ?? light.color).toBe(dark.color);
        expect(toLight.get(dark.color) ?? dark.color).toBe(light.color);
      }
    }
  });
});
