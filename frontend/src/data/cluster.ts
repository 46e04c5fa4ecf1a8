/** Curves in groups of like shape. */
export interface Clustering {
  /** Of each curve, the group that it belongs to, counted from 0 by size, the largest first. */
  readonly members: Int32Array<ArrayBuffer>;
  /** Of each group, the curve that stands for it. */
  readonly medoids: readonly number[];
  /** How well they are told apart, from -1 to 1; NaN for fewer than two groups. */
  readonly silhouette: number;
}

const MOST_GROUPS = 8;

// Opposite shapes are 2 apart; those that are all nearer than this to one of them look alike.
const ALIKE = 0.6;

// Each is compared with each: of more curves, this many are, and the others join the nearest medoid.
const MOST_COMPARED = 1000;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Groups of curves of like shape: k-medoids on curves shifted to mean 0 and scaled to length 1, with
 * as many groups, 2 to 8, as give the best silhouette; one group where all look alike.
 * Deterministic. What is not finite belongs to a group of its own.
 */
export function cluster(curves: readonly ArrayLike<number>[]): Clustering {
  const shapes = curves.map(normalized);
  const finite = shapes.flatMap((shape, i) => (shape ? [{ shape, i }] : []));
  const share = MOST_COMPARED / finite.length;
  // Spread without a period: weights and biases take turns.
  const compared = finite.filter((_, place) => (place * GOLDEN) % 1 < share);
  const distances = distancesOf(compared.map(({ shape }) => shape));
  const best = bestClustering(distances, compared.length);
  const groups = best.medoids.map((medoid) => ({
    medoid: compared[medoid]?.i ?? 0,
    own: [] as number[],
  }));
  const known = new Map(compared.map(({ i }, place) => [i, best.members[place]]));
  for (const { shape, i } of finite) {
    groups[known.get(i) ?? nearest(shape, groups, shapes)]?.own.push(i);
  }
  const diverged = shapes.flatMap((shape, i) => (shape ? [] : [i]));
  if (diverged[0] !== undefined) groups.push({ medoid: diverged[0], own: diverged });
  groups.sort((a, b) => b.own.length - a.own.length || a.medoid - b.medoid);
  const members = new Int32Array(curves.length);
  for (const [group, { own }] of groups.entries()) for (const i of own) members[i] = group;
  return { members, medoids: groups.map(({ medoid }) => medoid), silhouette: best.silhouette };
}

function nearest(
  shape: Float64Array,
  groups: readonly { readonly medoid: number }[],
  shapes: readonly (Float64Array | null)[],
): number {
  const away = groups.map(({ medoid }) => between(shape, shapes[medoid]));
  return away.indexOf(Math.min(...away));
}

/** Shape without height or size; nothing where a value is not finite. */
function normalized(curve: ArrayLike<number>): Float64Array | null {
  const shape = Float64Array.from(curve);
  const mean = shape.reduce((sum, value) => sum + value, 0) / Math.max(1, shape.length);
  if (!Number.isFinite(mean)) return null;
  const shifted = shape.map((value) => value - mean);
  const length = Math.hypot(...shifted);
  if (!Number.isFinite(length)) return null;
  // A flat curve has no shape but its own.
  return length > 1e-12 * Math.max(1, Math.abs(mean))
    ? shifted.map((v) => v / length)
    : shifted.fill(0);
}

/** All pairs, in a square. */
function distancesOf(shapes: readonly Float64Array[]): Float64Array {
  const count = shapes.length;
  const distances = new Float64Array(count * count);
  for (const [i, a] of shapes.entries()) {
    for (let j = 0; j < i; j += 1) {
      distances[i * count + j] = distances[j * count + i] = between(a, shapes[j]);
    }
  }
  return distances;
}

function between(a: Float64Array, b: Float64Array | null | undefined): number {
  let sum = 0;
  for (let n = 0; n < a.length; n += 1) sum += ((a[n] ?? 0) - (b?.[n] ?? 0)) ** 2;
  return Math.sqrt(sum);
}

interface Found {
  readonly members: Int32Array;
  readonly medoids: readonly number[];
  readonly silhouette: number;
}

function bestClustering(distances: Float64Array, count: number): Found {
  const middle = central(distances, count);
  const medoids = count > 0 ? [middle] : [];
  let best: Found = { members: new Int32Array(count), medoids, silhouette: NaN };
  const widest = distances.subarray(middle * count, (middle + 1) * count);
  if (widest.every((away) => away < ALIKE)) return best;
  for (let groups = 2; groups <= Math.min(MOST_GROUPS, count - 1); groups += 1) {
    const medoids = kMedoids(distances, count, groups);
    const members = assign(distances, count, medoids);
    const silhouette = silhouetteOf(distances, count, members, groups);
    // NaN is less than nothing: the first one counts.
    if (!(silhouette <= best.silhouette)) best = { members, medoids, silhouette };
  }
  return best;
}

function central(distances: Float64Array, count: number): number {
  let best = 0;
  let least = Infinity;
  for (let i = 0; i < count; i += 1) {
    let sum = 0;
    for (let j = 0; j < count; j += 1) sum += distances[i * count + j] ?? 0;
    if (sum < least) [best, least] = [i, sum];
  }
  return best;
}

/** Build, then swap: medoids such that no exchange of one of them brings curves nearer. */
export function kMedoids(distances: Float64Array, count: number, groups: number): number[] {
  const medoids = [central(distances, count)];
  const nearest = Float64Array.from(
    { length: count },
    (_, i) => distances[i * count + (medoids[0] ?? 0)] ?? 0,
  );
  while (medoids.length < groups) {
    let best = -1;
    let most = -1;
    for (let candidate = 0; candidate < count; candidate += 1) {
      if (medoids.includes(candidate)) continue;
      let gain = 0;
      for (let i = 0; i < count; i += 1) {
        gain += Math.max(0, (nearest[i] ?? 0) - (distances[i * count + candidate] ?? 0));
      }
      if (gain > most) [best, most] = [candidate, gain];
    }
    medoids.push(best);
    for (let i = 0; i < count; i += 1) {
      nearest[i] = Math.min(nearest[i] ?? 0, distances[i * count + best] ?? 0);
    }
  }
  return swapped(distances, count, medoids);
}

function swapped(distances: Float64Array, count: number, medoids: number[]): number[] {
  const first = new Float64Array(count);
  const second = new Float64Array(count);
  const owner = new Int32Array(count);
  for (;;) {
    let total = 0;
    for (let i = 0; i < count; i += 1) {
      first[i] = second[i] = Infinity;
      for (const [group, medoid] of medoids.entries()) {
        const away = distances[i * count + medoid] ?? 0;
        if (away < (first[i] ?? 0)) {
          second[i] = first[i] ?? 0;
          first[i] = away;
          owner[i] = group;
        } else if (away < (second[i] ?? 0)) second[i] = away;
      }
      total += first[i] ?? 0;
    }
    let exchange: readonly [number, number] | null = null;
    let least = total * (1 - 1e-12);
    for (let candidate = 0; candidate < count; candidate += 1) {
      if (medoids.includes(candidate)) continue;
      for (let group = 0; group < medoids.length; group += 1) {
        let sum = 0;
        for (let i = 0; i < count; i += 1) {
          const left = owner[i] === group ? second[i] : first[i];
          sum += Math.min(left ?? 0, distances[i * count + candidate] ?? 0);
        }
        if (sum < least) [exchange, least] = [[group, candidate], sum];
      }
    }
    if (!exchange) return medoids;
    medoids[exchange[0]] = exchange[1];
  }
}

function assign(distances: Float64Array, count: number, medoids: readonly number[]): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    let best = 0;
    let least = Infinity;
    for (const [group, medoid] of medoids.entries()) {
      // A medoid is its own, also where another curve is the same.
      const away = medoid === i ? -1 : (distances[i * count + medoid] ?? 0);
      if (away < least) [best, least] = [group, away];
    }
    return best;
  });
}

/** The mean over all curves of how much nearer their own group is than the next; Rousseeuw 1987. */
export function silhouetteOf(
  distances: Float64Array,
  count: number,
  members: Int32Array,
  groups: number,
): number {
  const sizes = new Int32Array(groups);
  for (const group of members) sizes[group] = (sizes[group] ?? 0) + 1;
  let total = 0;
  for (let i = 0; i < count; i += 1) {
    const sums = new Float64Array(groups);
    for (let j = 0; j < count; j += 1) {
      const group = members[j] ?? 0;
      sums[group] = (sums[group] ?? 0) + (distances[i * count + j] ?? 0);
    }
    const own = members[i] ?? 0;
    const size = sizes[own] ?? 0;
    if (size < 2) continue;
    const inside = (sums[own] ?? 0) / (size - 1);
    let outside = Infinity;
    for (let group = 0; group < groups; group += 1) {
      if (group !== own)
        outside = Math.min(outside, (sums[group] ?? 0) / Math.max(1, sizes[group] ?? 0));
    }
    const larger = Math.max(inside, outside);
    if (larger > 0) total += (outside - inside) / larger;
  }
  return total / count;
}
