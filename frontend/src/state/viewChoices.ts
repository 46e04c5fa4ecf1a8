import type { Zoom } from "../data/zoom";

/** A point of a plane, in coordinates of its axes. */
export interface Pin {
  readonly x: number;
  readonly y: number;
}

export const STEP_MODES = ["current", "onion", "ridgeline"] as const;
export const RANKINGS = ["range", "curvature", "asymmetry", "logged"] as const;
export const GROUPINGS = ["none", "layer", "shape"] as const;

/** How a line shows other steps: not at all, faint around its own, or one behind the other. */
export type StepMode = (typeof STEP_MODES)[number];
/** What lines of a bundle are ordered by; "logged" leaves them as they came. */
export type Ranking = (typeof RANKINGS)[number];
export type Grouping = (typeof GROUPINGS)[number];

/** What was chosen for one view or another; part of the deep link as all choices are. */
export interface ViewChoices {
  readonly stepMode: StepMode;
  /** How many steps before and after are shown as onion skins. */
  readonly skins: number;
  /** Where cross-sections of planes are taken. */
  readonly pin: Pin | null;
  /** The part of planes and lines that is shown; nothing where that is all. */
  readonly zoom: Zoom | null;
  readonly ranking: Ranking;
  readonly grouping: Grouping;
  /** Whether the lines of all focus points are drawn over each other. */
  readonly everyFocusPoint: boolean;
  /** What names of lines have to hold. */
  readonly find: string;
  readonly everyCurve: boolean;
}

export const DEFAULT_VIEW_CHOICES: ViewChoices = {
  stepMode: "current",
  skins: 3,
  pin: null,
  zoom: null,
  ranking: "range",
  grouping: "none",
  everyFocusPoint: false,
  find: "",
  everyCurve: false,
};
