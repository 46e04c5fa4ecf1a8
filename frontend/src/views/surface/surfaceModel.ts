import type { Camera } from "../../data/camera";
import { extent, type Axis, type Slice } from "../../data/slice";
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

/** Everything about a surface that no camera changes. */
export interface Scene {
  readonly mesh: Mesh;
  /** The same with fewer samples, for pictures that are gone in a moment. */
  readonly coarse: Mesh;
  readonly levels: readonly (ContourLevel & { readonly share: number })[];
  readonly floor: readonly FloorContour[];
  readonly axes: AxesBox;
  readonly halfX: number;
  readonly halfY: number;
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
  const [spanX, spanY] = slice.axes.map(extent).map(([low, high]) => high - low);
  const ratio = (spanY ?? 1) / (spanX ?? 1);
  const stretched = ratio * MOST_UNEQUAL < 1 || ratio > MOST_UNEQUAL;
  const halfX = stretched ? 1 : Math.min(1, 1 / ratio);
  const halfY = stretched ? 1 : Math.min(1, ratio);
  const x = floorAxis(slice.axes[0], halfX);
  const y = floorAxis(slice.axes[1], halfY);
  const placed = { xs: grid.xs.map(x.place), ys: grid.ys.map(y.place) };
  const shares = sharesOf(grid.values, scale);
  const samples = Math.max(grid.xs.length, grid.ys.length);
  const stride = Math.ceil(samples / MOST_COARSE);
  const mesh = createMesh(placed.xs, placed.ys, shares);
  const levels = contourLevels(scale, 12)
    // Below the tolerance they would draw what interpolating made up.
    .filter(({ value }) => scale.kind !== "log" || value >= allowed)
    .map((level) => ({ ...level, share: scale.toShare(level.value) }));
  const found = contours(
    { ...grid, values: shares },
    levels.map(({ share }) => share),
  );
  return {
    mesh,
    coarse: stride > 1 ? createMesh(placed.xs, placed.ys, shares, stride) : mesh,
    levels,
    floor: found.map(({ level, shape }) => ({
      share: level,
      lines: shape.lines.map((line) =>
        line.map((value, i) => (i % 2 === 0 ? x.place(value) : y.place(value))),
      ),
    })),
    axes: { x, y, z: scale, theme },
    halfX,
    halfY,
  };
}

function floorAxis(axis: Axis | undefined, half: number): FloorAxis {
  const [low, high] = extent(axis);
  const scale = linear([low, high]);
  return {
    name: axisLabel(axis),
    place: (coordinate) => half * (2 * scale.toShare(coordinate) - 1),
    ticks: scale.ticks,
  };
}

/** The coordinate that stands at a place of the scene. */
export function coordinateAt(axis: Axis | undefined, half: number, place: number): number {
  const [low, high] = extent(axis);
  return low + ((place / half + 1) / 2) * (high - low);
}

// A scale of height 1 is this high beside sides of 2; the floor lies a little lower.
const HEIGHT = 1.05;
const BASE = 0.2;

export function bodyOf({ halfX, halfY }: Scene, { exaggeration }: Camera): Body {
  return { halfX, halfY, floor: -BASE, top: HEIGHT * exaggeration };
}

export interface SurfaceLayout {
  readonly box: Box;
  readonly bar: Box;
}

const TOP = 8;
const WIDEST = 1.4;

/** The picture, and the color bar at its right. */
export function layOutSurface(size: Size, scale: Scale): SurfaceLayout {
  const height = Math.max(1, Math.min(size.height - 2 * TOP - 8, 320));
  const y = Math.round((size.height - height) / 2);
  const right = colorBarRoom(scale, height);
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
