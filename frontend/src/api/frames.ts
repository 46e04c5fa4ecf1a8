import type { Origin } from "../data/failure";
import type { Slice } from "../data/slice";
import { decodeRecord, readHeader } from "./record";
import { asArray, asCount, asObject, asText, FormatError } from "./schema";

/** A slice, or the sentence that says why there is none. */
export type Frame =
  { readonly slice: Slice } | { readonly error: string; readonly origin?: Origin };

/** The frames of a container in the order asked; one bad frame never costs the others. */
export function decodeFrames(buffer: ArrayBuffer): Map<string, Frame> {
  const bytes = new Uint8Array(buffer);
  const { header, end } = readHeader(bytes, "PSF1");
  const frames = new Map<string, Frame>();
  for (const item of asArray(header["frames"], "frames")) {
    const entry = asObject(item, "frame");
    const key = asText(entry["key"], "frame.key");
    frames.set(key, decodeFrame(entry, bytes.subarray(end)));
  }
  return frames;
}

function decodeFrame(entry: Readonly<Record<string, unknown>>, records: Uint8Array): Frame {
  if (typeof entry["error"] === "string") return { error: entry["error"] };
  try {
    const offset = asCount(entry["offset"], "frame.offset");
    const length = asCount(entry["length"], "frame.length");
    if (offset + length > records.byteLength)
      throw new FormatError("Cut short: the frame is not whole.");
    return { slice: decodeRecord(records.subarray(offset, offset + length)) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : "This frame could not be read." };
  }
}
