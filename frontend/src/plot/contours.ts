import type { Shape } from "./geometry";

/** Samples of a plane: values[i * ys.length + j] stands at (xs[i], ys[j]). */
export interface Grid {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly values: Float32Array;
}

/**
 * The line on which the grid, linear between its samples, has the value `level`: marching squares,
 * pieces joined to polylines. Cells with a corner that is not finite are left out.
 */
export function contour(grid: Grid, level: number): Shape {
  const { xs, ys, values } = grid;
  const rows = ys.length;
  const pieces: [number, number][] = [];
  const at = (i: number, j: number) => values[i * rows + j] ?? NaN;
  // Every edge of the grid has a number: even ones run along x, odd ones along y.
  const alongX = (i: number, j: number) => 2 * (i * rows + j);
  const alongY = (i: number, j: number) => 2 * (i * rows + j) + 1;
  for (let i = 0; i + 1 < xs.length; i += 1) {
    for (let j = 0; j + 1 < rows; j += 1) {
      const a = at(i, j);
      const b = at(i + 1, j);
      const c = at(i + 1, j + 1);
      const d = at(i, j + 1);
      if (!Number.isFinite(a + b + c + d)) continue;
      const corners =
        (a >= level ? 1 : 0) | (b >= level ? 2 : 0) | (c >= level ? 4 : 0) | (d >= level ? 8 : 0);
      const below = alongX(i, j);
      const right = alongY(i + 1, j);
      const above = alongX(i, j + 1);
      const left = alongY(i, j);
      switch (corners <= 7 ? corners : 15 - corners) {
        case 1:
          pieces.push([left, below]);
          break;
        case 2:
          pieces.push([below, right]);
          break;
        case 3:
          pieces.push([left, right]);
          break;
        case 4:
          pieces.push([right, above]);
          break;
        case 5: {
          // A saddle: the middle of the cell says which corners are connected.
          const high = (a + b + c + d) / 4 >= level;
          if (high === (corners === 5)) pieces.push([left, above], [below, right]);
          else pieces.push([left, below], [right, above]);
          break;
        }
        case 6:
          pieces.push([below, above]);
          break;
        case 7:
          pieces.push([left, above]);
          break;
        default:
      }
    }
  }
  return { lines: join(pieces, 2 * xs.length * rows).map((edges) => points(grid, edges, level)) };
}

/** Chains of pieces that share an edge; a closed chain ends where it begins. */
function join(pieces: readonly (readonly [number, number])[], edges: number): number[][] {
  // An edge belongs to two cells at most, and each cell crosses it once: two pieces touch there.
  const touching = new Int32Array(2 * edges).fill(-1);
  for (const [place, piece] of pieces.entries()) {
    for (const edge of piece) touching[2 * edge + (touching[2 * edge] === -1 ? 0 : 1)] = place;
  }
  const used = new Uint8Array(pieces.length);
  const unusedAt = (edge: number) => {
    for (let n = 2 * edge; n < 2 * edge + 2; n += 1) {
      const place = touching[n] ?? -1;
      if (place >= 0 && used[place] === 0) return place;
    }
    return -1;
  };
  const follow = (start: number): number[] => {
    const chain: number[] = [];
    let edge = start;
    for (;;) {
      const next = unusedAt(edge);
      const piece = pieces[next];
      if (!piece) return chain;
      used[next] = 1;
      edge = piece[0] === edge ? piece[1] : piece[0];
      chain.push(edge);
    }
  };
  const chains: number[][] = [];
  for (const [place, piece] of pieces.entries()) {
    if (used[place] === 1) continue;
    used[place] = 1;
    const [from, to] = piece;
    const ahead = follow(to);
    const behind = follow(from);
    chains.push([...behind.reverse(), from, to, ...ahead]);
  }
  return chains;
}

function points({ xs, ys, values }: Grid, edges: readonly number[], level: number): Float64Array {
  const rows = ys.length;
  const line = new Float64Array(2 * edges.length);
  for (const [n, edge] of edges.entries()) {
    const sample = edge >> 1;
    const i = Math.floor(sample / rows);
    const j = sample % rows;
    const horizontal = edge % 2 === 0;
    const first = values[sample] ?? 0;
    const second = values[horizontal ? sample + rows : sample + 1] ?? 0;
    const share = (level - first) / (second - first);
    const x = xs[i] ?? 0;
    const y = ys[j] ?? 0;
    line[2 * n] = horizontal ? x + share * ((xs[i + 1] ?? x) - x) : x;
    line[2 * n + 1] = horizontal ? y : y + share * ((ys[j + 1] ?? y) - y);
  }
  return line;
}

export interface Contour {
  readonly level: number;
  readonly shape: Shape;
}

const cache = new WeakMap<Float32Array, Map<string, readonly Contour[]>>();

/** Contours at all levels, computed once for each array of values. */
export function contours(grid: Grid, levels: readonly number[]): readonly Contour[] {
  const ofGrid = cache.get(grid.values) ?? new Map<string, readonly Contour[]>();
  cache.set(grid.values, ofGrid);
  const key = levels.join(" ");
  const known = ofGrid.get(key);
  if (known) return known;
  const result = levels.map((level) => ({ level, shape: contour(grid, level) }));
  // Playing with the scale must not pile up levels for ever.
  if (ofGrid.size >= 4) ofGrid.clear();
  ofGrid.set(key, result);
  return result;
}
