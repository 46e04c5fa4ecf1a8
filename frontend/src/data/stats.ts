/** Smallest and largest finite value, the smallest positive one, and how many are not finite. */
export interface Summary {
  readonly low: number;
  readonly high: number;
  readonly lowestPositive: number;
  readonly nonfinite: number;
}

export function summarize(values: ArrayLike<number>): Summary {
  let low = Infinity;
  let high = -Infinity;
  let lowestPositive = Infinity;
  let nonfinite = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) {
      nonfinite += 1;
      continue;
    }
    if (value < low) low = value;
    if (value > high) high = value;
    if (value > 0 && value < lowestPositive) lowestPositive = value;
  }
  return { low, high, lowestPositive, nonfinite };
}

export type Interval = readonly [number, number];

/** The smallest interval around all of them, or nothing where there is none. */
export function enclose(intervals: Iterable<Interval | null | undefined>): Interval | null {
  let low = Infinity;
  let high = -Infinity;
  for (const interval of intervals) {
    if (!interval) continue;
    low = Math.min(low, interval[0]);
    high = Math.max(high, interval[1]);
  }
  return low <= high ? [low, high] : null;
}

/** Position of the coordinate nearest to `value`. */
export function nearestIndex(coordinates: ArrayLike<number>, value: number): number {
  let best = 0;
  let distance = Infinity;
  for (let i = 0; i < coordinates.length; i += 1) {
    const away = Math.abs((coordinates[i] ?? Infinity) - value);
    if (away < distance) {
      distance = away;
      best = i;
    }
  }
  return best;
}

/** The median of the finite numbers, NaN where there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN;
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The values at two shares of all finite ones in order, between two of them where none is there. */
export function quantileRange(
  arrays: readonly ArrayLike<number>[],
  [lower, upper]: readonly [number, number],
): Interval | null {
  const all = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let count = 0;
  for (const values of arrays) {
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i] ?? NaN;
      if (Number.isFinite(value)) all[count++] = value;
    }
  }
  if (count === 0) return null;
  const sorted = all.subarray(0, count).sort();
  const at = (share: number) => {
    const place = share * (count - 1);
    const below = sorted[Math.floor(place)] ?? NaN;
    const above = sorted[Math.ceil(place)] ?? NaN;
    return below + (place - Math.floor(place)) * (above - below);
  };
  return [at(lower), at(upper)];
}

/**
 * At each position, the value that a share of the curves lies below: one array a share. What is not
 * a number, or infinite, diverged and counts as larger than all others.
 */
export function quantilesAcross(
  curves: readonly ArrayLike<number>[],
  shares: readonly number[],
): Float64Array<ArrayBuffer>[] {
  const length = curves[0]?.length ?? 0;
  const result = shares.map(() => new Float64Array(length));
  const column = new Float64Array(curves.length);
  for (let i = 0; i < length; i += 1) {
    for (const [row, curve] of curves.entries()) {
      const value = curve[i] ?? NaN;
      column[row] = Number.isNaN(value) ? Infinity : value;
    }
    column.sort();
    for (const [at, share] of shares.entries()) {
      const place = share * (curves.length - 1);
      const below = column[Math.floor(place)] ?? NaN;
      const above = column[Math.ceil(place)] ?? NaN;
      const between = place - Math.floor(place);
      const target = result[at];
      if (!target) continue;
      // Between infinite numbers there is no middle.
      if (between === 0 || below === -Infinity) target[i] = below;
      else target[i] = above === Infinity ? above : below + between * (above - below);
    }
  }
  return result;
}
