import type { Contour } from "./contours";

/** Contours in three arrays, which a worker hands over without a copy. */
export interface PackedContours {
  /** x and y in turn, line after line; a pixel is far wider than what is rounded here. */
  readonly points: Float32Array<ArrayBuffer>;
  /** How many numbers each line has. */
  readonly lines: Uint32Array<ArrayBuffer>;
  /** Each level, and how many lines it has. */
  readonly levels: Float64Array<ArrayBuffer>;
}

export function packContours(contours: readonly Contour[]): PackedContours {
  const all = contours.flatMap(({ shape }) => shape.lines);
  const points = new Float32Array(all.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const line of all) {
    points.set(line, end);
    end += line.length;
  }
  return {
    points,
    lines: Uint32Array.from(all, ({ length }) => length),
    levels: Float64Array.from(contours.flatMap(({ level, shape }) => [level, shape.lines.length])),
  };
}

/** The contours again, as views of the same memory. */
export function unpackContours({ points, lines, levels }: PackedContours): Contour[] {
  const contours: Contour[] = [];
  let line = 0;
  let start = 0;
  for (let n = 0; n < levels.length; n += 2) {
    const own: Float32Array[] = [];
    for (let count = levels[n + 1] ?? 0; count > 0; count -= 1) {
      const length = lines[line++] ?? 0;
      own.push(points.subarray(start, start + length));
      start += length;
    }
    contours.push({ level: levels[n] ?? NaN, shape: { lines: own } });
  }
  return contours;
}

/** Bytes that contours take: as numbers, and once more in the browser's own form. */
export function contourBytes(contours: readonly Contour[]): number {
  let bytes = 256;
  for (const { shape } of contours) for (const line of shape.lines) bytes += 9 * line.length + 120;
  return bytes;
}
