/** A surface's samples, ready to be drawn. What has no height is a hole. */
export interface Mesh {
  /** Where the samples stand in the scene. */
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  /** Heights between 0 and 1, NaN in holes: shares[i * ys.length + j] stands at (xs[i], ys[j]). */
  readonly shares: Float32Array;
  /** How steeply heights rise along x and along y, two numbers a sample. */
  readonly slopes: Float32Array;
  /** Index of the first corner of each cell whose four corners have heights. */
  readonly cells: Uint32Array;
}

/** Every `stride`-th sample; the last one always, so that the surface keeps its size. */
export function createMesh(
  xs: Float64Array,
  ys: Float64Array,
  shares: Float32Array,
  stride = 1,
): Mesh {
  const columns = strided(xs.length, stride);
  const rows = strided(ys.length, stride);
  const kept = new Float32Array(columns.length * rows.length);
  for (const [i, column] of columns.entries()) {
    for (const [j, row] of rows.entries()) {
      const share = shares[column * ys.length + row] ?? NaN;
      // Values beyond the scale are as high as its end, as their color is that of its end.
      kept[i * rows.length + j] = Math.min(Math.max(share, 0), 1);
    }
  }
  const places = { xs: pick(xs, columns), ys: pick(ys, rows), shares: kept };
  return { ...places, slopes: slopesOf(places), cells: cellsOf(places) };
}

type Places = Pick<Mesh, "xs" | "ys" | "shares">;

function cellsOf({ xs, ys, shares }: Places): Uint32Array {
  const rows = ys.length;
  const cells: number[] = [];
  for (let i = 0; i + 1 < xs.length; i += 1) {
    for (let j = 0; j + 1 < rows; j += 1) {
      const at = i * rows + j;
      const sum =
        (shares[at] ?? NaN) +
        (shares[at + 1] ?? NaN) +
        (shares[at + rows] ?? NaN) +
        (shares[at + rows + 1] ?? NaN);
      if (!Number.isNaN(sum)) cells.push(at);
    }
  }
  return Uint32Array.from(cells);
}

function slopesOf({ xs, ys, shares }: Places): Float32Array {
  const rows = ys.length;
  const slopes = new Float32Array(2 * shares.length);
  // Where a neighbor is missing, the difference to the other one has to do.
  const slope = (at: number, by: number, places: Float64Array, index: number) => {
    const has = (i: number, place: number) =>
      i >= 0 && i < places.length && !Number.isNaN(shares[place] ?? NaN);
    const low = has(index - 1, at - by) ? 1 : 0;
    const high = has(index + 1, at + by) ? 1 : 0;
    const run = (places[index + high] ?? 0) - (places[index - low] ?? 0);
    return run > 0 ? ((shares[at + high * by] ?? 0) - (shares[at - low * by] ?? 0)) / run : 0;
  };
  for (let i = 0; i < xs.length; i += 1) {
    for (let j = 0; j < rows; j += 1) {
      const at = i * rows + j;
      slopes[2 * at] = slope(at, rows, xs, i);
      slopes[2 * at + 1] = slope(at, 1, ys, j);
    }
  }
  return slopes;
}

function strided(count: number, stride: number): number[] {
  const indices: number[] = [];
  for (let i = 0; i < count; i += stride) indices.push(i);
  if (indices.at(-1) !== count - 1 && count > 0) indices.push(count - 1);
  return indices;
}

function pick(places: Float64Array, indices: readonly number[]): Float64Array {
  return Float64Array.from(indices, (i) => places[i] ?? 0);
}

/** The height between samples, linear along both axes; NaN in holes and outside. */
export function heightAt({ xs, ys, shares }: Mesh, x: number, y: number): number {
  const i = cellOf(xs, x);
  const j = cellOf(ys, y);
  if (i < 0 || j < 0) return NaN;
  const rows = ys.length;
  const u = (x - (xs[i] ?? 0)) / ((xs[i + 1] ?? 1) - (xs[i] ?? 0));
  const v = (y - (ys[j] ?? 0)) / ((ys[j + 1] ?? 1) - (ys[j] ?? 0));
  const at = i * rows + j;
  const low = (shares[at] ?? NaN) * (1 - u) + (shares[at + rows] ?? NaN) * u;
  const high = (shares[at + 1] ?? NaN) * (1 - u) + (shares[at + rows + 1] ?? NaN) * u;
  return low * (1 - v) + high * v;
}

function cellOf(places: Float64Array, place: number): number {
  const last = places.length - 1;
  if (last < 1 || !(place >= (places[0] ?? 0)) || !(place <= (places[last] ?? 0))) return -1;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) <= place) low = middle;
    else high = middle;
  }
  return low;
}
