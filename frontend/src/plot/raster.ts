import { ByteCache } from "../data/byteCache";
import type { ColorMapName } from "./colorMaps";
import { colorIndex, colorOffset, colorTable } from "./colorMaps";
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

// Enough for a thousand planes; see the budgets in ui/derived.ts.
const SHARES_BUDGET = 16 * 2 ** 20;
const kept = new ByteCache<Float32Array>(SHARES_BUDGET, ({ byteLength }) => byteLength + 128);

/** A scale as a name, for what is kept of values on it. */
export function scaleChoices({ kind, domain, threshold }: Scale): string {
  return [kind, ...domain, threshold].join(" ");
}

/**
 * Where values stand on a scale, NaN where they have no place. A field is interpolated there, so
 * that a logarithm is taken once a sample and not once a pixel, and colors agree with contours.
 */
export function sharesOf(values: Float32Array, scale: Scale): Float32Array {
  const choices = scaleChoices(scale);
  const known = kept.get(values, choices);
  if (known) return known;
  const shares = new Float32Array(values.length);
  const { toShare } = scale;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? NaN;
    shares[i] = Number.isFinite(value) ? toShare(value) : NaN;
  }
  kept.put(values, choices, shares);
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
  const words = new Uint32Array(pixels.buffer);
  const colors = packedColors(paint.colorMap);
  const put = createPainter(pixels, width, paint);
  const columns = shares.length / rows;
  const lastColumn = columns - 1;
  const left = Int32Array.from(columnIndices, (column) => Math.min(Math.floor(column), lastColumn));
  const right = left.map((column) => Math.min(column + 1, lastColumn));
  const across = columnIndices.map((column, px) => column - (left[px] ?? 0));
  const between = new Float64Array(columns);
  const nearest = new Float64Array(columns);
  for (let py = 0; py < height; py += 1) {
    // Rows of pixels go down, rows of samples go up.
    const row = rowIndices[height - 1 - py] ?? 0;
    const j = Math.min(Math.floor(row), rows - 1);
    const upper = Math.min(j + 1, rows - 1);
    const v = row - j;
    // Along y once a column of samples, along x once a pixel.
    for (let i = 0; i < columns; i += 1) {
      const low = shares[i * rows + j] ?? NaN;
      const high = shares[i * rows + upper] ?? NaN;
      nearest[i] = v < 0.5 ? low : high;
      between[i] = smooth ? low * (1 - v) + high * v : NaN;
    }
    const start = py * width;
    for (let px = 0; px < width; px += 1) {
      const u = across[px] ?? 0;
      const i = left[px] ?? 0;
      const next = right[px] ?? 0;
      const before = between[i] ?? NaN;
      const close = nearest[u < 0.5 ? i : next] ?? NaN;
      const mixed = before + u * ((between[next] ?? NaN) - before);
      // Where a neighbor has no share, the nearest sample's; NaN is not equal to itself.
      const share = mixed === mixed && close === close ? mixed : close;
      if (share === share) words[start + px] = colors[colorIndex(share)] ?? 0;
      else put(px, py, share);
    }
  }
  return { width, height, pixels };
}

const packed = new Map<ColorMapName, Uint32Array>();

/** A color map as whole pixels, in the byte order of this machine. */
function packedColors(name: ColorMapName): Uint32Array {
  const known = packed.get(name);
  if (known) return known;
  const table = colorTable(name);
  const bytes = new Uint8Array((4 * table.length) / 3);
  for (let n = 0; 3 * n < table.length; n += 1) {
    bytes.set([table[3 * n] ?? 0, table[3 * n + 1] ?? 0, table[3 * n + 2] ?? 0, 255], 4 * n);
  }
  const words = new Uint32Array(bytes.buffer);
  packed.set(name, words);
  return words;
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
