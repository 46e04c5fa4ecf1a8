// Time Series' palette, tensorboard/webapp/util/colors.ts: light and dark differ in the first only.
const PALETTE: readonly (readonly [string, string])[] = [
  ["#425066", "#8e98a3"],
  ["#12b5cb", "#12b5cb"],
  ["#e52592", "#e52592"],
  ["#f9ab00", "#f9ab00"],
  ["#9334e6", "#9334e6"],
  ["#7cb342", "#7cb342"],
  ["#e8710a", "#e8710a"],
];

// Seven colors run out: each turn through them has its own stroke.
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [1.5, 3], [8, 3, 1.5, 3]];

export interface RunStyle {
  readonly color: string;
  readonly dash: readonly number[];
}

/** The look of a run by its place among TensorBoard's runs. */
export function runStyle(place: number, dark: boolean): RunStyle {
  const [light, onDark] = PALETTE[place % PALETTE.length] ?? ["#425066", "#8e98a3"];
  return {
    color: dark ? onDark : light,
    dash: dashOf(Math.floor(place / PALETTE.length)),
  };
}

/** The stroke of a turn through the colors, or of a curve among few that need one each. */
export function dashOf(turn: number): readonly number[] {
  return DASHES[turn % DASHES.length] ?? [];
}

/** Place of a merged run: its own name's, or that of the first of its sources. */
export function placeOfRun(
  order: readonly string[],
  name: string,
  sources: readonly string[],
  fallback: number,
): number {
  for (const candidate of [name, ...sources]) {
    const place = order.indexOf(candidate);
    if (place >= 0) return place;
  }
  return fallback;
}
