import type { Mesh } from "./mesh";
import { paintOrder } from "./paintOrder";
import type { Projection } from "./projection";

/**
 * Surfaces over the same samples, in the order in which one paints them one through the other: cells
 * from the farthest to the nearest, and over one place first whichever is farther from the eye.
 * A cell of the n-th surface is its first corner plus n times the number of samples.
 */
export function stackOrder(meshes: readonly Mesh[], projection: Projection): Uint32Array {
  const [first] = meshes;
  if (!first) return new Uint32Array();
  if (meshes.length === 1) return paintOrder(first, projection.eye);
  const samples = first.shares.length;
  const has = meshes.map((mesh) => {
    const own = new Uint8Array(samples);
    for (const cell of mesh.cells) own[cell] = 1;
    return own;
  });
  const places = Uint32Array.from({ length: samples }, (_, cell) => cell).filter((cell) =>
    has.some((own) => own[cell] === 1),
  );
  const order: number[] = [];
  for (const cell of paintOrder({ ...first, cells: places }, projection.eye)) {
    const here = [...meshes.keys()].filter((n) => has[n]?.[cell] === 1);
    const height = (n: number) => heightOf(meshes[n] ?? first, cell);
    if (here.length > 1) {
      const middle = here.reduce((sum, n) => sum + height(n), 0) / here.length;
      const rows = first.ys.length;
      const [, , up] = projection.towardsEye([
        first.xs[Math.floor(cell / rows)] ?? 0,
        first.ys[cell % rows] ?? 0,
        middle * projection.body.top,
      ]);
      here.sort((a, b) => Math.sign(up) * (height(a) - height(b)));
    }
    for (const n of here) order.push(cell + n * samples);
  }
  return Uint32Array.from(order);
}

/** The height in the middle of a cell. */
function heightOf({ ys, shares }: Mesh, cell: number): number {
  const rows = ys.length;
  const corners = [cell, cell + 1, cell + rows, cell + rows + 1];
  return corners.reduce((sum, corner) => sum + (shares[corner] ?? 0), 0) / corners.length;
}
