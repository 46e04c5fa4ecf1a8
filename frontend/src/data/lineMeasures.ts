/** A line as measures see it: increasing coordinates with 0 among them, and their values. */
export interface MeasuredLine {
  readonly coordinates: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  /** Measured at coordinate 0 itself. */
  readonly center: number;
}

export interface LineMeasures {
  /** Second derivative at 0, per squared coordinate; NaN where it cannot be measured. */
  readonly curvature: number;
  /** Share of the variance around 0 that the parabola behind it explains. */
  readonly rSquared: number;
  readonly width: Width;
  /** The width at which the value has risen by 0.1. */
  readonly absoluteWidth: Width;
  /** Which side is higher: -1 to 1. */
  readonly asymmetry: number;
}

/** How far the values stay below a threshold around 0; at least so far where it is cut. */
export interface Width {
  readonly value: number;
  readonly cut: boolean;
}

const RISE = 0.05;
const ABSOLUTE_RISE = 0.1;
const NOWHERE: Width = { value: NaN, cut: false };

/** The same numbers as `pysclice.measures` says of a line; NaN where that would raise. */
export function measureLine(line: MeasuredLine): LineMeasures {
  return {
    ...curvatureOf(line),
    width: widthOf(line, (low) => (low > 0 ? (1 + RISE) * low : NaN)),
    absoluteWidth: widthOf(line, (low) => low + ABSOLUTE_RISE),
    asymmetry: asymmetryOf(line),
  };
}

// How far a float32 may be off, as a share of its size: residuals count as no smaller.
const ROUNDING = 2 ** -24;
const FEWEST = 5;

/** From the window around 0 whose parabola is known best: see `measures.curvature` in Python. */
export function curvatureOf({ coordinates, values }: MeasuredLine): {
  curvature: number;
  rSquared: number;
} {
  const none = { curvature: NaN, rSquared: NaN };
  const order = Array.from(coordinates, (x, i) => ({ away: Math.abs(x), x, y: values[i] ?? NaN }));
  if (!(coordinates[0] !== undefined && coordinates[0] <= 0)) return none;
  if (!((coordinates[coordinates.length - 1] ?? NaN) >= 0)) return none;
  order.sort((a, b) => a.away - b.away);
  const wall = order.find(({ y }) => !Number.isFinite(y))?.away ?? Infinity;
  const near = order.filter(({ away }) => away < wall);
  let best: Parabola | null = null;
  for (let count = FEWEST; count <= near.length; count += 1) {
    const radius = near[count - 1]?.away ?? 0;
    // Windows are symmetric: a sample on the other side, equally far, belongs to it, too.
    if (near[count]?.away === radius) continue;
    const found = parabola(near.slice(0, count), radius);
    if (!best || found.error < best.error) best = found;
  }
  return best ? { curvature: best.second, rSquared: best.rSquared } : none;
}

interface Parabola {
  readonly error: number;
  readonly second: number;
  readonly rSquared: number;
}

/** Least squares of `a + b t + c t**2`, with t the coordinate in units of the radius. */
function parabola(samples: readonly { x: number; y: number }[], radius: number): Parabola {
  const count = samples.length;
  const mean = samples.reduce((sum, { y }) => sum + y, 0) / count;
  const moments = [0, 0, 0, 0, 0];
  const sums: [number, number, number] = [0, 0, 0];
  let largest = 0;
  for (const { x, y } of samples) {
    const t = x / radius;
    for (let power = 0; power <= 4; power += 1) moments[power] = (moments[power] ?? 0) + t ** power;
    const rise = y - mean;
    sums[0] += rise;
    sums[1] += rise * t;
    sums[2] += rise * t * t;
    largest = Math.max(largest, Math.abs(y));
  }
  const inverse = inverted(moments as [number, number, number, number, number]);
  const [a, b, c] = inverse.map(
    (row) => row[0] * sums[0] + row[1] * sums[1] + row[2] * sums[2],
  ) as [number, number, number];
  let unexplained = 0;
  let total = 0;
  for (const { x, y } of samples) {
    const t = x / radius;
    unexplained += (y - mean - a - b * t - c * t * t) ** 2;
    total += (y - mean) ** 2;
  }
  const variance = Math.max(unexplained / (count - 3), (ROUNDING * largest) ** 2);
  return {
    error: (2 * Math.sqrt(variance * inverse[2][2])) / radius ** 2,
    second: (2 * c) / radius ** 2,
    rSquared: total > 0 ? 1 - unexplained / total : 1,
  };
}

type Row = readonly [number, number, number];

/** The inverse of the matrix whose entry (i, j) is the moment i + j. */
function inverted([m0, m1, m2, m3, m4]: readonly [number, number, number, number, number]) {
  const [c00, c01, c02] = [m2 * m4 - m3 * m3, m2 * m3 - m1 * m4, m1 * m3 - m2 * m2];
  const determinant = m0 * c00 + m1 * c01 + m2 * c02;
  const [c11, c12, c22] = [m0 * m4 - m2 * m2, m1 * m2 - m0 * m3, m0 * m2 - m1 * m1];
  const scaled = (...row: Row): Row => [
    row[0] / determinant,
    row[1] / determinant,
    row[2] / determinant,
  ];
  return [scaled(c00, c01, c02), scaled(c01, c11, c12), scaled(c02, c12, c22)] as const;
}

/**
 * The interval around 0 in which values stay at or below a threshold, which depends on the value
 * there; linear between samples.
 */
export function widthOf(line: MeasuredLine, thresholdFrom: (value: number) => number): Width {
  const whole = withCenter(line);
  if (!whole) return NOWHERE;
  const { x, y, center } = whole;
  const threshold = thresholdFrom(y[center] ?? NaN);
  if (Number.isNaN(threshold)) return NOWHERE;
  const right = crossing(x.slice(center), y.slice(center), threshold);
  const left = crossing(
    x.slice(0, center + 1).reverse(),
    y.slice(0, center + 1).reverse(),
    threshold,
  );
  return { value: left.value + right.value, cut: left.cut || right.cut };
}

/** How far from the first sample values first exceed a threshold. */
function crossing(x: readonly number[], y: readonly number[], threshold: number): Width {
  const after = y.findIndex((value) => value > threshold);
  if (after < 0) return { value: Math.abs(x.at(-1) ?? NaN), cut: true };
  if (after === 0) return { value: 0, cut: false };
  const [from, to] = [x[after - 1] ?? NaN, x[after] ?? NaN];
  const [low, high] = [y[after - 1] ?? NaN, y[after] ?? NaN];
  // At a wall it ends with the last finite sample.
  const share = high === Infinity ? 0 : (threshold - low) / (high - low);
  return { value: Math.abs(from + share * (to - from)), cut: false };
}

/** The integral of the right side less the left one, in shares of how much both change. */
export function asymmetryOf(line: MeasuredLine): number {
  const whole = withCenter(line);
  if (!whole) return NaN;
  const { x, y, center } = whole;
  let [first, last] = [center, center];
  while (first > 0 && Number.isFinite(y[first - 1])) first -= 1;
  while (last < x.length - 1 && Number.isFinite(y[last + 1])) last += 1;
  if (first === center || last === center) return NaN;
  const reach = Math.min(-(x[first] ?? 0), x[last] ?? 0);
  const part = x.slice(first, last + 1).map(Math.abs);
  const distances = [...new Set(part.filter((away) => away <= reach))].sort((a, b) => a - b);
  const rise = (at: number) => between(x, y, at) - (y[center] ?? NaN);
  let [difference, change] = [0, 0];
  for (const [i, to] of distances.entries()) {
    const from = distances[i - 1];
    if (from === undefined) continue;
    const half = (to - from) / 2;
    for (const at of [from, to]) {
      const [right, left] = [rise(at), rise(-at)];
      difference += half * (right - left);
      change += half * (Math.abs(right) + Math.abs(left));
    }
  }
  return change > 0 ? difference / change : 0;
}

function between(x: readonly number[], y: readonly number[], at: number): number {
  const after = x.findIndex((value) => value >= at);
  if (x[after] === at) return y[after] ?? NaN;
  const [from, to] = [x[after - 1] ?? NaN, x[after] ?? NaN];
  const share = (at - from) / (to - from);
  return (1 - share) * (y[after - 1] ?? NaN) + share * (y[after] ?? NaN);
}

/** The samples with one at 0 among them, what is not finite as infinity; nothing without 0. */
function withCenter({ coordinates, values, center }: MeasuredLine) {
  const x = Array.from(coordinates);
  const y = Array.from(values, (value) => (Number.isFinite(value) ? value : Infinity));
  if (!((x[0] ?? NaN) <= 0 && (x.at(-1) ?? NaN) >= 0)) return null;
  let at = x.indexOf(0);
  if (at < 0) {
    at = x.findIndex((value) => value > 0);
    x.splice(at, 0, 0);
    y.splice(at, 0, center);
  }
  return Number.isFinite(y[at]) ? { x, y, center: at } : null;
}
