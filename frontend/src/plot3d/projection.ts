import type { Camera } from "../data/camera";
import type { Box } from "../plot/geometry";

/** A point in the scene: x to the right, y into the depth, z up; a surface's longer side is 2. */
export type Point = readonly [number, number, number];

/** The room a surface takes: half its sides, and from its floor to the top of its scale. */
export interface Body {
  readonly halfX: number;
  readonly halfY: number;
  readonly floor: number;
  readonly top: number;
}

export interface Ray {
  readonly origin: Point;
  readonly direction: Point;
}

export interface Projection {
  readonly box: Box;
  readonly body: Body;
  /** Into the picture. */
  readonly forward: Point;
  readonly right: Point;
  /** The scene to clip coordinates of the box, column after column. */
  readonly matrix: Float32Array;
  /** Where the eye stands above the plane; far outside where nothing is smaller for being far. */
  readonly eye: readonly [number, number];
  /** Pixels, and how deep in the picture; larger is farther. */
  readonly project: (point: Point) => Point;
  /** What a pixel looks along. */
  readonly ray: (px: number, py: number) => Ray;
  /** Where a point is looked at from. */
  readonly towardsEye: (point: Point) => Point;
}

// How far the eye of a camera at distance 1 stands from the middle: a lens of some 35 degrees.
const EYE = 4.5;
const FADE = 1.6;
const FAR_OUTSIDE = 1e6;
// Room for numbers and names around the scene, in pixels.
const LABELS = { x: 44, above: 14, below: 38 };

/** How a camera sees a body in a box of pixels. All of the body fits, however one goes around it. */
export function createProjection(camera: Camera, body: Body, box: Box): Projection {
  const azimuth = (camera.azimuth * Math.PI) / 180;
  const elevation = (camera.elevation * Math.PI) / 180;
  const [sinA, cosA] = [Math.sin(azimuth), Math.cos(azimuth)];
  const [sinE, cosE] = [Math.sin(elevation), Math.cos(elevation)];
  const right: Point = [cosA, sinA, 0];
  const up: Point = [-sinA * sinE, cosA * sinE, cosE];
  const forward: Point = [-sinA * cosE, cosA * cosE, -sinE];
  const middle = (body.floor + body.top) / 2;
  const halfHeight = (body.top - body.floor) / 2;
  const radius = Math.hypot(body.halfX, body.halfY, halfHeight);
  // From above there is none: that picture is the plane's own.
  const perDepth = camera.perspective ? Math.min(1, FADE * cosE) / EYE : 0;
  const narrowing = perDepth > 1e-6;
  const reach = reachOf(body, sinE, cosE, perDepth);
  const unit = Math.min(
    Math.max(1, box.width / 2 - LABELS.x) / reach.across,
    Math.max(1, box.height - LABELS.above - LABELS.below) / (reach.above + reach.below),
  );
  const { distance } = camera;
  const centerX = box.x + box.width / 2;
  // The middle of what can be seen, which in perspective is not that of the body.
  const lowered = (reach.above - reach.below) / 2 - (LABELS.below - LABELS.above) / 2 / unit;
  const centerY = box.y + box.height / 2 + (lowered * unit) / distance;
  const along = (axis: Point, [x, y, z]: Point) =>
    axis[0] * x + axis[1] * y + axis[2] * (z - middle);
  const project = (point: Point): Point => {
    const depth = along(forward, point);
    const w = distance + depth * perDepth;
    const scale = unit / w;
    return [centerX + scale * along(right, point), centerY - scale * along(up, point), depth];
  };
  // Depth within clip coordinates: -1 at the nearest point of the body's sphere, 1 at the farthest.
  const perRadius = distance / radius;
  const row = (axis: Point, factor: number, constant = 0) => [
    ...axis.map((part) => factor * part),
    constant - factor * axis[2] * middle,
  ];
  const depths = row(forward, perDepth, distance);
  const sink = (2 * unit * lowered) / (distance * box.height);
  const rows = [
    row(right, (2 * unit) / box.width),
    row(up, (2 * unit) / box.height).map((part, i) => part - sink * (depths[i] ?? 0)),
    row(forward, perRadius, radius * perDepth),
    depths,
  ];
  const matrix = new Float32Array(16).map((_, i) => rows[i % 4]?.[Math.floor(i / 4)] ?? 0);
  const back = narrowing ? distance / perDepth : FAR_OUTSIDE;
  const eye: Point = [-back * forward[0], -back * forward[1], middle - back * forward[2]];
  const ray = (px: number, py: number): Ray => {
    const sideways = (px - centerX) / unit;
    const upwards = (centerY - py) / unit;
    const at = (i: 0 | 1 | 2) => sideways * right[i] + upwards * up[i];
    if (narrowing) {
      const through = (i: 0 | 1 | 2) => at(i) + forward[i] / perDepth;
      return { origin: eye, direction: [through(0), through(1), through(2)] };
    }
    const from = (i: 0 | 1 | 2) => distance * at(i) - 2 * radius * forward[i];
    return { origin: [from(0), from(1), middle + from(2)], direction: forward };
  };
  const towardsEye = ([x, y, z]: Point): Point =>
    narrowing ? [eye[0] - x, eye[1] - y, eye[2] - z] : [-forward[0], -forward[1], -forward[2]];
  return {
    box,
    body,
    forward,
    right,
    matrix,
    eye: [eye[0], eye[1]],
    project,
    ray,
    towardsEye,
  };
}

/** How far a body reaches from the middle of the picture, at whatever azimuth. */
function reachOf({ halfX, halfY, floor, top }: Body, sinE: number, cosE: number, perDepth: number) {
  const around = Math.hypot(halfX, halfY);
  const half = (top - floor) / 2;
  const reach = { across: 0, above: 0, below: 0 };
  for (let turn = 0; turn < TURNS; turn += 1) {
    const angle = (2 * Math.PI * turn) / TURNS;
    // A corner, so far to the right and so far into the depth.
    const side = around * Math.cos(angle);
    const inward = around * Math.sin(angle);
    for (const height of [-half, half]) {
      const w = 1 + perDepth * (inward * cosE - height * sinE);
      const up = (inward * sinE + height * cosE) / w;
      reach.across = Math.max(reach.across, Math.abs(side / w));
      reach.above = Math.max(reach.above, up);
      reach.below = Math.max(reach.below, -up);
    }
  }
  return reach;
}

const TURNS = 24;
