/** Curves in groups of like shape. */
export interface Clustering {
  /** Of each curve, the group that it belongs to; the largest group is the first. */
  readonly members: ArrayLike<number>;
  /** Of each group, the curve that stands for it. */
  readonly medoids: readonly number[];
}

const MOST_GROUPS = 8;
// As a share of the distance between opposite shapes: nearer ones look alike.
const ALIKE = 0.3;
const ROUNDS = 12;

/** Groups of curves of like shape, whatever their height: k-medoids, as many as tell them apart. */
export function clusterShapes(curves: readonly ArrayLike<number>[]): Clustering {
  const shapes = curves.map(normalized);
  if (shapes.length === 0) return { members: [], medoids: [] };
  const distance = (i: number, j: number) => distanceOf(shapes[i], shapes[j]);
  let medoids = [bestOf([...shapes.keys()], distance)];
  // The shape least like those that stand for a group stands for the next one.
  while (medoids.length < MOST_GROUPS) {
    const away = shapes.map((_, i) => Math.min(...medoids.map((medoid) => distance(i, medoid))));
    const farthest = away.indexOf(Math.max(...away));
    if ((away[farthest] ?? 0) < ALIKE) break;
    medoids.push(farthest);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const groups = groupsOf(shapes.length, medoids, distance);
    const next = groups.map((group) => bestOf(group, distance));
    if (next.every((medoid, i) => medoid === medoids[i])) break;
    medoids = next;
  }
  const groups = groupsOf(shapes.length, medoids, distance);
  const order = [...medoids.keys()].sort(
    (a, b) => (groups[b]?.length ?? 0) - (groups[a]?.length ?? 0) || a - b,
  );
  const members = new Int32Array(shapes.length);
  for (const [place, group] of order.entries()) {
    for (const i of groups[group] ?? []) members[i] = place;
  }
  return { members, medoids: order.map((group) => medoids[group] ?? 0) };
}

type Distance = (i: number, j: number) => number;

function groupsOf(count: number, medoids: readonly number[], distance: Distance): number[][] {
  const groups: number[][] = medoids.map((medoid) => [medoid]);
  for (let i = 0; i < count; i += 1) {
    if (medoids.includes(i)) continue;
    const all = medoids.map((medoid) => distance(i, medoid));
    groups[all.indexOf(Math.min(...all))]?.push(i);
  }
  return groups;
}

/** The one of them that is nearest to all the others. */
function bestOf(group: readonly number[], distance: Distance): number {
  const total = (i: number) => group.reduce((sum, j) => sum + distance(i, j), 0);
  return group.reduce((best, i) => (total(i) < total(best) ? i : best), group[0] ?? 0);
}

/** Mean 0 and length 1; zeros where nothing changes, nothing where a value is not finite. */
function normalized(curve: ArrayLike<number>): Float64Array | null {
  const values = Float64Array.from(curve);
  if (!values.every(Number.isFinite)) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const length = Math.hypot(...values.map((value) => value - mean));
  const flat = !(length > 1e-9 * Math.abs(mean));
  return values.map((value) => (flat ? 0 : (value - mean) / length));
}

const OPPOSITE = 2;

/** From 0 for the same shape to 1 for opposite ones; what diverged is like what diverged only. */
function distanceOf(
  a: Float64Array | null | undefined,
  b: Float64Array | null | undefined,
): number {
  if (!a || !b) return a === b ? 0 : 1;
  return Math.hypot(...a.map((value, i) => value - (b[i] ?? 0))) / OPPOSITE;
}
