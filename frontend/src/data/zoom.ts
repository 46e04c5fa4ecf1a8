import type { Interval } from "./stats";

/** The part of the plane, or of a line, that pictures show, in coordinates of the axes. */
export interface Zoom {
  readonly x: Interval;
  /** Nothing where only the first axis was zoomed. */
  readonly y: Interval | null;
}

/** What was at one place of a picture comes to another, and is larger by a factor there. */
export interface Magnification {
  readonly factor: number;
  /** Shares of the picture, from the left and from below. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

/** Further in there is nothing but the straight lines between two samples. */
const DEEPEST = 64;

/** What is shown of a whole: the chosen part of it, or all where that lies elsewhere. */
export function shownPart(whole: Interval, part: Interval | null | undefined): Interval {
  if (!part) return whole;
  const low = Math.max(whole[0], part[0]);
  const high = Math.min(whole[1], part[1]);
  return high - low >= (whole[1] - whole[0]) / (2 * DEEPEST) ? [low, high] : whole;
}

/** Where a magnification leads to; nothing where all is shown again. */
export function magnified(
  whole: Zoom,
  shown: Zoom,
  { factor, from, to }: Magnification,
): Zoom | null {
  const x = along(whole.x, shown.x, factor, from[0], to[0]);
  const y = whole.y && along(whole.y, shown.y ?? whole.y, factor, from[1], to[1]);
  return isWhole(whole.x, x) && (!whole.y || !y || isWhole(whole.y, y)) ? null : { x, y };
}

function along(
  [first, last]: Interval,
  [low, high]: Interval,
  factor: number,
  from: number,
  to: number,
): Interval {
  const all = last - first;
  const width = Math.min(Math.max((high - low) / factor, all / DEEPEST), all);
  const anchor = low + from * (high - low);
  const start = Math.min(Math.max(anchor - to * width, first), last - width);
  // As many digits as a link needs.
  return [round(start), round(start + width)];
}

function round(value: number): number {
  return Number(value.toPrecision(7));
}

function isWhole([first, last]: Interval, [low, high]: Interval): boolean {
  const room = 1e-5 * (last - first);
  return low <= first + room && high >= last - room;
}
