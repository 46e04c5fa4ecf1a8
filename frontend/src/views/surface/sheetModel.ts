import type { Axis } from "../../data/slice";
import type { Interval } from "../../data/stats";
import { refined, resampleAlong, unionOf, withoutOutside } from "../../data/resample";
import type { Grid } from "../../plot/contours";
import { sharesOf } from "../../plot/raster";
import type { Scale } from "../../plot/scale";
import type { Theme } from "../../plot/theme";
import type { FloorContour } from "../../plot3d/axesBox";
import { createMesh, type Mesh } from "../../plot3d/mesh";
import { overlayExtent } from "../plane/overlayModel";
import type { PanelSlice } from "../view";
import {
  coarseStride,
  createFrame,
  floorOf,
  levelsOf,
  placesIn,
  type Frame,
  type Level,
} from "./surfaceModel";

const LEVELS = 8;
// Cells are put in order for every picture; more of them are smaller than one can see.
const MOST_SAMPLES = 101;
// From so many cells a side on, those in which surfaces cut each other do not stand out.
const FINE = 64;
const HAIR = 1e-6;

/** Several surfaces in one scene, over the same samples. */
export interface Sheets extends Frame {
  readonly meshes: readonly Mesh[];
  readonly coarse: readonly Mesh[];
  readonly levels: readonly Level[];
  /** Of each, from where to where it reaches. */
  readonly bounds: readonly Bounds[];
  /** Of each, its contours on the floor. */
  readonly floors: readonly (readonly FloorContour[])[];
}

export interface Bounds {
  readonly x: Interval;
  readonly y: Interval;
}

/**
 * The surfaces of several panels. Where they cut each other, cells of one stand before those of the
 * other: small ones, between the samples too, unless it is these that are drawn, as a `wireframe`.
 */
export function createSheets(
  panels: readonly PanelSlice[],
  grids: readonly Grid[],
  scale: Scale,
  theme: Theme,
  wireframe = false,
): Sheets {
  const axes: readonly Axis[] = panels[0]?.slice.axes ?? [];
  const ranges = [overlayExtent(panels, 0), overlayExtent(panels, 1)];
  const frame = createFrame(axes, ranges, scale, theme);
  const union = {
    xs: unionOf(grids.map((grid) => grid.xs)),
    ys: unionOf(grids.map((grid) => grid.ys)),
  };
  const meshesOf = (xs: Float64Array, ys: Float64Array, stride: number) => {
    const placed = placesIn(frame, { xs, ys });
    return grids.map((grid) => {
      return createMesh(placed.xs, placed.ys, sharesOf(onto(grid, xs, ys), scale), stride);
    });
  };
  const samples = Math.max(union.xs.length, union.ys.length) - 1;
  const times = wireframe ? 1 : Math.max(1, Math.floor(FINE / samples));
  const stride = Math.max(1, Math.ceil(samples / (MOST_SAMPLES - 1)));
  const levels = levelsOf(scale, LEVELS);
  return {
    ...frame,
    meshes: meshesOf(refined(union.xs, times), refined(union.ys, times), stride),
    coarse: meshesOf(union.xs, union.ys, coarseStride(union)),
    levels,
    bounds: grids.map((grid) => {
      const own = placesIn(frame, grid);
      return { x: endsOf(own.xs), y: endsOf(own.ys) };
    }),
    floors: grids.map((grid) =>
      floorOf(frame, { ...grid, values: sharesOf(grid.values, scale) }, levels),
    ),
  };
}

/** A hair within, so that a surface is asked for its own cells and not for those beside it. */
function endsOf(places: Float64Array): Interval {
  const [first, last] = [places[0] ?? 0, places.at(-1) ?? 0];
  const hair = HAIR * (last - first);
  return [first + hair, last - hair];
}

/** The values at more coordinates, among which are the grid's own; none outside of it. */
function onto(grid: Grid, xs: Float64Array, ys: Float64Array): Float32Array {
  const rows = grid.ys.length;
  const across = resampleAlong(grid.values, grid.xs, xs, rows);
  const values = resampleAlong(across, grid.ys, ys, 1);
  return withoutOutside(values, grid, { xs, ys });
}
