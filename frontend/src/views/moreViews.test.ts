import { describe, expect, it } from "vitest";
import { axis, channel, line, slice } from "../../tests/slices";
import type { Slice } from "../data/slice";
import { createChart, linear } from "../plot/chart";
import { createScale } from "../plot/scale";
import type { Surface2D } from "../plot/surface";
import { SvgSurface } from "../plot/svgSurface";
import { themeFor } from "../plot/theme";
import { outliersOf, spreadOf, curvesOf } from "./bundle/bundleModel";
import { drawLines } from "./line/drawLines";
import { drawRidges } from "./line/drawRidges";
import { curveOf, measureSentences } from "./line/lineModel";
import { ridgePositions, ridgesOf, skinsOf } from "./line/otherSteps";
import { cutsThrough, distanceTo, layOutPinned, pointDetail, uphillAt } from "./plane/cutModel";
import { drawCut, layOutCut } from "./plane/drawCut";
import { gridOf, sampleAt } from "./plane/planeModel";
import { drawRanks } from "./ranks/drawRanks";
import { lineAtRank, ranksOver } from "./ranks/ranksModel";
import { gapsOf } from "./shared/drawGaps";
import {
  filterCells,
  groupCells,
  histogram,
  layerOf,
  orderCells,
} from "./smallMultiples/smallMultiplesModel";
import { drawEigenvalues } from "./spectrum/drawEigenvalues";
import { eigenvalueAt, eigenvalueDomain, historyOf } from "./spectrum/eigenvaluesModel";
import type { PanelSlice } from "./view";

const theme = themeFor(false);
const style = { color: "#123456", dash: [] };
const BOX = { x: 50, y: 10, width: 400, height: 200 };

function svg(draw: (surface: Surface2D) => void): string {
  const surface = new SvgSurface(500, 260, () => "");
  draw(surface);
  return surface.toString();
}

/** A panel of a series whose slices have all arrived but for those that are nothing. */
function panelOf(slices: readonly (Slice | null)[], at: number): PanelSlice {
  const shown = slices[at];
  const [shownChannel] = shown?.channels ?? [];
  if (!shown || !shownChannel) throw new Error("The slice that is shown has arrived.");
  return {
    run: "r",
    style,
    slice: shown,
    channel: shownChannel,
    focusPoint: 0,
    series: { steps: slices.map((_, i) => 10 * i) } as unknown as PanelSlice["series"],
    sliceAt: (position) => slices[position] ?? null,
  };
}

const over = (count: number) =>
  Array.from({ length: count }, (_, i) => line([-1, 0, 1], [i + 1, i, i + 1], { step: 10 * i }));

describe("other steps of a line", () => {
  it("are skins before and after, the farthest first, as far as they have arrived", () => {
    const slices: (Slice | null)[] = over(5);
    slices[4] = null;
    const away = (count: number) => skinsOf(panelOf(slices, 2), count).map((skin) => skin.away);
    expect(away(1)).toEqual([-1, 1]);
    expect(away(2)).toEqual([-2, -1, 1]);
    expect(skinsOf(panelOf(slices, 0), 1).map(({ step }) => step)).toEqual([10]);
  });

  it("are at most 60 ridges, the shown one among them", () => {
    expect(ridgePositions(60)).toHaveLength(60);
    expect(ridgePositions(1)).toEqual([0]);
    const many = ridgePositions(1000);
    expect([many.length, many[0], many.at(-1)]).toEqual([59, 0, 999]);
    expect(ridgesOf(panelOf(over(200), 77)).map(({ step }) => step)).toContain(770);
    expect(ridgesOf(panelOf(over(200), 77)).length).toBeLessThanOrEqual(60);
  });

  it("are drawn faint, what came later dotted", () => {
    const panel = panelOf(over(3), 1);
    const curve = { ...curveOf(panel.slice, panel.channel, 0), ...style, center: 1 };
    const skins = skinsOf(panel, 1).map((skin) => ({ ...skin, color: style.color }));
    const drawn = svg((surface) =>
      drawLines(surface, createChart(BOX, linear([-1, 1]), linear([0, 4])), {
        ...{ curves: [curve], skins, envelope: null, xLabel: "", yLabel: "", theme },
      }),
    );
    expect(drawn).toContain(">1 step before</text>");
    expect(drawn).toContain(">1 step after, dotted</text>");
    expect(drawn).toMatch(/d="M50 60L250 110L450 60"[^>]*stroke-dasharray="2 3"/);
  });

  it("are ridges, the oldest highest, and it is said how many there are", () => {
    const ridges = ridgesOf(panelOf(over(2), 1));
    const drawn = svg((surface) =>
      drawRidges(surface, createChart(BOX, linear([-1, 1]), linear([0, 1])), {
        ...{ ridges, total: 7, step: 10, scale: createScale("linear", [0, 2]), theme },
        ...{ color: style.color, xLabel: "x", yLabel: "loss" },
      }),
    );
    // 68 pixels are a height of 2; the first stands at 84, the second on the bottom.
    expect(drawn).toContain('d="M50 50L250 84L450 50"');
    expect(drawn).toContain('d="M50 142L250 176L450 142"');
    expect(drawn).toContain(">2 of 7 steps · loss</text>");
  });
});

describe("what is not finite", () => {
  it("is hatched half way to its neighbors", () => {
    const x = [0, 1, 2, 3, 4, 8];
    const broken = line(x, [NaN, 1, Infinity, NaN, 1, NaN]);
    const curve = curveOf(broken, broken.channels[0] ?? channel([]), 0);
    expect(gapsOf(curve)).toEqual([
      [0, 0.5],
      [1.5, 3.5],
      [6, 8],
    ]);
    const drawn = svg((surface) =>
      drawLines(surface, createChart(BOX, linear([0, 8]), linear([0, 2])), {
        curves: [{ ...curve, ...style, center: 1 }],
        ...{ envelope: null, xLabel: "", yLabel: "", theme },
      }),
    );
    expect(drawn).toContain('x="125" y="10" width="100" height="200"');
  });
});

it("a line says what was measured of it", () => {
  const x = Array.from({ length: 9 }, (_, i) => i / 4 - 1);
  const bowl = line(
    x,
    x.map((at) => 1 + 2 * at * at),
    { center: Float64Array.of(1) },
  );
  const said = measureSentences({
    slice: bowl,
    channel: bowl.channels[0] ?? channel([]),
    focusPoint: 0,
  });
  expect(said[0]).toBe(
    "At 0: curvature 4.00 (R² 1); width 0.200 at +5 %, 0.400 at +0.1; asymmetry 0.",
  );
});

describe("a point of a plane", () => {
  // 1 + 2x - 3y on an uneven grid.
  const [xs, ys] = [
    [-1, 0, 1],
    [-2, 0, 4],
  ];
  const values = channel(xs.flatMap((x) => ys.map((y) => 1 + 2 * x - 3 * y)));
  const plane = slice([1, 3, 3], [axis(xs, { length: 3 }), axis(ys, { length: 4 })], values);
  const grid = gridOf(plane, values, 0);

  it("has two cross-sections", () => {
    const [along, across] = cutsThrough(grid, { x: 0.9, y: 3.5 });
    expect([along.other, [...along.values]]).toEqual([4, [-13, -11, -9]]);
    expect([across.other, [...across.values]]).toEqual([1, [9, 3, -9]]);
    const size = { width: 500, height: 260 };
    const drawn = svg((surface) => {
      const chart = layOutCut(size, along, createScale("linear", [-13, 9]));
      drawCut(surface, chart, { cut: along, names: ["u", "v"], at: 1, color: "#123456", theme });
    });
    expect(drawn).toContain(">v = 4</text>");
    expect(drawn).toContain(">\u22129.000</text>");
  });

  it("has a distance, and a side to which values rise", () => {
    expect(uphillAt(grid, sampleAt(grid, 0, 0))).toEqual([2, -3]);
    expect(uphillAt(grid, sampleAt(grid, -1, 4))).toEqual([2, -3]);
    expect(distanceTo(plane, 1, 1)).toBe(5);
    const tilted = { ...plane, notes: new Map([["cosine", 0.5]]) };
    expect(distanceTo(tilted, 1, -1)).toBeCloseTo(Math.sqrt(13), 12);
    expect(pointDetail(plane, grid, sampleAt(grid, 0, 0))).toBe("distance 0, rises \u2198");
    const flat = { ...grid, values: new Float32Array(9) };
    expect(uphillAt(flat, sampleAt(flat, 0, 0))).toBeNull();
  });

  it("leaves the plane room beside or above its cross-sections", () => {
    for (const size of [
      { width: 1100, height: 600 },
      { width: 540, height: 280 },
      { width: 500, height: 700 },
    ]) {
      const { plane: own, cuts } = layOutPinned(size);
      const area = [own, ...cuts].reduce((sum, box) => sum + box.width * box.height, 0);
      expect(area).toBe(size.width * size.height);
    }
  });
});

describe("small multiples", () => {
  const X = [-1, -0.5, 0, 0.5, 1];
  const names = ["a.weight[0, 1]", "a.weight[2, 3]", "b.bias[0]", "c"];
  const shapes = [(x: number) => 2 * x * x, (x: number) => x, (x: number) => 10 * x * x, () => NaN];
  const values = channel(shapes.flatMap((f) => X.map(f)));
  const bundle = slice(
    [1, 4, 5],
    names.map((name) => axis(X, { name })),
    values,
  );

  it.each([
    ["range", [2, 0, 1, 3], [10, 2, 2]],
    ["curvature", [2, 0, 1, 3], [20, 4, 0]],
    ["asymmetry", [1, 0, 2, 3], [1, 0, 0]],
  ] as const)("are ranked by %s", (ranking, order, scores) => {
    const cells = orderCells(bundle, values, 0, ranking);
    expect(cells.map((cell) => cell.line)).toEqual(order);
    for (const [i, score] of scores.entries()) expect(cells[i]?.score).toBeCloseTo(score, 5);
    expect(cells[3]?.score).toBeNaN();
    expect(orderCells(bundle, values, 0, "logged").map((cell) => cell.line)).toEqual([0, 1, 2, 3]);
  });

  it("are grouped by layer, and by shape whatever the size", () => {
    expect(names.map(layerOf)).toEqual(["a.weight", "a.weight", "b.bias", "c"]);
    const cells = orderCells(bundle, values, 0, "range");
    const keys = groupCells(cells, "layer", null).map((group) => group.key);
    expect(keys).toEqual(["b.bias", "a.weight", "c"]);
    const shapes = { members: Int32Array.of(0, 1, 0, 1), medoids: [0, 3], silhouette: 1 };
    const groups = groupCells(cells, "shape", shapes);
    expect(groups.map((group) => group.cells.map((cell) => cell.line))).toEqual([
      [2, 0],
      [1, 3],
    ]);
    expect(groups.map(({ medoid }) => medoid)).toEqual([0, 3]);
    const [alone] = groupCells(cells, "shape", null);
    expect(alone?.cells).toEqual(cells);
  });

  it("are found by name, and by the share of the largest score", () => {
    const cells = orderCells(bundle, values, 0, "range");
    const lines = (text: string, from: number, to: number) =>
      filterCells(cells, text, [from, to]).map((cell) => cell.line);
    expect(lines("WEIGHT", 0, 1)).toEqual([0, 1]);
    expect(lines("", 0.5, 1)).toEqual([2]);
    expect(lines("", 0, 0.5)).toEqual([0, 1, 3]);
    expect(histogram(cells, 5)).toEqual([0, 2, 0, 0, 1]);
  });

  it("change their ranks over steps", () => {
    const at = (step: number, a: number, b: number) =>
      slice(
        [1, 2, 3],
        [axis([-1, 0, 1], { name: "a" }), axis([-1, 0, 1], { name: "b" })],
        channel([a, 0, a, b, 0, b]),
        { step },
      );
    const panel = panelOf([at(0, 1, 2), null, at(20, 3, 2)], 2);
    const history = ranksOver(panel, "range");
    expect(history).toEqual([
      { step: 0, ranks: [2, 1] },
      { step: 20, ranks: [1, 2] },
    ]);
    expect(lineAtRank(history, 3, 1)).toEqual({ step: 0, line: 1, rank: 1 });
    expect(lineAtRank([], 3, 1)).toBeNull();
    const drawn = svg((surface) =>
      drawRanks(surface, createChart(BOX, linear([0, 20]), linear([0.5, 2.5])), {
        ...{ history, names: ["a", "b"], step: 20, color: style.color, theme },
      }),
    );
    expect(drawn).toContain('d="M50 60L450 160"');
  });
});

it("a bundle's outliers leave its widest band, or diverge", () => {
  const heights = Array.from({ length: 40 }, (_, i) => i);
  const rows = heights.map((height) => (height === 20 ? [20, NaN, 20] : [height, 0, height]));
  const all = slice(
    [1, 40, 3],
    heights.map(() => axis([-1, 0, 1])),
    channel(rows.flat()),
  );
  const curves = curvesOf({ slice: all, channel: all.channels[0] ?? channel([]) });
  const spread = spreadOf(all, curves);
  expect(spread && outliersOf(spread, curves)).toEqual([0, 20, 39]);
});

describe("eigenvalues over steps", () => {
  const at = (step: number, eigenvalues: number[], more: Record<string, unknown> = {}) =>
    line([0, 1], [1, 1], {
      ...{ kind: "spectrum", step },
      notes: new Map<string, unknown>([["eigenvalues", eigenvalues], ...Object.entries(more)]),
    });
  const panel = panelOf(
    [
      at(0, [5, -1], { learning_rate: 0.25, trace: 12 }),
      null,
      at(20, [8, 2], { learning_rate: "x" }),
    ],
    2,
  );
  const history = historyOf(panel);

  it("come with the trace and the edge of stability where they are noted", () => {
    expect(history).toEqual([
      { step: 0, values: [5, -1], trace: 12, edge: 8 },
      { step: 20, values: [8, 2], trace: NaN, edge: NaN },
    ]);
    expect(eigenvalueAt(history, 4, 1)).toEqual({ step: 0, rank: 1, value: -1, trace: 12 });
    expect(eigenvalueAt(history, 19, 9)?.value).toBe(2);
  });

  it("share a scale, which an edge far above them does not stretch", () => {
    expect(eigenvalueDomain("linear", [history])).toEqual([-1, 8]);
    expect(eigenvalueDomain("log", [history])).toEqual([2, 8]);
    const far = [{ step: 0, values: [1], trace: NaN, edge: 50 }];
    expect(eigenvalueDomain("log", [far])).toEqual([1, 1]);
    expect(eigenvalueDomain("log", [[]])).toEqual([1, 10]);
  });

  it("are lines, with what is negative shaded", () => {
    const chart = createChart(BOX, linear([0, 20]), linear([-2, 8]));
    const drawn = svg((surface) =>
      drawEigenvalues(surface, chart, { histories: [{ history, ...style }], step: 20, theme }),
    );
    expect(drawn).toContain('d="M50 70L450 10"');
    expect(drawn).toContain('d="M50 190L450 130"');
    expect(drawn).toContain(">negative curvature</text>");
    expect(drawn).toContain(">2 / learning rate = 8.00</text>");
  });
});
