import { createStore, type StoreApi } from "zustand/vanilla";
import { subscribeWithSelector } from "zustand/middleware";
import { DEFAULT_VIEW_CHOICES, type ViewChoices } from "./viewChoices";
import { DEFAULT_COMPARE_CHOICES, type CompareChoices } from "./compareChoices";
import type { RunOrder } from "./runOrder";
import type { RunPalette } from "../data/runColors";
import { DEFAULT_CAMERA, type Camera } from "../data/camera";

export type ScaleKind = "linear" | "log" | "symlog";
export type RangeScope = "panel" | "run" | "all" | "fixed";
/** What the step bar counts in. */
export const STEP_UNITS = ["step", "epoch", "time"] as const;
export type StepUnit = (typeof STEP_UNITS)[number];
export type ColorMapName = "viridis" | "cividis" | "magma" | "gray";

/** What is behind a picture in a file. */
export type Ground = "light" | "dark" | "transparent";

/** A file that asks a few questions first: a film of one run's panel or of all, or the page. */
export type Exporting =
  { readonly kind: "animation"; readonly run: string | null } | { readonly kind: "page" };

/** What the user chose; `null` means "no choice made", and a default fits itself to the data. */
export interface Choices extends CompareChoices, ViewChoices {
  /** Names of the runs on stage. */
  readonly runs: readonly string[] | null;
  readonly focusRun: string | null;
  readonly method: string | null;
  readonly series: string | null;
  readonly channel: string | null;
  /** Samples on an axis. */
  readonly samples: number | null;
  readonly view: string | null;
  readonly focusPoint: number;
  readonly step: number | null;
  readonly followLatest: boolean;
  readonly scale: ScaleKind | null;
  readonly range: RangeScope;
  /** The ends that were typed for the scale. */
  readonly fixedRange: readonly [number, number] | null;
  readonly colorMap: ColorMapName;
  readonly smooth: boolean;
  /** Whether colors leave out the smallest and the largest values. */
  readonly clip: boolean;
  readonly stepUnit: StepUnit;
  readonly camera: Camera;
  /** Whether surfaces show their samples' lines only. */
  readonly wireframe: boolean;
}

/** Where the pointer stands, in coordinates of the data; shared by all panels. */
export interface Cursor {
  readonly x: number;
  readonly y: number;
  /** The curve that it is on, where there are several. */
  readonly line: number | null;
  readonly byKeyboard: boolean;
}

export interface State extends Choices {
  readonly cursor: Cursor | null;
  /** Whether the panel in focus has the stage for itself. */
  readonly alone: boolean;
  readonly playing: boolean;
  /** Whether playing has to wait for slices that have not arrived. */
  readonly waiting: boolean;
  readonly framesPerSecond: number;
  readonly runFilter: string;
  readonly runOrder: RunOrder;
  readonly runPalette: RunPalette;
  readonly railOpen: boolean;
  readonly detailsOpen: boolean;
  readonly inspectorOpen: boolean;
  readonly helpOpen: boolean;
  readonly exportMenuOpen: boolean;
  readonly exporting: Exporting | null;
  /** `null` is that of the page. */
  readonly ground: Ground | null;
  /** Pixels of a file for one of the page. */
  readonly density: number;
  /** A sentence that is shown and spoken for a moment. */
  readonly notice: string | null;
  /** When slices came that the page had not known, in milliseconds; `null` once they are old news. */
  readonly newDataAt: number | null;
}

export const DEFAULT_CHOICES: Choices = {
  ...DEFAULT_VIEW_CHOICES,
  ...DEFAULT_COMPARE_CHOICES,
  runs: null,
  focusRun: null,
  method: null,
  series: null,
  channel: null,
  samples: null,
  view: null,
  focusPoint: 0,
  step: null,
  followLatest: false,
  scale: null,
  range: "all",
  fixedRange: null,
  colorMap: "viridis",
  smooth: true,
  clip: true,
  stepUnit: "step",
  camera: DEFAULT_CAMERA,
  wireframe: false,
};

export const SPEEDS = [1, 2, 5, 10, 20, 30] as const;

const INITIAL: State = {
  ...DEFAULT_CHOICES,
  cursor: null,
  alone: false,
  playing: false,
  waiting: false,
  framesPerSecond: 10,
  runFilter: "",
  runOrder: "tensorboard",
  runPalette: "tensorboard",
  railOpen: true,
  detailsOpen: true,
  inspectorOpen: false,
  helpOpen: false,
  exportMenuOpen: false,
  exporting: null,
  ground: null,
  density: 2,
  notice: null,
  newDataAt: null,
};

export function createAppStore(initial: Partial<State>) {
  return createStore<State>()(subscribeWithSelector(() => ({ ...INITIAL, ...initial })));
}

export type Store = ReturnType<typeof createAppStore>;
export type ReadableStore = StoreApi<State>;
