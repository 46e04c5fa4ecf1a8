/** A whole picture as VP8, which is what a lossy WebP holds. */
export function vp8Of(webp: Uint8Array): Uint8Array {
  const view = new DataView(webp.buffer, webp.byteOffset, webp.byteLength);
  for (let at = 12; at + 8 <= webp.length;) {
    const size = view.getUint32(at + 4, true);
    const name = String.fromCharCode(...webp.subarray(at, at + 4));
    if (name === "VP8 ") return webp.subarray(at + 8, at + 8 + size);
    at += 8 + size + (size % 2);
  }
  throw new Error("This browser cannot make video frames; choose pictures instead.");
}

interface Video {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** VP8, each a key frame: none depends on another. */
  readonly frames: readonly Uint8Array[];
}

/** A WebM file of the frames, each for exactly the same time; with a table to seek in. */
export function webm({ width, height, framesPerSecond, frames }: Video): Blob {
  const time = (frame: number) => Math.round((1000 * frame) / framesPerSecond);
  const header = element(0x1a45dfa3, [
    ...[0x4286, 0x42f7].map((id) => number(id, 1)),
    number(0x42f2, 4),
    number(0x42f3, 8),
    text(0x4282, "webm"),
    number(0x4287, 2),
    number(0x4285, 2),
  ]);
  const info = element(0x1549a966, [
    number(0x2ad7b1, 1_000_000),
    decimal(0x4489, time(frames.length)),
    text(0x4d80, "pysclice"),
    text(0x5741, "pysclice"),
  ]);
  const track = element(0xae, [
    ...[0xd7, 0x73c5, 0x83].map((id) => number(id, 1)),
    number(0x9c, 0),
    text(0x86, "V_VP8"),
    number(0x23e383, Math.round(1e9 / framesPerSecond)),
    element(0xe0, [number(0xb0, width), number(0xba, height)]),
  ]);
  const tracks = element(0x1654ae6b, [track]);
  // A block: track 1, 0 ms after its cluster, a key frame.
  const start = Uint8Array.of(0x81, 0, 0, 0x80);
  const clusters = frames.map((frame, i) =>
    element(0x1f43b675, [number(0xe7, time(i)), element(0xa3, [[start, frame]])]),
  );
  // Numbers take eight bytes each, so the table is as long whatever it says.
  const length = sizeOf(cues(clusters, 0, time));
  const table = cues(clusters, sizeOf(info) + sizeOf(tracks) + length, time);
  const segment = element(0x18538067, [info, tracks, table, ...clusters]);
  return new Blob(
    [...header, ...segment].map((part) => Uint8Array.from(part)),
    {
      type: "video/webm",
    },
  );
}

function cues(clusters: readonly Parts[], first: number, time: (frame: number) => number): Parts {
  let at = first;
  const points = clusters.map((cluster, i) => {
    const place = element(0xb7, [number(0xf7, 1), number(0xf1, at)]);
    at += sizeOf(cluster);
    return element(0xbb, [number(0xb3, time(i)), place]);
  });
  return element(0x1c53bb6b, points);
}

type Parts = readonly Uint8Array[];

function sizeOf(parts: Parts): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** An element of EBML: its name, eight bytes of length, what it holds. */
function element(id: number, content: readonly Parts[]): Parts {
  const parts = content.flat();
  const name: number[] = [];
  for (let rest = id; rest > 0; rest = Math.floor(rest / 256)) name.unshift(rest % 256);
  const length = wide(sizeOf(parts));
  length[0] = 0x01;
  return [Uint8Array.from(name), length, ...parts];
}

function wide(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function number(id: number, value: number): Parts {
  return element(id, [[wide(value)]]);
}

function decimal(id: number, value: number): Parts {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return element(id, [[bytes]]);
}

function text(id: number, value: string): Parts {
  return element(id, [[new TextEncoder().encode(value)]]);
}
