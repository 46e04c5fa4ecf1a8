import type { Camera } from "../../data/camera";
import { extent, type Axis, type Slice } from "../../data/slice";
import type { Interval } from "../../data/stats";
import { axisLabel } from "../../plot/axisLabel";
import { linear, type Size } from "../../plot/chart";
import { contours, type Grid } from "../../plot/contours";
import { formatStep } from "../../plot/format";
import type { Box } from "../../plot/geometry";
import { colorBarBeside, colorBarRoom } from "../../plot/marks/colorBar";
import { sharesOf } from "../../plot/raster";
import { contourLevels, type ContourLevel, type Scale } from "../../plot/scale";
import type { AxesBox, FloorAxis, FloorContour } from "../../plot3d/axesBox";
import { createMesh, type Mesh } from "../../plot3d/mesh";
import type { Body } from "../../plot3d/projection";
import type { Theme } from "../../plot/theme";
import { gridOf } from "../plane/planeModel";
import type { Measured } from "../view";

/** Where things stand in a scene. */
export interface Frame {
  readonly axes: AxesBox;
  readonly halfX: number;
  readonly halfY: number;
}

export type Level = ContourLevel & { readonly share: number };

/** Everything about a surface that no camera changes. */
export interface Scene extends Frame {
  readonly mesh: Mesh;
  /** That mesh, as it is drawn. */
  readonly meshes: readonly Mesh[];
  /** The same with fewer samples, for pictures that are gone in a moment. */
  readonly coarse: readonly Mesh[];
  readonly levels: readonly Level[];
  readonly floor: readonly FloorContour[];
}

// As in the plane view: axes of very unequal spans are stretched.
const MOST_UNEQUAL = 4;
const MOST_COARSE = 18;

export function createScene(
  slice: Slice,
  grid: Grid,
  scale: Scale,
  theme: Theme,
  allowed = 0,
): Scene {
  const frame = createFrame(slice.axes, slice.axes.map(extent), scale, theme);
  const placed = placesIn(frame, grid);
  const shares = sharesOf(grid.values, scale);
  const mesh = createMesh(placed.xs, placed.ys, shares);
  const stride = coarseStride(grid);
  // Below the tolerance they would draw what interpolating made up.
  const levels = levelsOf(scale, 12).filter(
    ({ value }) => scale.kind !== "log" || value >= allowed,
  );
  return {
    ...frame,
    mesh,
    meshes: [mesh],
    coarse: [stride > 1 ? createMesh(placed.xs, placed.ys, shares, stride) : mesh],
    levels,
    floor: floorOf(frame, { ...grid, values: shares }, levels),
  };
}

/** Contour levels, about so many, with their heights. */
export function levelsOf(scale: Scale, count: number): Level[] {
  return contourLevels(scale, count).map((level) => ({
    ...level,
    share: scale.toShare(level.value),
  }));
}

/** How many samples a coarse mesh goes on by. */
export function coarseStride({ xs, ys }: Pick<Grid, "xs" | "ys">): number {
  return Math.ceil(Math.max(xs.length, ys.length) / MOST_COARSE);
}

/** A scene in which axes of these ranges have a place. */
export function createFrame(
  axes: readonly Axis[],
  ranges: readonly Interval[],
  scale: Scale,
  theme: Theme,
): Frame {
  const [rangeX = UNIT, rangeY = UNIT] = ranges;
  const ratio = (rangeY[1] - rangeY[0] || 1) / (rangeX[1] - rangeX[0] || 1);
  const stretched = ratio * MOST_UNEQUAL < 1 || ratio > MOST_UNEQUAL;
  const halfX = stretched ? 1 : Math.min(1, 1 / ratio);
  const halfY = stretched ? 1 : Math.min(1, ratio);
  const x = floorAxis(axes[0], rangeX, halfX);
  const y = floorAxis(axes[1], rangeY, halfY);
  return { axes: { x, y, z: scale, theme }, halfX, halfY };
}

const UNIT: Interval = [-1, 1];

function floorAxis(axis: Axis | undefined, range: Interval, half: number): FloorAxis {
  const scale = linear(range);
  return {
    name: axisLabel(axis),
    place: (coordinate) => half * (2 * scale.toShare(coordinate) - 1),
    coordinate: (place) => range[0] + ((place / half + 1) / 2) * (range[1] - range[0]),
    ticks: scale.ticks,
  };
}

/** Where samples stand in the scene. */
export function placesIn({ axes: { x, y } }: Frame, { xs, ys }: Pick<Grid, "xs" | "ys">) {
  return { xs: xs.map(x.place), ys: ys.map(y.place) };
}

/** Contours of heights between 0 and 1 at some levels, in the coordinates of the scene. */
export function floorOf(
  { axes: { x, y } }: Frame,
  heights: Grid,
  levels: readonly Level[],
): FloorContour[] {
  const found = contours(
    heights,
    levels.map(({ share }) => share),
  );
  return found.map(({ level, shape }) => ({
    share: level,
    lines: shape.lines.map((line) =>
      line.map((value, i) => (i % 2 === 0 ? x.place(value) : y.place(value))),
    ),
  }));
}

// A scale of height 1 is this high beside sides of 2; the floor lies a little lower.
const HEIGHT = 1.05;
const BASE = 0.2;

export function bodyOf({ halfX, halfY }: Frame, { exaggeration }: Camera): Body {
  return { halfX, halfY, floor: -BASE, top: HEIGHT * exaggeration };
}

export interface SurfaceLayout {
  readonly box: Box;
  readonly bar: Box;
}

const TOP = 8;
const WIDEST = 1.4;

/** The picture, and the color bar at its right where colors stand for heights. */
export function layOutSurface(size: Size, scale: Scale, hasBar = true): SurfaceLayout {
  const height = Math.max(1, Math.min(size.height - 2 * TOP - 8, 320));
  const y = Math.round((size.height - height) / 2);
  const right = hasBar ? colorBarRoom(scale, height) : 0;
  // A color bar far away from what it explains would be looked for.
  const width = Math.max(1, Math.min(size.width - right, Math.round(WIDEST * size.height)));
  const x = Math.round((size.width - right - width) / 2);
  return {
    box: { x, y: 0, width, height: Math.max(1, size.height) },
    bar: colorBarBeside({ x, y, width, height }),
  };
}

/** How many cells a surface lacks because a corner of theirs is no number. */
export function holeSentence({ slice, channel, focusPoint }: Measured): string[] {
  const { xs, ys, values } = gridOf(slice, channel, focusPoint);
  const shares = values.map((value) => (Number.isFinite(value) ? value : NaN));
  const all = Math.max(0, (xs.length - 1) * (ys.length - 1));
  const holes = all - createMesh(xs, ys, shares).cells.length;
  if (holes === 0) return [];
  return [
    `${formatStep(holes)} of ${formatStep(all)} cells of the surface are holes: ` +
      "a value at their corners is not finite.",
  ];
}
