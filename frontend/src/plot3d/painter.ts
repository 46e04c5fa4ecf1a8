import { colorOffset, colorTable } from "../plot/colorMaps";
import { IN_PLACE, type Shape } from "../plot/geometry";
import type { Surface2D } from "../plot/surface";
import { channels, lightOf, shade, TRANSLUCENT, type Look } from "./look";
import type { Mesh } from "./mesh";
import type { Projection } from "./projection";
import { stackOrder } from "./stack";

/**
 * Surfaces cell by cell, far ones first: slower than the graphics card, but it draws into SVG and
 * needs nothing. One polygon a cell.
 */
export function paintMeshes(
  surface: Surface2D,
  meshes: readonly Mesh[],
  projection: Projection,
  look: Look,
) {
  const samples = meshes[0]?.shares.length ?? 0;
  const painters = meshes.map((mesh, n) => cellPainter(surface, mesh, projection, look, n));
  for (const cell of stackOrder(meshes, projection)) {
    painters[Math.floor(cell / samples)]?.(cell % samples);
  }
}

/** Paints the cells of one surface, the n-th. */
function cellPainter(
  surface: Surface2D,
  { xs, ys, shares, slopes }: Mesh,
  projection: Projection,
  look: Look,
  n: number,
): (first: number) => void {
  const rows = ys.length;
  const { top } = projection.body;
  const light = lightOf(projection);
  const table = colorTable(look.colorMap);
  const tint = look.tints && channels(look.tints[n] ?? "#000000");
  const opacity = tint ? TRANSLUCENT : 1;
  const color = (share: number, factor: number) => {
    const offset = colorOffset(share);
    const part = (i: number) => {
      const own = tint ? (tint[i] ?? 0) : (table[offset + i] ?? 0);
      return Math.round(Math.min(255, own * factor));
    };
    return `rgb(${part(0)},${part(1)},${part(2)})`;
  };
  const places = new Float64Array(2 * shares.length);
  for (const [i, x] of xs.entries()) {
    for (const [j, y] of ys.entries()) {
      const at = i * rows + j;
      const [px, py] = projection.project([x, y, (shares[at] ?? NaN) * top]);
      places[2 * at] = px;
      places[2 * at + 1] = py;
    }
  }
  return (first) => {
    const corners = [first, first + rows, first + rows + 1, first + 1] as const;
    const heights = corners.map((corner) => shares[corner] ?? 0);
    const mean = (of: (corner: number) => number) =>
      corners.reduce((sum, corner) => sum + of(corner), 0) / 4;
    const share = mean((corner) => shares[corner] ?? 0);
    const outline = corners.flatMap((corner) => [
      places[2 * corner] ?? 0,
      places[2 * corner + 1] ?? 0,
    ]);
    const factor = shade(
      light,
      top * mean((corner) => slopes[2 * corner] ?? 0),
      top * mean((corner) => slopes[2 * corner + 1] ?? 0),
    );
    // What overlaps would be seen twice where one sees through it.
    const shape = tint ? { lines: [Float64Array.from(outline)] } : grown(outline);
    if (look.wire !== null) {
      if (!tint) surface.fill(shape, IN_PLACE, look.wire);
      const closed = [...outline, outline[0] ?? 0, outline[1] ?? 0];
      const line = { lines: [Float64Array.from(closed)] };
      surface.stroke(line, IN_PLACE, { color: color(share, 1), width: 0.9 });
      return;
    }
    surface.fill(shape, IN_PLACE, color(share, factor), opacity);
    for (const { share: level, major } of look.levels) {
      const lines = crossings(heights, outline, level);
      if (lines.length === 0) continue;
      const stroke = { color: "#ffffff", width: major ? 1.2 : 0.8, opacity: major ? 0.75 : 0.5 };
      surface.stroke({ lines }, IN_PLACE, stroke);
    }
  };
}

// Neighbors overlap a little, so that no background shines through between them.
const OVERLAP = 0.4;

/** A polygon with its edges moved outward. */
function grown(outline: readonly number[]): Shape {
  const count = outline.length / 2;
  const at = (i: number) => [outline[2 * (i % count)] ?? 0, outline[2 * (i % count) + 1] ?? 0];
  let area = 0;
  const normals: [number, number][] = [];
  for (let i = 0; i < count; i += 1) {
    const [x0 = 0, y0 = 0] = at(i);
    const [x1 = 0, y1 = 0] = at(i + 1);
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    area += x0 * y1 - x1 * y0;
    normals.push([(y1 - y0) / length, (x0 - x1) / length]);
  }
  const by = OVERLAP * Math.sign(area);
  const moved = Float64Array.from(outline, (value, k) => {
    const after = normals[k >> 1]?.[k % 2] ?? 0;
    const before = normals[((k >> 1) + count - 1) % count]?.[k % 2] ?? 0;
    return value + by * (before + after);
  });
  return { lines: [moved] };
}

/** Where a cell has the height of a level: pieces between its edges. */
function crossings(
  heights: readonly number[],
  outline: readonly number[],
  level: number,
): Float64Array[] {
  const points: (readonly [number, number])[] = [];
  for (let i = 0; i < 4; i += 1) {
    const next = (i + 1) % 4;
    const a = heights[i] ?? 0;
    const b = heights[next] ?? 0;
    if (a >= level === b >= level) continue;
    const share = (level - a) / (b - a);
    const mix = (part: 0 | 1) => {
      const from = outline[2 * i + part] ?? 0;
      return from + share * ((outline[2 * next + part] ?? 0) - from);
    };
    points.push([mix(0), mix(1)]);
  }
  const [a, b, c, d] = points;
  if (!a || !b) return [];
  if (!c || !d) return [Float64Array.of(...a, ...b)];
  // A saddle: the middle says which corners are connected.
  const high = heights.reduce((sum, height) => sum + height, 0) / 4 >= level;
  return high === (heights[0] ?? 0) >= level
    ? [Float64Array.of(...a, ...b), Float64Array.of(...c, ...d)]
    : [Float64Array.of(...d, ...a), Float64Array.of(...b, ...c)];
}
