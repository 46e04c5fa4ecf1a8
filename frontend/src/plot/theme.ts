/** What canvas drawings need to know of the page's look; styles/tokens.css says the same to CSS. */
export interface Theme {
  readonly background: string;
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly frame: string;
  readonly hatch: readonly [number, number, number];
  readonly hatchGround: readonly [number, number, number];
  readonly playHead: string;
}

const LIGHT: Theme = {
  background: "#ffffff",
  text: "rgba(0, 0, 0, 0.87)",
  muted: "rgba(0, 0, 0, 0.58)",
  grid: "rgba(0, 0, 0, 0.07)",
  frame: "rgba(0, 0, 0, 0.22)",
  hatch: [150, 150, 150],
  hatchGround: [232, 232, 232],
  playHead: "#e8710a",
};

const DARK: Theme = {
  background: "#303030",
  text: "rgba(255, 255, 255, 0.92)",
  muted: "rgba(255, 255, 255, 0.64)",
  grid: "rgba(255, 255, 255, 0.08)",
  frame: "rgba(255, 255, 255, 0.26)",
  hatch: [120, 120, 120],
  hatchGround: [74, 74, 74],
  playHead: "#ff9a42",
};

export function themeFor(dark: boolean): Theme {
  return dark ? DARK : LIGHT;
}
