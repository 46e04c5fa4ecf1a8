import { describe, expect, it } from "vitest";
import { colorTable, colorOffset } from "./colorMaps";
import { contour, contours } from "./contours";
import { packContours, unpackContours } from "./packedContours";
import { elideMiddle, formatTick, formatValue } from "./format";
import { polyline } from "./geometry";
import { fractionalIndices, paintGrid, sharesOf } from "./raster";
import { airy, contourLevels, createScale, logTicks } from "./scale";
import { SvgSurface } from "./svgSurface";
import { themeFor } from "./theme";

describe("scales", () => {
  it("go there and back", () => {
    for (const kind of ["linear", "log"] as const) {
      const scale = createScale(kind, [0.01, 50]);
      for (const value of [0.01, 0.3, 7, 50]) {
        expect(scale.fromShare(scale.toShare(value))).toBeCloseTo(value, 9);
      }
    }
  });

  it("have no place for what has no logarithm", () => {
    expect(createScale("log", [1, 10]).toShare(0)).toBeNaN();
    expect(createScale("log", [1, 10]).toShare(-3)).toBeNaN();
    expect(() => createScale("log", [0, 1])).toThrow("above zero");
  });

  it("make room for a constant", () => {
    expect(createScale("linear", [2, 2]).toShare(2)).toBeCloseTo(0.5);
    expect(createScale("log", [2, 2]).toShare(2)).toBe(0);
  });

  it("tick powers of ten, more of them where there is room", () => {
    const labels = (low: number, high: number, count: number) =>
      logTicks([low, high], count).map((tick) => tick.label);
    expect(labels(0.1, 10, 8)).toEqual(["0.1", "0.2", "0.5", "1", "2", "5", "10"]);
    expect(labels(0.1, 10, 4)).toEqual(["0.1", "0.3", "1", "3", "10"]);
    expect(labels(1e-6, 1e6, 4).length).toBeLessThanOrEqual(5);
    expect(labels(1.1, 1.4, 4).length).toBeGreaterThanOrEqual(2);
  });

  it("never suggest that a loss falls below zero", () => {
    expect(airy("linear", [0.02, 10])[0]).toBe(0);
    expect(airy("log", [0.1, 10])[0]).toBeGreaterThan(0);
  });

  it("put contours inside the domain", () => {
    const levels = contourLevels(createScale("linear", [0, 10]), 10);
    expect(levels.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { value } of contourLevels(createScale("log", [0.03, 17]), 10)) {
      expect(value > 0.03 && value < 17).toBe(true);
    }
  });

  it.each([
    [1e-30, 1e3],
    [4e-4, 2e4],
    [6e-4, 300],
    [0.03, 17],
    [0.2, 5],
    [1.1, 9],
    [1.1, 1.4],
  ])("put a fair number of contours between %d and %d", (low, high) => {
    const levels = contourLevels(createScale("log", [low, high]), 12);
    expect(levels.length).toBeGreaterThanOrEqual(5);
    expect(levels.length).toBeLessThanOrEqual(18);
    // Two levels with one label would say that one of them is elsewhere.
    expect(new Set(levels.map(({ label }) => label)).size).toBe(levels.length);
  });

  it("have more than one tick wherever there is a decade", () => {
    expect(logTicks([2, 90], 3).map(({ label }) => label)).toEqual(["3", "10", "30"]);
    expect(logTicks([2e4, 9e5], 3).map(({ label }) => label)).toEqual(["3e4", "1e5", "3e5"]);
  });
});

describe("contours", () => {
  const xs = Float64Array.from({ length: 41 }, (_, i) => -1 + i / 20);
  const values = new Float32Array(41 * 41);
  for (const [i, x] of xs.entries())
    for (const [j, y] of xs.entries()) values[i * 41 + j] = x * x + y * y;
  const grid = { xs, ys: xs, values };

  it("of a bowl are circles, each one closed line", () => {
    const { lines } = contour(grid, 0.25);
    expect(lines).toHaveLength(1);
    const [line = new Float64Array()] = lines;
    for (let i = 0; i < line.length; i += 2) {
      expect(Math.hypot(line[i] ?? 0, line[i + 1] ?? 0)).toBeCloseTo(0.5, 2);
    }
    expect(line.slice(0, 2)).toEqual(line.slice(-2));
  });

  it("that leave the grid stay open", () => {
    expect(contour(grid, 1.5).lines).toHaveLength(4);
  });

  it("go around what is not finite", () => {
    const holed = values.slice();
    holed[20 * 41 + 30] = NaN;
    expect(contour({ ...grid, values: holed }, 0.25).lines).toHaveLength(1);
    expect(contour({ ...grid, values: holed.fill(NaN) }, 0.25).lines).toHaveLength(0);
  });

  it("are computed once", () => {
    expect(contours(grid, [0.1, 0.2])).toBe(contours(grid, [0.1, 0.2]));
  });

  it("travel in three arrays and come back the same", () => {
    const found = contours(grid, [0.1, 5, 0.2]);
    const rounded = found.map(({ level, shape }) => ({
      level,
      shape: { lines: shape.lines.map((line) => Float32Array.from(line)) },
    }));
    expect(unpackContours(packContours(found))).toEqual(rounded);
  });
});

describe("rasters", () => {
  const paint = {
    colorMap: "gray",
    theme: themeFor(false),
  } as const;

  it("put the first axis to the right and the second up", () => {
    // Values 0 and 1 along y at the first x, 2 and 3 at the second.
    const values = Float32Array.of(0, 1, 2, 3);
    const { pixels } = paintGrid(
      sharesOf(values, createScale("linear", [0, 3])),
      2,
      Float64Array.of(0, 1),
      Float64Array.of(0, 1),
      false,
      paint,
    );
    const gray = [0, 1, 2, 3].map((pixel) => pixels[4 * pixel] ?? 0);
    const shade = (share: number) => colorTable("gray")[colorOffset(share)] ?? 0;
    expect(gray).toEqual([shade(1 / 3), shade(1), shade(0), shade(2 / 3)]);
  });

  it("hatch what is not finite and let it not spread", () => {
    const values = Float32Array.of(0, NaN, 1, 1);
    const between = Float64Array.of(0.1, 0.9);
    const { pixels } = paintGrid(values, 2, between, between, true, paint);
    const hatches = [...paint.theme.hatch, ...paint.theme.hatchGround];
    expect(hatches).toContain(pixels[0]);
    expect(pixels[4 * 2 + 3]).toBe(255);
  });

  it("find pixels between uneven coordinates", () => {
    expect([...fractionalIndices([0, 1, 3], [0, 3], 3)]).toEqual([0.5, 1.25, 1.75]);
    expect([...fractionalIndices([2], [1, 3], 2)]).toEqual([0, 0]);
  });
});

it("color maps begin and end with their own colors", () => {
  const table = colorTable("viridis");
  expect([...table.slice(0, 3)]).toEqual([0x44, 0x01, 0x54]);
  expect([...table.slice(-3)]).toEqual([0xfd, 0xe7, 0x25]);
  expect(colorOffset(7)).toBe(table.length - 3);
});

describe("numbers for reading", () => {
  it.each([
    [0.075271, "0.07527"],
    [12345.678, "12346"],
    [-0.5, "\u22120.5000"],
    [1e-7, "1e\u22127"],
    [NaN, "NaN"],
    [-Infinity, "\u2212\u221e"],
    [0, "0"],
  ])("%d is %s", (value, text) => expect(formatValue(value)).toBe(text));

  it("give ticks the decimals that their step needs", () => {
    expect(formatTick(0.30000000000000004, 0.1)).toBe("0.3");
    expect(formatTick(10000, 2000)).toBe("10,000");
    expect(formatTick(2e6, 5e5)).toBe("2,000,000");
    expect(formatTick(1e-6, 1e-6)).toBe("1e\u22126");
  });

  it("elide names in their middle", () => {
    expect(elideMiddle("abcdefghij", 7)).toBe("abc\u2026hij");
    expect(elideMiddle("short", 7)).toBe("short");
  });
});

describe("SvgSurface", () => {
  it("writes marks as vectors and hostile text as text", () => {
    const surface = new SvgSurface(100, 50, () => "data:image/png;base64,AA==");
    const shape = polyline(
      3,
      (i) => i,
      (i) => (i === 1 ? NaN : i),
    );
    surface.stroke(shape, { scaleX: 10, scaleY: 10, shiftX: 0, shiftY: 0 }, { color: "#f00" });
    surface.text(5, 5, `</text><script>"&\u0000`, { color: "#000" });
    surface.image(
      { width: 1, height: 1, pixels: new Uint8ClampedArray(4) },
      { x: 0, y: 0, width: 9, height: 9 },
    );
    const svg = surface.toString();
    expect(svg).toContain("&lt;/text&gt;&lt;script&gt;&quot;&amp;</text>");
    expect(svg).not.toContain("<script");
    const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
    expect(parsed.querySelectorAll("path, text, image")).toHaveLength(3);
  });
});
