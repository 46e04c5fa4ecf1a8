import { expect, it } from "vitest";
import { axis, channel, line, slice } from "../../tests/slices";
import { createChart, linear } from "../plot/chart";
import { createScale, type ScaleKind } from "../plot/scale";
import type { Surface2D } from "../plot/surface";
import { SvgSurface } from "../plot/svgSurface";
import { themeFor } from "../plot/theme";
import { curvesOf, spreadOf } from "./bundle/bundleModel";
import { drawBundles } from "./bundle/drawBundle";
import { drawCurve, drawLines } from "./line/drawLines";
import { curveOf, sampleAt } from "./line/lineModel";
import { markOf } from "./line/barrierModel";
import { drawPath } from "./plane/drawPath";
import { drawPlane } from "./plane/drawPlane";
import { aboveTolerance, gridOf } from "./plane/planeModel";
import { drawSpectra } from "./spectrum/drawSpectrum";

const theme = themeFor(false);
const style = { color: "#123456", dash: [] };
const BOX = { x: 50, y: 10, width: 400, height: 200 };

// 100 pixels a unit across, and as many up.
function chart(kind: ScaleKind = "linear", y: readonly [number, number] = [0, 2]) {
  return createChart(BOX, linear([-2, 2]), createScale(kind, y));
}

function svg(draw: (surface: Surface2D) => void): string {
  const surface = new SvgSurface(500, 260, () => "");
  draw(surface);
  return surface.toString();
}

/** The points of each filled area of a color. */
function areas(text: string, color = style.color): number[][] {
  const found = text.matchAll(/<path d="([^"]*)" fill="([^"]*)" fill-opacity/g);
  return [...found].filter((match) => match[2] === color).map((match) => numbers(match[1] ?? ""));
}

function numbers(path: string): number[] {
  return [...path.matchAll(/-?[\d.]+/g)].map(([text]) => Number(text));
}

it("a band is drawn around a line where there are errors, apart where a value is missing", () => {
  const errors = Float32Array.of(0.5, 0, 0.25, 0.5);
  const bowl = line([-2, 0, 1, 2], [1, 1, NaN, 2], { errors });
  const curve = { ...curveOf(bowl, channel([1, 1, NaN, 2], { errors }), 0), ...style, center: 1 };
  const drawn = svg((surface) =>
    drawLines(surface, chart(), { curves: [curve], envelope: null, xLabel: "", yLabel: "", theme }),
  );
  // 1.96 errors of a half are 98 pixels.
  const [left, right] = [
    [50, 12, 250, 110, 250, 110, 50, 208],
    [450, -88, 450, 108],
  ];
  expect(areas(drawn)[0]).toEqual([...left, ...right]);
  expect(drawn).toContain(">95 %</text>");
});

it("a barrier is a bracket from the dashed line to the top, with its height beside it", () => {
  const curve = curveOf(line([0, 0.5, 1], [0.5, 1.5, 1]), channel([0.5, 1.5, 1]), 0);
  const barrier = markOf({ value: 0.75, where: 0.5, error: 0.03 }, curve, 0.5);
  const curves = [{ ...curve, ...style, center: 0.5, barrier }];
  const drawn = svg((surface) =>
    drawLines(surface, chart(), { curves, envelope: null, xLabel: "", yLabel: "", theme }),
  );
  expect(drawn).toContain(">barrier 0.75 ± 0.03</text>");
  expect(drawn).toContain("M295.5 60.5L305.5 60.5M300.5 60.5L300.5 135.5M295.5 135.5L305.5 135.5");
  expect(drawn).toContain('stroke-dasharray="5 4"');
});

it("a bundle is its curves, their median and their band", () => {
  const bundle = slice([1, 3, 2], [axis([-2, 2]), axis([-2, 2]), axis([-2, 2])], channel([]));
  const values = channel([0, 0, 1, 1, 2, 2]);
  const curves = curvesOf({ slice: bundle, channel: values });
  const spread = spreadOf(bundle, curves);
  const bundles = [{ curves, spread, outliers: [2], ...style, centers: Float64Array.of(1) }];
  const drawn = svg((surface) =>
    drawBundles(surface, chart(), { bundles, every: false, xLabel: "", yLabel: "", theme }),
  );
  // Quantiles of 0, 1 and 2: half of the curves lie between 0.5 and 1.5, 95 % within 0.05 and 1.95.
  expect(areas(drawn).slice(0, 3)).toEqual([
    [50, 15, 450, 15, 450, 205, 50, 205],
    [50, 30, 450, 30, 450, 190, 50, 190],
    [50, 60, 450, 60, 450, 160, 50, 160],
  ]);
  expect(drawn).toContain(">1 outlier</text>");
  expect(drawn).toContain(">median of 3</text>");
  expect(drawn).toMatch(/d="M50 10L450 10"[^>]*stroke-dasharray="5 2"/);
  expect(drawn).toContain('<path d="M50 110L450 110" fill="none"');
  const apart = [{ curves, spread: null, outliers: [], ...style, centers: Float64Array.of(1) }];
  const without = svg((surface) =>
    drawBundles(surface, chart(), { bundles: apart, every: false, xLabel: "", yLabel: "", theme }),
  );
  expect(areas(without)).toEqual([]);
  expect(without).not.toContain("median");
});

it("a spectrum is an area over the bottom, with ticks at its eigenvalues", () => {
  const curve = curveOf(line([-1, 0, 1], [0, 1, 0]), channel([0, 1, 0]), 0);
  const eigenvalues = [
    { value: 1.5, residual: 0.25 },
    { value: 9, residual: 0 },
  ];
  const drawn = svg((surface) =>
    drawSpectra(surface, chart("log", [0.01, 1]), {
      spectra: [{ ...curve, ...style, eigenvalues }],
      xLabel: "eigenvalue",
      theme,
    }),
  );
  expect(areas(drawn)).toEqual([[150, 210, 250, 10, 350, 210, 350, 210, 250, 210, 150, 210]]);
  expect(drawn.match(/d="M400\.5 198L400\.5 210"/g)).toHaveLength(2);
  expect(drawn).toContain('d="M375 204.5L425 204.5"');
  expect(drawn).toContain(">λ max 1.500</text>");
});

it("a path is solid up to its step and faint after it", () => {
  const path = {
    xs: Float32Array.of(-1, 0, 1),
    ys: Float32Array.of(1, 1, 2),
    steps: [0, 100, 200],
    off: new Float32Array(3),
    now: 1,
  };
  const drawn = svg((surface) => drawPath(surface, chart(), path, theme));
  const lines = [...drawn.matchAll(/<path d="([^"]*)" fill="none"[^>]*stroke="([^"]*)"/g)];
  expect(lines.map(([, d]) => d)).toEqual([
    "M250 110L350 10",
    "M250 110L350 10",
    "M150 110L250 110",
    "M150 110L250 110",
  ]);
  expect(lines[3]?.[2]).toBe("#ffffff");
  expect(drawn).toContain(`<circle cx="250" cy="110" r="5" fill="${theme.playHead}"`);
  expect(drawn).toContain(">step 0</text>");
});

it("an interpolated line has dots and bars where it was evaluated, and no band", () => {
  const errors = Float32Array.of(0.5, NaN, 0, NaN, 0.25);
  const values = channel([1, 1, 1, 1, 1], { errors });
  const sparse = slice([1, 1, 5], [axis([-2, -1, 0, 1, 2])], values, {
    evaluated: Uint8Array.of(1, 0, 1, 0, 1),
  });
  const curve = { ...curveOf(sparse, values, 0), ...style, center: 1 };
  expect(sampleAt(curve, -1)).toEqual({ x: -1, value: 1, interpolated: true });
  expect(sampleAt(curve, 2)).toEqual({ x: 2, value: 1, half: 0.49 });
  const drawn = svg((surface) =>
    drawLines(surface, chart(), { curves: [curve], envelope: null, xLabel: "", yLabel: "", theme }),
  );
  expect(drawn).toContain('d="M50 208L50 12M250 110L250 110M450 159L450 61"');
  const dots = [...drawn.matchAll(/<circle cx="([^"]*)" cy="110" r="2.25"/g)];
  expect(dots.map(([, x]) => x)).toEqual(["50", "250", "450"]);
});

it("a plane has a dot where it was evaluated, unless the dots would be too near", () => {
  const values = channel([1, 2, 3, 4, 5, 6]);
  const plane = slice([1, 3, 2], [axis([-2, 0, 2]), axis([0, 2])], values, { kind: "plane" });
  const scale = createScale("linear", [1, 6]);
  const dots = (width: number) => {
    const box = { ...BOX, width };
    const drawn = svg((surface) =>
      drawPlane(
        surface,
        { chart: createChart(box, linear([-2, 2]), linear([0, 2])), bar: BOX },
        {
          slice: plane,
          channel: values,
          grid: gridOf(plane, values, 0),
          scale,
          colorMap: "viridis",
          smooth: false,
          clipped: { below: false, above: false },
          path: null,
          pin: null,
          evaluated: Uint8Array.of(1, 0, 0, 1, 0, 1),
          allowed: 0,
          theme,
        },
      ),
    );
    return [...drawn.matchAll(/<circle cx="([^"]*)" cy="([^"]*)" r="1.5"/g)].map(([, x, y]) => [
      x,
      y,
    ]);
  };
  expect(dots(400)).toEqual([
    ["50", "210"],
    ["250", "10"],
    ["450", "10"],
  ]);
  expect(dots(8)).toEqual([]);
});

it("on a log scale an interpolated line has gaps below its tolerance", () => {
  const values = channel([1, 0.01, 0.02, 0.03, 1]);
  const sampling = { tolerance: 0.1, channel: "train/loss", allowed: 0.1, hold_outs: {} };
  const sparse = slice([1, 1, 5], [axis([-2, -1, 0, 1, 2])], values, {
    evaluated: Uint8Array.of(1, 0, 1, 1, 1),
    notes: new Map([["sampling", sampling]]),
  });
  const drawn = (kind: ScaleKind) =>
    svg((surface) =>
      drawCurve(
        surface,
        chart(kind, [0.01, 1]),
        { ...curveOf(sparse, values, 0), ...style, center: 1 },
        1,
      ),
    );
  expect(drawn("linear").match(/M/g)).toHaveLength(1);
  expect(drawn("log")).toMatch(/d="M50 10L50\.01 10M250 \S+L350 \S+L450 10"/);
});

it("a plane's color on a log scale goes no lower than interpolation can tell", () => {
  const grid = {
    xs: Float64Array.of(0, 1),
    ys: Float64Array.of(0),
    values: Float32Array.of(0.25, 0.5),
  };
  expect(aboveTolerance(grid, 0)).toBe(grid);
  expect([...aboveTolerance(grid, 0.375).values]).toEqual([0.375, 0.5]);
  const diverged = { ...grid, values: Float32Array.of(NaN, Infinity) };
  expect([...aboveTolerance(diverged, 1).values]).toEqual([NaN, Infinity]);
});
