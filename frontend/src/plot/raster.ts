import type { ColorMapName } from "./colorMaps";
import { colorOffset, colorTable } from "./colorMaps";
import type { Scale } from "./scale";
import type { Theme } from "./theme";

/** Pixels, row after row from the top, four bytes each. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

export interface Paint {
  readonly colorMap: ColorMapName;
  readonly theme: Theme;
}

/** Places between samples: fractional indices of `count` pixels' centers from `first` to `last`. */
export function fractionalIndices(
  coordinates: ArrayLike<number>,
  [first, last]: readonly [number, number],
  count: number,
): Float64Array {
  const result = new Float64Array(count);
  let below = 0;
  for (let pixel = 0; pixel < count; pixel += 1) {
    const value = first + ((pixel + 0.5) / count) * (last - first);
    while (below + 2 < coordinates.length && (coordinates[below + 1] ?? Infinity) <= value)
      below += 1;
    const low = coordinates[below] ?? 0;
    const high = coordinates[below + 1] ?? low + 1;
    const share = (value - low) / (high - low);
    result[pixel] = Math.min(Math.max(below + share, 0), coordinates.length - 1);
  }
  return result;
}

const kept = new WeakMap<Float32Array, { scale: Scale; shares: Float32Array }>();

/**
 * Where values stand on a scale, NaN where they have no place. A field is interpolated there, so
 * that a logarithm is taken once a sample and not once a pixel, and colors agree with contours.
 */
export function sharesOf(values: Float32Array, scale: Scale): Float32Array {
  const known = kept.get(values);
  if (known?.scale === scale) return known.shares;
  const shares = values.map((value) => (Number.isFinite(value) ? scale.toShare(value) : NaN));
  kept.set(values, { scale, shares });
  return shares;
}

/**
 * Colors of shares on a grid, columns along x. Between samples they are bilinear where `smooth`,
 * else the nearest sample's. What has no share is hatched.
 */
export function paintGrid(
  shares: Float32Array,
  rows: number,
  columnIndices: Float64Array,
  rowIndices: Float64Array,
  smooth: boolean,
  paint: Paint,
): Raster {
  const width = columnIndices.length;
  const height = rowIndices.length;
  const pixels = new Uint8ClampedArray(4 * width * height);
  const put = createPainter(pixels, width, paint);
  const lastColumn = shares.length / rows - 1;
  for (let py = 0; py < height; py += 1) {
    // Rows of pixels go down, rows of samples go up.
    const row = rowIndices[height - 1 - py] ?? 0;
    const j = Math.min(Math.floor(row), rows - 1);
    const upper = Math.min(j + 1, rows - 1);
    const v = row - j;
    for (let px = 0; px < width; px += 1) {
      const column = columnIndices[px] ?? 0;
      const i = Math.min(Math.floor(column), lastColumn);
      const right = Math.min(i + 1, lastColumn);
      const u = column - i;
      const nearest = shares[(u < 0.5 ? i : right) * rows + (v < 0.5 ? j : upper)] ?? NaN;
      let share = nearest;
      if (smooth && !Number.isNaN(nearest)) {
        const low = (shares[i * rows + j] ?? 0) * (1 - u) + (shares[right * rows + j] ?? 0) * u;
        const high =
          (shares[i * rows + upper] ?? 0) * (1 - u) + (shares[right * rows + upper] ?? 0) * u;
        const between = low * (1 - v) + high * v;
        if (!Number.isNaN(between)) share = between;
      }
      put(px, py, share);
    }
  }
  return { width, height, pixels };
}

/** Writes the color of one share to one pixel; a hatch for NaN. */
export function createPainter(
  pixels: Uint8ClampedArray,
  width: number,
  { colorMap, theme }: Paint,
): (px: number, py: number, share: number) => void {
  const table = colorTable(colorMap);
  return (px, py, share) => {
    const target = 4 * (py * width + px);
    pixels[target + 3] = 255;
    if (Number.isNaN(share)) {
      const color = (px + py) % 6 < 2 ? theme.hatch : theme.hatchGround;
      pixels[target] = color[0];
      pixels[target + 1] = color[1];
      pixels[target + 2] = color[2];
      return;
    }
    const offset = colorOffset(share);
    pixels[target] = table[offset] ?? 0;
    pixels[target + 1] = table[offset + 1] ?? 0;
    pixels[target + 2] = table[offset + 2] ?? 0;
  };
}
