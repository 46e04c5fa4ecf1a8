import type { Axis, Channel, Slice, Trajectory } from "../data/slice";
import {
  asArray,
  asCount,
  asNumber,
  asObject,
  asText,
  asTexts,
  bitsFromBase64,
  FormatError,
  type Json,
} from "./schema";

const VERSION = 2;

/** The header behind `magic | u32 length | JSON`, and where what follows it begins. */
export function readHeader(bytes: Uint8Array, magic: string): { header: Json; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 8 || String.fromCharCode(...bytes.subarray(0, 4)) !== magic) {
    throw new FormatError(`Expected bytes that begin with ${magic}.`);
  }
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.byteLength)
    throw new FormatError("Cut short or damaged: the header is not whole.");
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, end));
    return { header: asObject(JSON.parse(text), "header"), end };
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError("The header is damaged: it is not JSON.");
  }
}

/** The slice that `Slice.to_bytes` of pysclice/slices.py wrote. */
export function decodeRecord(bytes: Uint8Array): Slice {
  const { header, end } = readHeader(bytes, "PSL1");
  const version = header["version"];
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1) {
    throw new FormatError("The header names no version that makes sense.");
  }
  if (version > VERSION) {
    throw new FormatError(
      `This slice was written by a newer pysclice (format ${version}, this page reads up to ${VERSION}). ` +
        "Upgrade pysclice where TensorBoard runs.",
    );
  }
  const shape = readShape(header["shape"]);
  const size = shape[0] * shape[1] * shape[2];
  const kind = asText(header["kind"], "kind");
  const lengths = kind === "plane" ? [shape[1], shape[2]] : Array<number>(shape[1]).fill(shape[2]);
  const axes = asArray(header["axes"], "axes");
  if (axes.length !== lengths.length) throw new FormatError("The axes do not go with the shape.");
  const described = asArray(header["channels"], "channels").map(describeChannel);
  const path = describePath(header["trajectory"] ?? null);
  const blocks = layOut(described, size, axes.length, path?.steps.length ?? 0);
  if (bytes.byteLength - end !== 4 * blocks.total) {
    throw new FormatError("Cut short or damaged: the values do not fill the announced shape.");
  }
  const floats = (start: number, count: number) => readFloats(bytes, end + 4 * start, count);
  const epoch = header["epoch"] ?? null;
  return {
    kind,
    method: asText(header["method"], "method"),
    series: asText(header["series"] ?? "", "series"),
    step: asNumber(header["step"] ?? 0, "step"),
    epoch: epoch === null ? null : asNumber(epoch, "epoch"),
    wallTime: asNumber(header["wall_time"] ?? 0, "wall_time"),
    shape,
    channels: described.map(({ name, center, replicates }, i): Channel => {
      const errors = blocks.errors[i] ?? null;
      return {
        name,
        center,
        replicates,
        values: floats(size * i, size),
        errors: errors === null ? null : floats(errors, size),
      };
    }),
    axes: axes.map((value, i) => readAxis(value, lengths[i] ?? 0)),
    focusPoints: asTexts(header["focus_points"], "focus_points"),
    mode: asText(header["mode"] ?? "eval", "mode"),
    examples: asCount(header["examples"] ?? 0, "examples"),
    evaluations: asCount(header["evaluations"] ?? 0, "evaluations"),
    seconds: asNumber(header["seconds"] ?? 0, "seconds"),
    notes: new Map(Object.entries(asObject(header["notes"] ?? {}, "notes"))),
    trajectory:
      path &&
      readTrajectory(path, axes.length, (start, count) => floats(blocks.path + start, count)),
    evaluated:
      header["evaluated"] === undefined
        ? null
        : bitsFromBase64(header["evaluated"], size, "evaluated"),
  };
}

function readShape(value: unknown): [number, number, number] {
  const [focusPoints, second, third, ...more] = asArray(value, "shape").map((n) =>
    asCount(n, "shape"),
  );
  if (!focusPoints || !second || !third || more.length > 0) {
    throw new FormatError("A shape has three numbers above zero.");
  }
  return [focusPoints, second, third];
}

interface ChannelHeader {
  readonly name: string;
  readonly center: Float64Array;
  readonly hasErrors: boolean;
  readonly replicates: number;
}

function describeChannel(value: unknown): ChannelHeader {
  const channel = asObject(value, "channel");
  return {
    name: asText(channel["name"], "channel.name"),
    center: Float64Array.from(
      asArray(channel["center"], "center").map((item) => asNumber(item, "center")),
    ),
    hasErrors: channel["errors"] === true,
    replicates: asCount(channel["replicates"] ?? 0, "channel.replicates"),
  };
}

interface PathHeader {
  readonly steps: readonly number[];
  readonly explained: number;
}

function describePath(value: unknown): PathHeader | null {
  if (value === null) return null;
  const path = asObject(value, "trajectory");
  return {
    steps: asArray(path["steps"], "trajectory.steps").map((step) => asNumber(step, "steps")),
    explained: asNumber(path["explained"] ?? "NaN", "trajectory.explained"),
  };
}

/**
 * Where what stands behind the values begins, counted in floats: the errors of the channels that
 * have them, replicates, which the page has no use for, and the trajectory.
 */
function layOut(channels: readonly ChannelHeader[], size: number, axes: number, points: number) {
  let next = size * channels.length;
  const errors = channels.map(({ hasErrors }) => {
    if (!hasErrors) return null;
    next += size;
    return next - size;
  });
  for (const { replicates } of channels) next += replicates * size;
  return { errors, path: next, total: next + (axes + 1) * points };
}

function readTrajectory(
  { steps, explained }: PathHeader,
  axes: number,
  floats: (start: number, count: number) => Float32Array,
): Trajectory {
  const points = steps.length;
  return {
    steps,
    explained,
    coordinates: Array.from({ length: axes }, (_, axis) => floats(axis * points, points)),
    distances: floats(axes * points, points),
  };
}

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

// Copied, so that one kept slice does not keep the answer it came in alive.
function readFloats(bytes: Uint8Array, start: number, size: number): Float32Array {
  const own = bytes.slice(start, start + 4 * size);
  if (hostIsLittleEndian) return new Float32Array(own.buffer);
  const view = new DataView(own.buffer);
  return Float32Array.from({ length: size }, (_, i) => view.getFloat32(4 * i, true));
}

function readAxis(value: unknown, samples: number): Axis {
  const axis = asObject(value, "axis");
  const listed = axis["coordinates"];
  const coordinates =
    listed === undefined
      ? regularCoordinates(
          asNumber(axis["start"], "axis.start"),
          asNumber(axis["stop"], "axis.stop"),
          samples,
        )
      : Float64Array.from(
          asArray(listed, "coordinates").map((item) => asNumber(item, "coordinates")),
        );
  if (coordinates.length !== samples) {
    throw new FormatError(`An axis has ${coordinates.length} coordinates for ${samples} samples.`);
  }
  return {
    name: asText(axis["name"], "axis.name"),
    coordinates,
    length: asNumber(axis["length"] ?? "NaN", "axis.length"),
    description: asText(axis["description"] ?? "", "axis.description"),
    fingerprint: asText(axis["fingerprint"] ?? "", "axis.fingerprint"),
  };
}

/** Evenly spaced, by the same arithmetic as `regular_coordinates` in Python: equal to the bit. */
export function regularCoordinates(start: number, stop: number, samples: number): Float64Array {
  if (samples === 1) return Float64Array.of(start);
  return Float64Array.from({ length: samples }, (_, i) => {
    if (i === 0) return start;
    if (i === samples - 1) return stop;
    const coordinate = (start * (samples - 1 - i) + stop * i) / (samples - 1);
    return Math.abs(coordinate) < 1e-12 * (stop - start) ? 0 : coordinate;
  });
}
