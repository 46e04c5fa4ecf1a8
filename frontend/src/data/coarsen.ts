import type { Slice } from "./slice";

/** The slice at every `stride`-th sample of each axis; the twin of `Slice.coarsen` in Python. */
export function coarsen(slice: Slice, stride: number): Slice {
  if (stride === 1) return slice;
  const plane = slice.kind === "plane";
  const [points, rows, columns] = slice.shape;
  const ends = plane ? [rows - 1, columns - 1] : [columns - 1];
  if (ends.some((last) => last < 1 || last % stride !== 0)) {
    throw new RangeError(`Stride ${stride} does not divide the samples of this slice less one.`);
  }
  const rowStride = plane ? stride : 1;
  const kept: number[] = [];
  for (let point = 0; point < points; point += 1) {
    for (let row = 0; row < rows; row += rowStride) {
      for (let column = 0; column < columns; column += stride) {
        kept.push((point * rows + row) * columns + column);
      }
    }
  }
  const picked = (values: Float32Array) => Float32Array.from(kept, (i) => values[i] ?? NaN);
  const { evaluated } = slice;
  return {
    ...slice,
    shape: [points, plane ? (rows - 1) / stride + 1 : rows, (columns - 1) / stride + 1],
    axes: slice.axes.map((axis) => ({
      ...axis,
      coordinates: axis.coordinates.filter((_, i) => i % stride === 0),
    })),
    channels: slice.channels.map((channel) => ({
      ...channel,
      values: picked(channel.values),
      errors: channel.errors && picked(channel.errors),
    })),
    evaluated: evaluated && Uint8Array.from(kept, (i) => evaluated[i] ?? 0),
  };
}
