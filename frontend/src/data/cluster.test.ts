import { describe, expect, it } from "vitest";
import { cluster, kMedoids, silhouetteOf } from "./cluster";

/** Numbers that look drawn and are the same each time. */
function generator(seed: number) {
  let state = seed;
  return () => {
    state = (1_103_515_245 * state + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function squared(points: readonly number[][]): Float64Array {
  return Float64Array.from(
    points.flatMap((a) => points.map((b) => Math.hypot(...a.map((x, i) => x - (b[i] ?? 0))))),
  );
}

function cost(distances: Float64Array, count: number, medoids: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < count; i += 1) {
    total += Math.min(...medoids.map((medoid) => distances[i * count + medoid] ?? 0));
  }
  return total;
}

function* subsets(count: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [];
  else {
    for (let i = from; i < count; i += 1) {
      for (const rest of subsets(count, size - 1, i + 1)) yield [i, ...rest];
    }
  }
}

describe("k-medoids", () => {
  it("is as good as trying all, or nearly, and no exchange of one medoid makes it better", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const draw = generator(seed);
      const count = 10;
      const distances = squared(Array.from({ length: count }, () => [draw(), draw()]));
      for (const groups of [2, 3, 4]) {
        const found = kMedoids(distances, count, groups);
        const own = cost(distances, count, found);
        const best = Math.min(
          ...[...subsets(count, groups)].map((medoids) => cost(distances, count, medoids)),
        );
        expect(own).toBeLessThanOrEqual(1.12 * best);
        for (const [place] of found.entries()) {
          for (let other = 0; other < count; other += 1) {
            const exchanged = found.with(place, other);
            expect(cost(distances, count, exchanged)).toBeGreaterThanOrEqual(own * (1 - 1e-9));
          }
        }
      }
    }
  });

  it("measures groups as by hand", () => {
    // Two pairs, 1 apart, 10 between them: inside 1, outside (10 + 11) / 2 or (9 + 10) / 2.
    const distances = squared([[0], [1], [10], [11]]);
    const members = Int32Array.of(0, 0, 1, 1);
    const expected = (2 * (1 - 1 / 10.5) + 2 * (1 - 1 / 9.5)) / 4;
    expect(silhouetteOf(distances, 4, members, 2)).toBeCloseTo(expected, 12);
  });
});

describe("groups of curves", () => {
  const xs = Array.from({ length: 21 }, (_, i) => i / 10 - 1);
  const shapes = [(x: number) => x * x, (x: number) => x, (x: number) => Math.sin(5 * x)];

  it("find shapes whatever their height and size, and how many there are", () => {
    const draw = generator(3);
    const curves = Array.from({ length: 30 }, (_, i) => {
      const shape = shapes[i % 3] ?? Math.abs;
      const [size, height] = [0.5 + 9 * draw(), 20 * draw()];
      return xs.map((x) => height + size * (shape(x) + 0.02 * draw()));
    });
    const { members, medoids, silhouette } = cluster(curves);
    expect(medoids).toHaveLength(3);
    expect(silhouette).toBeGreaterThan(0.9);
    for (const [i, group] of members.entries()) expect(group).toBe(members[i % 3]);
    expect(medoids.map((medoid) => members[medoid])).toEqual([0, 1, 2]);
    expect(cluster(curves)).toEqual({ members, medoids, silhouette });
  });

  it("are one where all look alike, and of many curves as few as of some", () => {
    const draw = generator(5);
    const curve = (shape: (x: number) => number) => xs.map((x) => shape(x) + 0.05 * draw());
    const alike = cluster(Array.from({ length: 40 }, () => curve((x) => x * x)));
    expect(alike.medoids).toHaveLength(1);
    const many = Array.from({ length: 2500 }, (_, i) => curve(shapes[i % 3] ?? Math.abs));
    const { members, medoids } = cluster(many);
    expect(medoids).toHaveLength(3);
    for (const [i, group] of members.entries()) expect(group).toBe(members[i % 3]);
  });

  it("keep what diverged apart, and bear few curves and flat ones", () => {
    const diverged = cluster([
      [1, 2, 3],
      [2, 4, 6],
      [NaN, 1, 2],
      [3, 2, Infinity],
    ]);
    expect([...diverged.members]).toEqual([0, 0, 1, 1]);
    expect(cluster([])).toEqual({ members: new Int32Array(), medoids: [], silhouette: NaN });
    expect([
      ...cluster([
        [1, 1, 1],
        [5, 5, 5],
      ]).members,
    ]).toEqual([0, 0]);
    const two = cluster([
      [0, 1],
      [1, 0],
      [0, 2],
      [3, 0],
      [1, 1],
    ]);
    expect(two.members[0]).toBe(two.members[2]);
    expect(two.members[1]).toBe(two.members[3]);
  });
});
