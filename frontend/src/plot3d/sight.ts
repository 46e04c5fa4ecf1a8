import { heightAt, type Mesh } from "./mesh";
import type { Point, Projection, Ray } from "./projection";

const STEPS = 160;

/** Whether nothing of the surface stands between a point and the eye. */
export function isVisible(mesh: Mesh, { body, towardsEye }: Projection, point: Point): boolean {
  const [x, y, z] = point;
  const [dx, dy, dz] = towardsEye(point);
  // Above the top of the scale, and beside the surface, there is nothing.
  const end = leaving(mesh, point, [dx, dy, dz], body.top);
  // Twice a cell: what is linear between samples hides nothing that is smaller.
  const cells = Math.max(
    Math.abs(end * dx) / cellSize(mesh.xs),
    Math.abs(end * dy) / cellSize(mesh.ys),
  );
  const steps = Math.min(STEPS, Math.ceil(2 * cells) + 1);
  for (let step = 1; step < steps; step += 1) {
    const t = (step / steps) * end;
    if (heightAt(mesh, x + t * dx, y + t * dy) * body.top > z + t * dz + 1e-3) return false;
  }
  return true;
}

/** Where a ray meets the surface first, as x and y; nothing where it passes by or through a hole. */
export function hit(mesh: Mesh, top: number, ray: Ray): readonly [number, number] | null {
  const [from, to] = within(mesh, top, ray);
  const at = (t: number): Point => [
    ray.origin[0] + t * ray.direction[0],
    ray.origin[1] + t * ray.direction[1],
    ray.origin[2] + t * ray.direction[2],
  ];
  const above = (t: number) => {
    const [x, y, z] = at(t);
    return z - heightAt(mesh, x, y) * top;
  };
  let before = from;
  for (let step = 0; step <= STEPS && to > from; step += 1) {
    const here = from + (step / STEPS) * (to - from);
    if (above(here) <= 0) {
      let [high, low] = [before, here];
      for (let halving = 0; halving < 12; halving += 1) {
        const middle = (high + low) / 2;
        if (above(middle) <= 0) low = middle;
        else high = middle;
      }
      const [x, y] = at(low);
      return [x, y];
    }
    before = here;
  }
  return null;
}

/** The piece of a ray that is above the plane's rectangle and below the top. */
function within(mesh: Mesh, top: number, { origin, direction }: Ray): readonly [number, number] {
  const [left, right, front, back] = sides(mesh);
  // A hair wider, so that what is seen from straight above its border is still met.
  const slabs = [
    [left, right],
    [front, back],
    [-1e-6, top * (1 + 1e-6) + 1e-6],
  ] as const;
  let from = 0;
  let to = Infinity;
  for (const [axis, [low, high]] of slabs.entries()) {
    const start = origin[axis] ?? 0;
    const by = direction[axis] ?? 0;
    if (Math.abs(by) < 1e-12) {
      if (start < low || start > high) return [0, -1];
      continue;
    }
    const a = (low - start) / by;
    const b = (high - start) / by;
    from = Math.max(from, Math.min(a, b));
    to = Math.min(to, Math.max(a, b));
  }
  return [from, to];
}

/** How far along a direction a point of the surface leaves what the surface can fill. */
function leaving(mesh: Mesh, point: Point, direction: Point, top: number): number {
  const [left, right, front, back] = sides(mesh);
  const until = (place: number, by: number, low: number, high: number) =>
    by > 1e-12 ? (high - place) / by : by < -1e-12 ? (low - place) / by : Infinity;
  const end = Math.min(
    until(point[0], direction[0], left, right),
    until(point[1], direction[1], front, back),
    until(point[2], direction[2], 0, top),
  );
  return Number.isFinite(end) ? Math.max(0, end) : 0;
}

function cellSize(places: Float64Array): number {
  return ((places.at(-1) ?? 1) - (places[0] ?? 0)) / Math.max(1, places.length - 1) || 1;
}

function sides({ xs, ys }: Mesh): readonly [number, number, number, number] {
  return [xs[0] ?? 0, xs.at(-1) ?? 0, ys[0] ?? 0, ys.at(-1) ?? 0];
}
