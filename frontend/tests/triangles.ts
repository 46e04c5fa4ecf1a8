import type { Mesh } from "../src/plot3d/mesh";
import type { Point, Projection } from "../src/plot3d/projection";

type Triangle = readonly [Point, Point, Point];

/** A cell of a surface as two triangles on screen, with depths. */
export function trianglesOf({ xs, ys, shares }: Mesh, { project, body }: Projection, cell: number) {
  const rows = ys.length;
  const at = (index: number) =>
    project([
      xs[Math.floor(index / rows)] ?? NaN,
      ys[index % rows] ?? NaN,
      (shares[index] ?? NaN) * body.top,
    ]);
  const [a, b, c, d] = [at(cell), at(cell + rows), at(cell + rows + 1), at(cell + 1)];
  return [
    [a, b, c],
    [a, c, d],
  ] as const satisfies readonly Triangle[];
}

/** How deep a triangle is at a pixel, NaN where it is elsewhere or seen along its edge. */
export function depthAt([a, b, c]: Triangle, px: number, py: number): number {
  const area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
  if (Math.abs(area) < 1) return NaN;
  const v = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area;
  const w = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area;
  if (v < 0.02 || w < 0.02 || v + w > 0.98) return NaN;
  return a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2]);
}
