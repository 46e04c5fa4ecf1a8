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
const FAR_OUTSIDE = 1e6;
// Room for numbers and names around the scene, in pixels.
const LABELS = { x: 46, y: 30 };

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
  const around = Math.hypot(body.halfX, body.halfY);
  const radius = Math.hypot(around, halfHeight);
  // What is near is larger in perspective: its nearest corner must still fit.
  const nearest = camera.perspective ? 1 - (0.8 * around * cosE + halfHeight * sinE) / EYE : 1;
  const unit =
    nearest *
    Math.min(
      Math.max(1, box.width / 2 - LABELS.x) / around,
      Math.max(1, box.height / 2 - LABELS.y) / (around * sinE + halfHeight * cosE),
    );
  const { distance } = camera;
  const perDepth = camera.perspective ? 1 / EYE : 0;
  const centerX = box.x + box.width / 2;
  const centerY = box.y + box.height / 2;
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
  const rows = [
    row(right, (2 * unit) / box.width),
    row(up, (2 * unit) / box.height),
    row(forward, perRadius, radius * perDepth),
    row(forward, perDepth, distance),
  ];
  const matrix = new Float32Array(16).map((_, i) => rows[i % 4]?.[Math.floor(i / 4)] ?? 0);
  const back = camera.perspective ? distance * EYE : FAR_OUTSIDE;
  const eye: Point = [-back * forward[0], -back * forward[1], middle - back * forward[2]];
  const ray = (px: number, py: number): Ray => {
    const sideways = (px - centerX) / unit;
    const upwards = (centerY - py) / unit;
    const at = (i: 0 | 1 | 2) => sideways * right[i] + upwards * up[i];
    if (camera.perspective) {
      const through = (i: 0 | 1 | 2) => at(i) + EYE * forward[i];
      return { origin: eye, direction: [through(0), through(1), through(2)] };
    }
    const from = (i: 0 | 1 | 2) => distance * at(i) - 2 * radius * forward[i];
    return { origin: [from(0), from(1), middle + from(2)], direction: forward };
  };
  const towardsEye = ([x, y, z]: Point): Point =>
    camera.perspective
      ? [eye[0] - x, eye[1] - y, eye[2] - z]
      : [-forward[0], -forward[1], -forward[2]];
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
