/** A rectangle in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** x and y in turn. */
export type Line = Float32Array | Float64Array;

/** Polylines in any coordinates, x and y in turn; kept, so that a backend can cache its own form. */
export interface Shape {
  readonly lines: readonly Line[];
}

/** Where a shape's coordinates fall: x * scaleX + shiftX, y * scaleY + shiftY. */
export interface Placement {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly shiftX: number;
  readonly shiftY: number;
}

export const IN_PLACE: Placement = { scaleX: 1, scaleY: 1, shiftX: 0, shiftY: 0 };

/** A line through points, interrupted where one is not finite. */
export function polyline(count: number, x: (i: number) => number, y: (i: number) => number): Shape {
  const lines: Float64Array[] = [];
  let current: number[] = [];
  const finish = () => {
    // A lone point still shows, as a dot as wide as the line.
    if (current.length === 2) current.push((current[0] ?? 0) + 0.01, current[1] ?? 0);
    if (current.length > 0) lines.push(Float64Array.from(current));
    current = [];
  };
  for (let i = 0; i < count; i += 1) {
    const px = x(i);
    const py = y(i);
    if (Number.isFinite(px) && Number.isFinite(py)) current.push(px, py);
    else finish();
  }
  finish();
  return { lines };
}

/** The area between an upper and a lower line, interrupted where one of them is not finite. */
export function band(
  count: number,
  x: (i: number) => number,
  low: (i: number) => number,
  high: (i: number) => number,
): Shape {
  const lines: Float64Array[] = [];
  const outline = (from: number, to: number) => {
    const points: number[] = [];
    for (let i = from; i < to; i += 1) points.push(x(i), high(i));
    for (let i = to - 1; i >= from; i -= 1) points.push(x(i), low(i));
    return Float64Array.from(points);
  };
  let start = 0;
  for (let i = 0; i <= count; i += 1) {
    if (i < count && Number.isFinite(x(i) + low(i) + high(i))) continue;
    if (i > start) lines.push(outline(start, i));
    start = i + 1;
  }
  return { lines };
}

export function segment(x0: number, y0: number, x1: number, y1: number): Shape {
  return { lines: [Float64Array.of(x0, y0, x1, y1)] };
}
