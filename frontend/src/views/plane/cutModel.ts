import type { Slice } from "../../data/slice";
import type { Size } from "../../plot/chart";
import type { Grid } from "../../plot/contours";
import type { Box } from "../../plot/geometry";
import type { Curve } from "../line/lineModel";
import { sampleAt, type PlaneSample } from "./planeModel";

/** A cross-section of a plane along one of its axes, through a sample. */
export interface Cut extends Curve {
  /** The axis that it runs along. */
  readonly axis: 0 | 1;
  /** Its coordinate on the other one. */
  readonly other: number;
}

export function cutsThrough(grid: Grid, { x, y }: { x: number; y: number }): readonly [Cut, Cut] {
  const { xs, ys, values } = grid;
  const at = sampleAt(grid, x, y);
  const [i, j] = [Math.floor(at.index / ys.length), at.index % ys.length];
  const plain = { errors: null, evaluated: null, allowed: 0 };
  return [
    {
      ...plain,
      axis: 0,
      other: at.y,
      coordinates: xs,
      values: Float32Array.from(xs, (_, column) => values[column * ys.length + j] ?? NaN),
    },
    {
      ...plain,
      axis: 1,
      other: at.x,
      coordinates: ys,
      values: values.slice(i * ys.length, (i + 1) * ys.length),
    },
  ];
}

export interface PinnedLayout {
  readonly plane: Box;
  readonly cuts: readonly [Box, Box];
}

/** A plane and its cuts in some room: side by side where it is wide, else the cuts below. */
export function layOutPinned({ width, height }: Size): PinnedLayout {
  if (width > 1.3 * height) {
    const left = Math.round(Math.max(0.56 * width, Math.min(width - 300, height + 40)));
    const half = Math.floor(height / 2);
    return {
      plane: { x: 0, y: 0, width: left, height },
      cuts: [
        { x: left, y: 0, width: width - left, height: half },
        { x: left, y: half, width: width - left, height: height - half },
      ],
    };
  }
  const top = Math.round(0.64 * height);
  const half = Math.floor(width / 2);
  return {
    plane: { x: 0, y: 0, width, height: top },
    cuts: [
      { x: 0, y: top, width: half, height: height - top },
      { x: half, y: top, width: width - half, height: height - top },
    ],
  };
}

/** How values rise around a sample, per coordinate; nothing at what is not finite. */
export function uphillAt(grid: Grid, { index }: PlaneSample): readonly [number, number] | null {
  const { xs, ys, values } = grid;
  const [i, j] = [Math.floor(index / ys.length), index % ys.length];
  const slope = (all: Float64Array, place: number, value: (at: number) => number) => {
    const [before, after] = [Math.max(place - 1, 0), Math.min(place + 1, all.length - 1)];
    return (value(after) - value(before)) / ((all[after] ?? 0) - (all[before] ?? 0));
  };
  const along = slope(xs, i, (at) => values[at * ys.length + j] ?? NaN);
  const across = slope(ys, j, (at) => values[i * ys.length + at] ?? NaN);
  return Number.isFinite(along + across) && (along !== 0 || across !== 0) ? [along, across] : null;
}

/** From the focus point to a point of the plane, in parameter units; NaN where that is not known. */
export function distanceTo({ axes, notes }: Slice, x: number, y: number): number {
  const [a, b] = [x * (axes[0]?.length ?? NaN), y * (axes[1]?.length ?? NaN)];
  const cosine = notes.get("cosine");
  // Axes that are not perpendicular say so.
  return Math.sqrt(a * a + b * b + 2 * a * b * (typeof cosine === "number" ? cosine : 0));
}

const ARROWS = ["\u2192", "\u2197", "\u2191", "\u2196", "\u2190", "\u2199", "\u2193", "\u2198"];

/** What is known of a point besides its value: how far it is, and where the value rises. */
export function pointDetail(slice: Slice, grid: Grid, sample: PlaneSample): string {
  const distance = distanceTo(slice, sample.x, sample.y);
  const uphill = uphillAt(grid, sample);
  const facts: string[] = [];
  if (Number.isFinite(distance)) facts.push(`distance ${Number(distance.toPrecision(3))}`);
  if (uphill) {
    const turn = Math.round(Math.atan2(uphill[1], uphill[0]) / (Math.PI / 4));
    facts.push(`rises ${ARROWS[(turn + 8) % 8] ?? ""}`);
  }
  return facts.join(", ");
}
