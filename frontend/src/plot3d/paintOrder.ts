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
  const has = new Uint8Array(xs.length * rows);
  for (const cell of cells) has[cell] = 1;
  const order = new Uint32Array(cells.length);
  const [columnsInOrder, rowsInOrder] = [farFirst(xs, eyeX), farFirst(ys, eyeY)];
  let count = 0;
  for (const column of columnsInOrder) {
    for (const row of rowsInOrder) {
      const cell = column * rows + row;
      if (has[cell] === 1) order[count++] = cell;
    }
  }
  return order;
}

/** The intervals between neighbors, the one farthest from the eye first. */
function farFirst(places: Float64Array, eye: number): number[] {
  const distances = Array.from({ length: Math.max(0, places.length - 1) }, (_, i) =>
    Math.max((places[i] ?? 0) - eye, eye - (places[i + 1] ?? 0), 0),
  );
  const order = distances.map((_, i) => i);
  return order.sort((a, b) => (distances[b] ?? 0) - (distances[a] ?? 0));
}
