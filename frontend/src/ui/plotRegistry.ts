import { createContext } from "react";
import type { Size } from "../plot/chart";
import type { Surface2D } from "../plot/surface";

export interface Picture {
  readonly size: Size;
  readonly draw: (surface: Surface2D) => void;
  /** What stands over it, where its panel has several. */
  readonly title?: string | undefined;
  /** What its panel has to say, asked when a file is written. */
  readonly panel?: (() => PanelInfo | null) | null;
  /** Where it stands on the page. */
  readonly element?: () => HTMLElement | null;
}

/** A run in a panel: its name, the step it shows, its look. */
export interface LegendEntry {
  readonly run: string;
  readonly step: number | null;
  readonly color: string;
  readonly dash: readonly number[];
}

/** What files say of a panel that its pictures do not. */
export interface PanelInfo {
  /** A run, or empty where the panel shows all of them. */
  readonly run: string;
  readonly legend: readonly LegendEntry[];
  readonly caption: readonly string[];
}

/** The pictures of a panel, so that its menu can draw them again into a file. */
export const PicturesContext = createContext<Set<Picture> | null>(null);

/** The pictures of all panels, for files that hold the whole stage. */
export const StagePicturesContext = createContext<Set<Picture> | null>(null);

export const PanelInfoContext = createContext<(() => PanelInfo | null) | null>(null);
