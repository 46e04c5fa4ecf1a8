/** Whether two lists of coordinates are the same but for rounding. */
export function sameCoordinates(a: Float64Array, b: Float64Array): boolean {
  const span = Math.abs((a[a.length - 1] ?? 0) - (a[0] ?? 0));
  return (
    a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] ?? NaN)) <= 1e-9 * span)
  );
}

/**
 * Coordinates at which both lists can be compared: those of the coarser one that lie within the other.
 */
export function commonCoordinates(a: Float64Array, b: Float64Array): Float64Array {
  if (sameCoordinates(a, b)) return a;
  const coarser = spacing(b) > spacing(a) ? b : a;
  const [first, second] = [ends(a), ends(b)];
  const room = 1e-9 * Math.max(first[1] - first[0], second[1] - second[0]);
  const low = Math.max(first[0], second[0]) - room;
  const high = Math.min(first[1], second[1]) + room;
  return coarser.filter((value) => value >= low && value <= high);
}

function ends(coordinates: Float64Array): readonly [number, number] {
  return [coordinates[0] ?? NaN, coordinates[coordinates.length - 1] ?? NaN];
}

function spacing(coordinates: Float64Array): number {
  const [low, high] = ends(coordinates);
  return (high - low) / Math.max(1, coordinates.length - 1);
}

/**
 * Values at other coordinates along one dimension, linear between samples. `inner` values follow one
 * another before the coordinate moves on. What lies between a number and none is none.
 */
export function resampleAlong(
  values: Float32Array,
  from: Float64Array,
  to: Float64Array,
  inner: number,
): Float32Array {
  if (sameCoordinates(from, to)) return values;
  const outer = values.length / (from.length * inner);
  const result = new Float32Array(outer * to.length * inner);
  for (const [k, at] of to.entries()) {
    const { below, share } = placeIn(from, at);
    for (let o = 0; o < outer; o += 1) {
      for (let i = 0; i < inner; i += 1) {
        const low = values[(o * from.length + below) * inner + i] ?? NaN;
        const high = values[(o * from.length + below + 1) * inner + i] ?? NaN;
        // Nothing times a value that is no number would be no number.
        const value = share === 0 ? low : share === 1 ? high : low + share * (high - low);
        result[(o * to.length + k) * inner + i] = value;
      }
    }
  }
  return result;
}

function placeIn(coordinates: Float64Array, at: number): { below: number; share: number } {
  let below = 0;
  while (below + 2 < coordinates.length && (coordinates[below + 1] ?? Infinity) <= at) below += 1;
  const low = coordinates[below] ?? 0;
  const width = (coordinates[below + 1] ?? low + 1) - low;
  const share = (at - low) / width;
  // Rounding must not make a neighbor of a sample out of the sample.
  if (Math.abs(share) < 1e-9) return { below, share: 0 };
  return { below, share: Math.abs(share - 1) < 1e-9 ? 1 : Math.min(Math.max(share, 0), 1) };
}

/** The coordinates of all lists, in order; those that differ by rounding only are one. */
export function unionOf(lists: readonly Float64Array[]): Float64Array {
  const [first] = lists;
  if (!first || lists.every((list) => sameCoordinates(first, list))) {
    return first ?? new Float64Array();
  }
  const all = Float64Array.from(lists.flatMap((list) => Array.from(list))).sort();
  const room = 1e-9 * ((all[all.length - 1] ?? 0) - (all[0] ?? 0));
  return all.filter((value, i) => i === 0 || value - (all[i - 1] ?? 0) > room);
}

/** So many times as many coordinates, evenly between neighbors. */
export function refined(coordinates: Float64Array, times: number): Float64Array {
  if (times <= 1 || coordinates.length < 2) return coordinates;
  return Float64Array.from({ length: (coordinates.length - 1) * times + 1 }, (_, i) => {
    const [at, part] = [Math.floor(i / times), (i % times) / times];
    const low = coordinates[at] ?? 0;
    return part === 0 ? low : low + part * ((coordinates[at + 1] ?? low) - low);
  });
}

interface Coordinates {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

/** Values at `to`, x by x, without those that lie outside of `from`. */
export function withoutOutside(
  values: Float32Array,
  from: Coordinates,
  to: Coordinates,
): Float32Array {
  const insideX = inside(from.xs, to.xs);
  const insideY = inside(from.ys, to.ys);
  if (insideX.every(Boolean) && insideY.every(Boolean)) return values;
  const rows = to.ys.length;
  return values.map((value, at) =>
    insideX[Math.floor(at / rows)] && insideY[at % rows] ? value : NaN,
  );
}

function inside(from: Float64Array, to: Float64Array): boolean[] {
  const [low, high] = ends(from);
  const room = 1e-9 * Math.abs(high - low);
  return Array.from(to, (value) => value >= low - room && value <= high + room);
}
