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
  const rows = first.ys.length;
  const heights = meshes.map(heightsOf);
  const places = Uint32Array.from({ length: samples }, (_, cell) => cell).filter((cell) =>
    heights.some((own) => !Number.isNaN(own[cell] ?? NaN)),
  );
  const order = new Uint32Array(meshes.reduce((sum, { cells }) => sum + cells.length, 0));
  const { top } = projection.body;
  let count = 0;
  for (const cell of paintOrder({ ...first, cells: places }, projection.eye)) {
    const here: number[] = [];
    let sum = 0;
    for (const [n, own] of heights.entries()) {
      const height = own[cell] ?? NaN;
      if (Number.isNaN(height)) continue;
      here.push(n);
      sum += height;
    }
    if (here.length > 1) {
      const x = first.xs[Math.floor(cell / rows)] ?? 0;
      const y = first.ys[cell % rows] ?? 0;
      const [, , up] = projection.towardsEye([x, y, (sum / here.length) * top]);
      const sign = up < 0 ? -1 : 1;
      here.sort((a, b) => sign * ((heights[a]?.[cell] ?? 0) - (heights[b]?.[cell] ?? 0)));
    }
    for (const n of here) order[count++] = cell + n * samples;
  }
  return order;
}

/** The heights in the middle of cells, at their first corner; NaN where there is no cell. */
function heightsOf({ ys, shares, cells }: Mesh): Float32Array {
  const rows = ys.length;
  const heights = new Float32Array(shares.length).fill(NaN);
  for (const cell of cells) {
    const near = (shares[cell] ?? 0) + (shares[cell + 1] ?? 0);
    heights[cell] = (near + (shares[cell + rows] ?? 0) + (shares[cell + rows + 1] ?? 0)) / 4;
  }
  return heights;
}
