/** A file for an archive. */
export interface Member {
  readonly name: string;
  readonly content: Uint8Array;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (TABLE[(sum ^ byte) & 0xff] ?? 0);
  return (sum ^ 0xffffffff) >>> 0;
}

/** A zip archive that stores its files as they are: PNGs would not become smaller. */
export function zip(members: readonly Member[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, content } of members) {
    const title = new TextEncoder().encode(name);
    // Version, flags (names are UTF-8), method 0, time and date, then what the two headers share.
    const shared = [20, 0x0800, 0, 0, 0x21];
    const sizes = [crc32(content), content.length, content.length];
    const head = fields(30, [[4, 0x04034b50]], shared, sizes, title.length);
    const entry = fields(
      46,
      [
        [4, 0x02014b50],
        [2, 20],
      ],
      shared,
      sizes,
      title.length,
    );
    new DataView(entry.buffer).setUint32(42, offset, true);
    parts.push(head, title, Uint8Array.from(content));
    directory.push(entry, title);
    offset += head.length + title.length + content.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, members.length, true);
  end.setUint16(10, members.length, true);
  end.setUint32(12, length, true);
  end.setUint32(16, offset, true);
  return new Blob([...parts, ...directory, end.buffer], { type: "application/zip" });
}

/** A header of that many bytes: its beginning, then shorts, words and the length of the name. */
function fields(
  size: number,
  first: readonly (readonly [2 | 4, number])[],
  shorts: readonly number[],
  words: readonly number[],
  nameLength: number,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(size));
  let at = 0;
  const put = (bytes: 2 | 4, value: number) => {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  };
  for (const [bytes, value] of first) put(bytes, value);
  for (const value of shorts) put(2, value);
  for (const value of words) put(4, value);
  put(2, nameLength);
  return new Uint8Array(view.buffer);
}
