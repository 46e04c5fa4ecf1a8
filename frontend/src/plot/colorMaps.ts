// 33 evenly spaced colors of each map, six hexadecimal digits a color; in between, straight lines
// in sRGB, which stay within 1/255 of the originals. viridis, magma: matplotlib (CC0); cividis:
// Nunez, Anderton and Renslow 2018; purpleOrange: ColorBrewer's PuOr, for differences.
const STOPS = {
  viridis:
    "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d" +
    "2f6b8e2c728e297a8e26828e23898e21918c1f988b1fa08822a78528ae8032b67a" +
    "3fbc734ec36b5ec96270cf5784d44b98d83eaddc30c2df23d8e219ece51bfde725",
  cividis:
    "00205100265d012b6508316911366c1c3c6e26426e31476e3c4d6e47536d51586e" +
    "5a5e6e62646f6a6a707270717976737f7c758682768c8877938e789a9478a19b78" +
    "a9a177b2a874bbaf71c5b66dcebd68d8c462e2cb5cebd355f3da4ffae249fdea45",
  magma:
    "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81" +
    "762181832681902a819c2e7faa337db73779c43c75d0416fdc4869e75263ef5d5e" +
    "f56b5cf9795dfc8961fd9869fea772feb67cfec488fed395fde2a3fcf0b2fcfdbf",
  purpleOrange:
    "2d004b390c5e461a70522a815f3d8f6d529c7b67a88a7cb3998ebfa8a0cab5b0d4" +
    "c2bfdccecde4d9d9eae3e4eeecebeff3eeeaf8eddefbe7cdfcdfb8fdd5a0fcc987" +
    "fabb6ef5ad55ee9d3de48d29d97e1acc7010be630baf58089f4e078f44077f3b08",
  gray: "141414f5f5f5",
} as const;

export type ColorMapName = keyof typeof STOPS;

const SIZE = 1024;
const tables = new Map<ColorMapName, Uint8ClampedArray>();

/** RGB of `SIZE` colors from low to high, three bytes a color. */
export function colorTable(name: ColorMapName): Uint8ClampedArray {
  const known = tables.get(name);
  if (known) return known;
  const hex = STOPS[name];
  const stops = hex.length / 6;
  const byte = (stop: number, part: number) =>
    Number.parseInt(hex.slice(6 * stop + 2 * part, 6 * stop + 2 * part + 2), 16);
  const table = new Uint8ClampedArray(3 * SIZE);
  for (let i = 0; i < SIZE; i += 1) {
    const place = (i / (SIZE - 1)) * (stops - 1);
    const below = Math.min(Math.floor(place), stops - 2);
    for (let part = 0; part < 3; part += 1) {
      const low = byte(below, part);
      table[3 * i + part] = Math.round(low + (place - below) * (byte(below + 1, part) - low));
    }
  }
  tables.set(name, table);
  return table;
}

/** Which color of a table a share between 0 and 1 has; beyond the ends, the ends. */
export function colorIndex(share: number): number {
  if (share >= 1) return SIZE - 1;
  return share > 0 ? Math.trunc(share * (SIZE - 1) + 0.5) : 0;
}

/** Where that color begins in a color table. */
export function colorOffset(share: number): number {
  return 3 * colorIndex(share);
}

export function cssColor(name: ColorMapName, share: number): string {
  const table = colorTable(name);
  const offset = colorOffset(share);
  return `rgb(${table[offset] ?? 0} ${table[offset + 1] ?? 0} ${table[offset + 2] ?? 0})`;
}

/** Black or white: what is read more easily on that color (WCAG 2.2, relative luminance). */
export function inkOn(name: ColorMapName, share: number): "#000" | "#fff" {
  const table = colorTable(name);
  const offset = colorOffset(share);
  const [red = 0, green = 0, blue = 0] = [0, 1, 2].map((part) => {
    const level = (table[offset + part] ?? 0) / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  // Where the contrasts with black and with white are the same.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > Math.sqrt(1.05 * 0.05) - 0.05
    ? "#000"
    : "#fff";
}
