import type { Mesh } from "./mesh";

/**
 * The cells such that none comes before one that it hides: along both axes, from the borders to
 * where the eye stands. A look from the eye only ever moves away from it along each axis.
 */
export function paintOrder(
  { xs, ys, cells }: Pick<Mesh, "xs" | "ys" | "cells">,
  [eyeX, eyeY]: readonly [number, number],
): Uint32Array {
  const rows = ys.length;
  const columnRanks = ranks(xs, eyeX);
  const rowRanks = ranks(ys, eyeY);
  const rank = (cell: number) =>
    (columnRanks[Math.floor(cell / rows)] ?? 0) * rows + (rowRanks[cell % rows] ?? 0);
  return Uint32Array.from(cells).sort((a, b) => rank(a) - rank(b));
}

/** Of each interval between neighbors, how many are farther from the eye. */
function ranks(places: Float64Array, eye: number): Uint32Array {
  const distances = Array.from({ length: Math.max(0, places.length - 1) }, (_, i) =>
    Math.max((places[i] ?? 0) - eye, eye - (places[i + 1] ?? 0), 0),
  );
  const order = distances.map((_, i) => i);
  order.sort((a, b) => (distances[b] ?? 0) - (distances[a] ?? 0));
  const result = new Uint32Array(distances.length);
  for (const [rank, i] of order.entries()) result[i] = rank;
  return result;
}
