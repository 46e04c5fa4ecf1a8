import { ByteCache } from "../../data/byteCache";
import type { Axis, Channel, Slice } from "../../data/slice";
import type { Interval } from "../../data/stats";
import { shownPart } from "../../data/zoom";
import { drawAxes, drawFrame } from "../../plot/axes";
import { axisLabel } from "../../plot/axisLabel";
import type { Chart } from "../../plot/chart";
import type { ColorMapName } from "../../plot/colorMaps";
import { contours, type Contour, type Grid } from "../../plot/contours";
import { drawColorBar, type Clipped } from "../../plot/marks/colorBar";
import { drawContourLines } from "../../plot/marks/contourLines";
import { drawCenter } from "../../plot/marks/crossHair";
import {
  fractionalIndices,
  paintGrid,
  scaleChoices,
  sharesOf,
  type Paint,
  type Raster,
} from "../../plot/raster";
import { contourLevels, type ContourLevel, type Scale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { drawPath } from "./drawPath";
import { drawPin } from "./drawPin";
import type { PlaneChart, PlaneSample } from "./planeModel";
import type { Path } from "./trajectoryModel";

const MOST_PIXELS = 420;

export interface FieldDrawing {
  readonly slice: Slice;
  readonly channel: Channel;
  readonly grid: Grid;
  readonly scale: Scale;
  /** One a level; `null` while they are being found elsewhere. Without it they are found at once. */
  readonly contours?: readonly Contour[] | null;
  readonly colorMap: ColorMapName;
  readonly smooth: boolean;
  /** Whether it is replaced at once: then it may have fewer pixels, and no numbers on its contours. */
  readonly moving?: boolean;
  readonly path: Path | null;
  /** Where cross-sections are taken. */
  readonly pin: PlaneSample | null;
  /** 1 where a value of the grid was evaluated; nothing where none is interpolated. */
  readonly evaluated: Uint8Array | null;
  /** How far off the others may be. */
  readonly allowed: number;
  readonly theme: Theme;
}

export interface PlaneDrawing extends FieldDrawing {
  readonly clipped: Clipped;
}

/** The plane as colors with contours, its axes and its color bar. */
export function drawPlane(surface: Surface2D, plane: PlaneChart, drawing: PlaneDrawing): void {
  const [first, second] = drawing.slice.axes;
  drawAround(surface, plane, { ...drawing, ...axisNames(plane, first, second) });
  drawInside(surface, plane, drawing);
}

interface AroundPlane extends Paint {
  readonly xLabel: string;
  readonly yLabel: string;
  readonly scale: Scale;
  readonly clipped: Clipped;
}

/** The names of the axes, as much of them as there is room for. */
export function axisNames({ chart: { box } }: PlaneChart, first?: Axis, second?: Axis) {
  return {
    xLabel: axisLabel(first, Math.max(8, Math.floor(box.width / 7))),
    yLabel: axisLabel(second, Math.max(8, Math.floor(box.height / 7))),
  };
}

/** What stands around the field: axes and color bar, the same for all slices on a scale. */
export function drawAround(surface: Surface2D, { chart, bar }: PlaneChart, around: AroundPlane) {
  const { xLabel, yLabel, scale, theme } = around;
  const { width, height } = chart.box;
  const [xTicks, yTicks] = [Math.max(2, width / 56), Math.max(2, height / 56)];
  drawAxes(surface, chart, theme, { xLabel, yLabel, grid: false, xTicks, yTicks });
  drawColorBar(surface, bar, scale, around, around.clipped);
}

/** The field and its frame. */
export function drawInside(surface: Surface2D, { chart }: PlaneChart, drawing: FieldDrawing): void {
  drawField(surface, chart, drawing);
  drawFrame(surface, chart.box, drawing.theme);
}

/** Colors, contours and path, without what stands around them. */
export function drawField(surface: Surface2D, chart: Chart, drawing: FieldDrawing): void {
  const { grid, scale, theme } = drawing;
  const { box } = chart;
  surface.image(fieldRaster(chart, drawing), box);
  surface.clip(box, () => {
    if (drawing.evaluated) drawEvaluated(surface, chart, grid, drawing.evaluated);
    const levels = planeLevels(scale, drawing.allowed);
    const found =
      drawing.contours === undefined
        ? contours(
            { ...grid, values: sharesOf(grid.values, scale) },
            levels.map(({ value }) => scale.toShare(value)),
          )
        : drawing.contours;
    if (found) {
      const lines = levels.map((level, i) => ({ ...level, shape: found[i]?.shape ?? NOTHING }));
      const detail = drawing.moving ? "bare" : box.width > 160 ? "numbers" : "lines";
      drawContourLines(surface, chart, lines, detail);
    }
    drawCenter(surface, chart);
    if (drawing.path) drawPath(surface, chart, drawing.path, theme);
    if (drawing.pin) drawPin(surface, chart, drawing.pin);
  });
}

const NOTHING = { lines: [] };

/**
 * The levels of a plane's contours, chosen by the scale and not by the values: panels that share it
 * have the same. Below the tolerance they would draw what interpolating made up.
 */
export function planeLevels(scale: Scale, allowed: number): ContourLevel[] {
  return contourLevels(scale, 12).filter(({ value }) => scale.kind !== "log" || value >= allowed);
}

// Nearer than this to each other, dots of a fine grid would hide what they stand on.
const DOT_SPACING = 3;

/** Small dots where values were evaluated, readable on any color. */
function drawEvaluated(surface: Surface2D, chart: Chart, grid: Grid, evaluated: Uint8Array): void {
  const { xs, ys } = grid;
  const { width, height } = chart.box;
  if (Math.min(width / xs.length, height / ys.length) < DOT_SPACING) return;
  for (const [i, x] of xs.entries()) {
    for (const [j, y] of ys.entries()) {
      if (evaluated[i * ys.length + j] === 0) continue;
      const border = { color: "rgba(0, 0, 0, 0.55)", width: 0.75 };
      surface.circle(chart.toX(x), chart.toY(y), 1.5, "#ffffff", border);
    }
  }
}

// Enough for nine runs of two hundred planes; see the budgets in ui/derived.ts.
const RASTER_BUDGET = 20 * 2 ** 20;
const rasters = new ByteCache<Raster>(RASTER_BUDGET, ({ pixels }) => pixels.byteLength + 128);

function fieldRaster({ box, x, y }: Chart, drawing: FieldDrawing): Raster {
  const { grid, scale, smooth, colorMap, theme } = drawing;
  const { xs, ys, values } = grid;
  // Blocks have sharp edges; what is smooth may be stretched.
  const coarse = drawing.moving === true && smooth;
  const pixels = (room: number, samples: number) =>
    Math.max(1, Math.round(Math.min(coarse ? Math.min(room / 3, samples) : room, MOST_PIXELS)));
  const width = pixels(box.width, xs.length);
  const height = pixels(box.height, ys.length);
  const across = partOf(xs, x);
  const up = partOf(ys, y);
  const paint = () => {
    const columns = fractionalIndices(xs, across, width);
    const rows = fractionalIndices(ys, up, height);
    return paintGrid(sharesOf(values, scale), ys.length, columns, rows, smooth, drawing);
  };
  if (!coarse) return paint();
  // Whoever scrubs sees the same slices again and again.
  const place = [width, height, ...across, ...up].join(" ");
  const choices = `${scaleChoices(scale)} ${colorMap} ${theme.background} ${place}`;
  const known = rasters.get(values, choices);
  if (known) return known;
  const fresh = paint();
  rasters.put(values, choices, fresh);
  return fresh;
}

/** The part of an axis that is shown; never stretched beyond the samples. */
function partOf(coordinates: Float64Array, { domain }: Scale): Interval {
  const whole = [coordinates[0] ?? 0, coordinates[coordinates.length - 1] ?? 1] as const;
  return domain[0] > whole[0] || domain[1] < whole[1] ? shownPart(whole, domain) : whole;
}
