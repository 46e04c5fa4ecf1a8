import { describe, expect, it } from "vitest";
import { decodeFrames } from "./frames";
import { decodeRecord, regularCoordinates } from "./record";

function pack(magic: string, header: object, body: Uint8Array = new Uint8Array()): Uint8Array {
  let text = JSON.stringify(header);
  const encoder = new TextEncoder();
  while ((8 + encoder.encode(text).length) % 8 !== 0) text += " ";
  const encoded = encoder.encode(text);
  const bytes = new Uint8Array(8 + encoded.length + body.length);
  bytes.set(encoder.encode(magic));
  new DataView(bytes.buffer).setUint32(4, encoded.length, true);
  bytes.set(encoded, 8);
  bytes.set(body, 8 + encoded.length);
  return bytes;
}

const HEADER = {
  version: 1,
  kind: "lines",
  method: "random direction",
  shape: [1, 1, 3],
  channels: [{ name: "train/loss", center: ["NaN"] }],
  axes: [{ name: "random 0", start: -1, stop: 1, samples: 3, length: 2 }],
  focus_points: ["current parameters"],
};
const VALUES = new Uint8Array(Float32Array.of(1, Infinity, NaN).buffer);

describe("decodeRecord", () => {
  it("keeps values that are not finite", () => {
    const slice = decodeRecord(pack("PSL1", HEADER, VALUES));
    expect([...(slice.channels[0]?.values ?? [])]).toEqual([1, Infinity, NaN]);
    expect(slice.channels[0]?.center[0]).toBeNaN();
    expect([...(slice.axes[0]?.coordinates ?? [])]).toEqual([-1, 0, 1]);
  });

  it("ignores keys that it does not know", () => {
    expect(decodeRecord(pack("PSL1", { ...HEADER, later: 1 }, VALUES)).kind).toBe("lines");
  });

  it("skips replicates on the way to the trajectory", () => {
    const channels = [
      { name: "train/loss", center: [1] },
      { name: "train/error", center: [2], errors: true, replicates: 2, center_replicates: [] },
    ];
    const trajectory = { steps: [0, 5], explained: "NaN" };
    const floats = [1, 2, 3, 4, 5, 6, 0.25, 0, 0.5, ...Array<number>(6).fill(9), -1, 0, 7, NaN];
    const body = new Uint8Array(Float32Array.from(floats).buffer);
    const slice = decodeRecord(pack("PSL1", { ...HEADER, version: 2, channels, trajectory }, body));
    expect(slice.channels.map(({ errors }) => errors && [...errors])).toEqual([
      null,
      [0.25, 0, 0.5],
    ]);
    expect(slice.channels.map(({ replicates }) => replicates)).toEqual([0, 2]);
    expect(slice.trajectory).toEqual({
      steps: [0, 5],
      coordinates: [Float32Array.of(-1, 0)],
      distances: Float32Array.of(7, NaN),
      explained: NaN,
    });
    const short = { ...HEADER, version: 2, channels };
    expect(() => decodeRecord(pack("PSL1", short, body))).toThrow(/Cut short/);
  });

  it.each([
    ["a newer version", pack("PSL1", { ...HEADER, version: 3 }, VALUES), /newer pysclice/],
    ["other bytes", new TextEncoder().encode("GIF89a.."), /PSL1/],
    ["values cut short", pack("PSL1", HEADER, VALUES.subarray(0, 8)), /Cut short/],
    ["a header cut short", pack("PSL1", HEADER, VALUES).subarray(0, 20), /Cut short/],
    ["axes of another shape", pack("PSL1", { ...HEADER, axes: [] }, VALUES), /axes/],
    ["an empty shape", pack("PSL1", { ...HEADER, shape: [1, 0, 3] }, VALUES), /shape/i],
    ["no JSON", pack("PSL1", HEADER, VALUES).fill(1, 8, 20), /not JSON/],
  ])("refuses %s with a sentence", (_, bytes, message) => {
    expect(() => decodeRecord(bytes)).toThrow(message);
  });
});

describe("decodeFrames", () => {
  it("lets one bad frame not cost the others", () => {
    const record = pack("PSL1", HEADER, VALUES);
    const container = pack(
      "PSF1",
      {
        frames: [
          { key: "good", offset: 0, length: record.length },
          { key: "gone", error: "No such slice." },
          { key: "long", offset: 0, length: 1e6 },
        ],
      },
      record,
    );
    const frames = decodeFrames(container.buffer as ArrayBuffer);
    expect(frames.get("good")).toHaveProperty("slice.method", "random direction");
    expect(frames.get("gone")).toEqual({ error: "No such slice." });
    expect(frames.get("long")).toHaveProperty("error");
  });
});

describe("regularCoordinates", () => {
  it("hits zero and both ends exactly, and nests", () => {
    const fine = regularCoordinates(-1, 1, 49);
    expect([fine[0], fine[24], fine[48]]).toEqual([-1, 0, 1]);
    expect([...fine].filter((_, i) => i % 2 === 0)).toEqual([...regularCoordinates(-1, 1, 25)]);
  });
});
