import { IN_PLACE } from "../plot/geometry";
import type { Stroke, Surface2D } from "../plot/surface";
import { heightAt, type Mesh } from "./mesh";
import type { Point, Projection } from "./projection";
import { isVisible } from "./sight";

// Above the surface by this share of its height, so that it does not dip into it.
const LIFT = 0.005;

/** The point of the surface above a place of the plane; not finite over holes and outside. */
export function onSurface(mesh: Mesh, { body }: Projection, x: number, y: number): Point {
  return [x, y, (heightAt(mesh, x, y) + LIFT) * body.top];
}

export interface Laid {
  readonly seen: readonly Float64Array[];
  readonly hidden: readonly Float64Array[];
}

/** A line laid over the surface, in pixels: what is seen of it, and what lies behind a hill. */
export function layOver(
  mesh: Mesh,
  projection: Projection,
  points: readonly (readonly [number, number])[],
): Laid {
  const seen: Float64Array[] = [];
  const hidden: Float64Array[] = [];
  let current: number[] = [];
  let visible = true;
  const finish = () => {
    if (current.length > 2) (visible ? seen : hidden).push(Float64Array.from(current));
    current = [];
  };
  for (const [x, y] of finer(mesh, points)) {
    const point = onSurface(mesh, projection, x, y);
    if (!Number.isFinite(point[2])) {
      finish();
      continue;
    }
    const [px, py] = projection.project(point);
    const now = isVisible(mesh, projection, point);
    current.push(px, py);
    if (now === visible) continue;
    // The piece up to here belongs to what was before, so that no gap shows.
    finish();
    visible = now;
    current = [px, py];
  }
  finish();
  return { seen, hidden };
}

/** What is hidden stays as a faint trace. */
export function strokeLaid(surface: Surface2D, { seen, hidden }: Laid, stroke: Stroke): void {
  const faint = { ...stroke, opacity: 0.22 * (stroke.opacity ?? 1) };
  if (hidden.length > 0) surface.stroke({ lines: hidden }, IN_PLACE, faint);
  if (seen.length > 0) surface.stroke({ lines: seen }, IN_PLACE, stroke);
}

/** Points near enough to each other that a line through them follows the surface. */
function* finer({ xs, ys }: Mesh, points: readonly (readonly [number, number])[]) {
  const cell = (places: Float64Array) =>
    Math.abs((places.at(-1) ?? 1) - (places[0] ?? 0)) / Math.max(1, places.length - 1);
  const longest = 0.5 * Math.min(cell(xs), cell(ys)) || 1;
  let before: readonly [number, number] | null = null;
  for (const point of points) {
    if (before) {
      const count = Math.ceil(
        Math.hypot(point[0] - before[0], point[1] - before[1]) / longest || 1,
      );
      // A step far outside of the surface is no reason for a million points.
      for (let i = 1; i < Math.min(count, 400); i += 1) {
        const share = i / Math.min(count, 400);
        yield [
          before[0] + share * (point[0] - before[0]),
          before[1] + share * (point[1] - before[1]),
        ] as const;
      }
    }
    yield point;
    before = point;
  }
}
