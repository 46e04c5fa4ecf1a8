export const RUN_PALETTES = ["tensorboard", "okabe-ito"] as const;
export type RunPalette = (typeof RUN_PALETTES)[number];

/** On a light and on a dark page. */
type Shades = readonly [string, string];

const same = (color: string): Shades => [color, color];

const PALETTES: Readonly<Record<RunPalette, readonly Shades[]>> = {
  // Time Series', tensorboard/webapp/util/colors.ts.
  tensorboard: [
    ["#425066", "#8e98a3"],
    ...["#12b5cb", "#e52592", "#f9ab00", "#9334e6", "#7cb342", "#e8710a"].map(same),
  ],
  // jfly.uni-koeln.de/color: told apart whatever colors one sees. The pale ones come late; black
  // is gray where the page is dark, and a shade of its own, so that files can tell it from outlines.
  "okabe-ito": [
    ...["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"].map(same),
    ["#010101", "#a6a6a6"],
  ],
};

// Colors run out: each turn through them has its own stroke.
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [1.5, 3], [8, 3, 1.5, 3]];

export interface RunStyle {
  readonly color: string;
  readonly dash: readonly number[];
}

/** The look of a run by its place among TensorBoard's runs. */
export function runStyle(place: number, dark: boolean, palette: RunPalette): RunStyle {
  const colors = PALETTES[palette];
  const [light, onDark] = colors[place % colors.length] ?? same("#808080");
  return { color: dark ? onDark : light, dash: dashOf(Math.floor(place / colors.length)) };
}

/** What run colors of a light or dark page become on the other ground, where they change. */
export function shadesBetween(fromDark: boolean, toDark: boolean): [string, string][] {
  if (fromDark === toDark) return [];
  return Object.values(PALETTES)
    .flat()
    .filter(([light, dark]) => light !== dark)
    .map(([light, dark]) => (fromDark ? [dark, light] : [light, dark]));
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
