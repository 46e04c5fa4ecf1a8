import { elideMiddle } from "../plot/format";
import { IN_PLACE, segment, type Line } from "../plot/geometry";
import type { Scale, Tick } from "../plot/scale";
import type { Stroke, Surface2D, TextStyle } from "../plot/surface";
import type { Theme } from "../plot/theme";
import type { Point, Projection } from "./projection";

/** One of the two axes of the plane: where its coordinates stand in the scene. */
export interface FloorAxis {
  readonly name: string;
  readonly place: (coordinate: number) => number;
  /** The coordinate that stands at a place of the scene. */
  readonly coordinate: (place: number) => number;
  readonly ticks: (count: number) => readonly Tick[];
}

export interface AxesBox {
  readonly x: FloorAxis;
  readonly y: FloorAxis;
  readonly z: Scale;
  readonly theme: Theme;
}

/** Contours on the floor, in the coordinates of the scene. */
export interface FloorContour {
  readonly share: number;
  readonly lines: readonly (Float32Array | Float64Array)[];
}

// Nearer to each other than this, in pixels, ticks are one gray bar and a name is a smudge.
const SHORTEST_EDGE = 44;
const TICK_SPACING = 76;
// From above, walls would be lines around the floor.
const FLAT = 0.985;

/** Floor, walls behind the surface and their grids: what the surface is drawn over. */
export function drawBehind(
  surface: Surface2D,
  projection: Projection,
  { x, y, z, theme }: AxesBox,
): void {
  const { halfX, halfY, floor, top } = projection.body;
  const { backX, backY } = cornersOf(projection);
  const grid = { color: theme.grid };
  const frame = { color: theme.frame, width: 0.75 };
  const draw = (points: readonly Point[], stroke: typeof grid) =>
    surface.stroke({ lines: [flat(projection, points)] }, IN_PLACE, stroke);
  const walls = !isFlat(projection.forward);
  for (const { value } of inside(x, halfX, 5)) {
    const at = x.place(value);
    draw(
      [
        [at, -backY, floor],
        [at, backY, floor],
      ],
      grid,
    );
    if (walls)
      draw(
        [
          [at, backY, floor],
          [at, backY, top],
        ],
        grid,
      );
  }
  for (const { value } of inside(y, halfY, 5)) {
    const at = y.place(value);
    draw(
      [
        [-backX, at, floor],
        [backX, at, floor],
      ],
      grid,
    );
    if (walls)
      draw(
        [
          [backX, at, floor],
          [backX, at, top],
        ],
        grid,
      );
  }
  draw(
    [
      [-halfX, -halfY, floor],
      [halfX, -halfY, floor],
      [halfX, halfY, floor],
      [-halfX, halfY, floor],
      [-halfX, -halfY, floor],
    ],
    frame,
  );
  if (!walls) return;
  for (const { value } of z.ticks(4)) {
    const height = z.toShare(value) * top;
    if (!(height >= 0 && height <= top)) continue;
    draw(
      [
        [-backX, backY, height],
        [backX, backY, height],
        [backX, -backY, height],
      ],
      grid,
    );
  }
  draw(
    [
      [-backX, backY, floor],
      [-backX, backY, top],
      [backX, backY, top],
      [backX, -backY, top],
      [backX, -backY, floor],
    ],
    frame,
  );
  draw(
    [
      [backX, backY, floor],
      [backX, backY, top],
    ],
    frame,
  );
}

/**
 * The same contours as the plane view's, on the floor; with half of their points where they are gone
 * in a moment.
 */
export function drawFloor(
  surface: Surface2D,
  projection: Projection,
  contours: readonly FloorContour[],
  strokeOf: (share: number) => Pick<Stroke, "color" | "dash">,
  quick = false,
): void {
  const { floor } = projection.body;
  const project = (line: Line): Float32Array => {
    const points = line.length / 2;
    // The last one too, so that what is closed stays closed.
    const kept = quick ? Math.floor(points / 2) + 1 : points;
    const projected = new Float32Array(2 * kept);
    for (let n = 0; n < kept; n += 1) {
      const i = 2 * (quick ? Math.min(2 * n, points - 1) : n);
      const [px, py] = projection.project([line[i] ?? 0, line[i + 1] ?? 0, floor]);
      projected[2 * n] = px;
      projected[2 * n + 1] = py;
    }
    return projected;
  };
  for (const { share, lines } of contours) {
    surface.stroke({ lines: lines.map(project) }, IN_PLACE, {
      ...strokeOf(share),
      // Browsers draw lines of a pixel faster than wider ones.
      width: quick ? 1 : 1.1,
      opacity: 0.8,
    });
  }
}

/**
 * Numbers and names along the edges that face the camera; without their halos, which are slow to
 * draw, where they are gone in a moment.
 */
export function drawLabels(
  surface: Surface2D,
  projection: Projection,
  { x, y, z, theme }: AxesBox,
  quick = false,
): void {
  const ink = { color: theme.muted, ...(!quick && { halo: theme.background }) };
  const { halfX, halfY, floor, top } = projection.body;
  const { backX, backY } = cornersOf(projection);
  const project = (point: Point) => projection.project(point);
  const middle = project([0, 0, floor]);
  const alongFloor = (axis: FloorAxis, half: number, at: (place: number) => Point) => {
    const edge = createEdge(project(at(-half)), project(at(half)), middle);
    if (edge.length < SHORTEST_EDGE) return;
    for (const { value, label } of inside(axis, half, edge.length / TICK_SPACING)) {
      drawTick(surface, project(at(axis.place(value))), edge, label, ink, theme);
    }
    drawName(surface, edge, axis.name, ink);
  };
  alongFloor(x, halfX, (place) => [place, -backY, floor]);
  alongFloor(y, halfY, (place) => [-backX, place, floor]);
  const candidates = [
    [-backX, backY],
    [backX, -backY],
  ] as const;
  const [left] = [...candidates].sort((a, b) => project([...a, 0])[0] - project([...b, 0])[0]);
  if (!left) return;
  const edge = createEdge(project([...left, 0]), project([...left, top]), project([0, 0, top / 2]));
  if (edge.length < SHORTEST_EDGE) return;
  for (const { value, label } of z.ticks(Math.max(3, edge.length / 32))) {
    const share = z.toShare(value);
    if (!(share >= -1e-9 && share <= 1 + 1e-9)) continue;
    drawTick(surface, project([...left, share * top]), edge, label, ink, theme);
  }
}

/** An edge on screen, and which way is away from the box. */
interface Edge {
  readonly middle: readonly [number, number];
  readonly length: number;
  readonly outward: readonly [number, number];
  readonly angle: number;
}

function createEdge(from: Point, to: Point, center: Point): Edge {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2] as const;
  const normal = [-dy / (length || 1), dx / (length || 1)] as const;
  const side = normal[0] * (middle[0] - center[0]) + normal[1] * (middle[1] - center[1]);
  // Seen from the side, the floor is a line and what is outside of it lies below.
  const sign = Math.abs(side) > 1 ? Math.sign(side) : Math.sign(normal[1]) || 1;
  let angle = Math.atan2(dy, dx);
  // Never upside down; what stands upright is read from below.
  if (angle > Math.PI / 2 - 1e-6) angle -= Math.PI;
  if (angle < -Math.PI / 2 - 1e-6) angle += Math.PI;
  return { middle, length, outward: [sign * normal[0], sign * normal[1]], angle };
}

const TICK = 4;
const NUMBER = 8;
const NAME = 33;

function drawTick(
  surface: Surface2D,
  [px, py]: Point,
  { outward: [dx, dy] }: Edge,
  label: string,
  ink: TextStyle,
  theme: Theme,
): void {
  surface.stroke(segment(px, py, px + TICK * dx, py + TICK * dy), IN_PLACE, {
    color: theme.frame,
  });
  surface.text(px + NUMBER * dx, py + (NUMBER + 3 * Math.abs(dy)) * dy, label, {
    ...ink,
    size: 10,
    align: dx > 0.35 ? "left" : dx < -0.35 ? "right" : "center",
  });
}

function drawName(surface: Surface2D, edge: Edge, name: string, ink: TextStyle): void {
  const { middle, outward, angle, length } = edge;
  surface.text(
    middle[0] + NAME * outward[0],
    middle[1] + NAME * outward[1],
    elideMiddle(name, Math.max(8, Math.floor(length / 6.5))),
    { ...ink, align: "center", angle },
  );
}

/** Corners of the floor: with these signs, the two walls that are farthest away. */
function cornersOf({ forward, body }: Projection): { backX: number; backY: number } {
  return {
    // From above, numbers stand on the left and below, as beside a plane.
    backX: forward[0] > (isFlat(forward) ? -1e-9 : 1e-9) ? body.halfX : -body.halfX,
    backY: forward[1] < -1e-9 ? -body.halfY : body.halfY,
  };
}

function isFlat(forward: Point): boolean {
  return -forward[2] > FLAT;
}

function inside(axis: FloorAxis, half: number, count: number): readonly Tick[] {
  return axis
    .ticks(Math.max(2, count))
    .filter(({ value }) => Math.abs(axis.place(value)) <= half * (1 + 1e-9));
}

function flat(projection: Projection, points: readonly Point[]): Float64Array {
  return Float64Array.from(
    points.flatMap((point) => {
      const [px, py] = projection.project(point);
      return [px, py];
    }),
  );
}
