import type { ComponentType } from "react";
import type { Interval } from "../../data/stats";
import type { Size } from "../../plot/chart";
import type { Compare, CompareChoices } from "../../state/compareChoices";
import type { Panel } from "../../state/panels";
import type { Selection } from "../../state/selection";
import type { Measured, View } from "../../views/view";
import type { UsualRange } from "../usePanelValues";

/** Another step or series that a mode draws besides what is chosen. */
export interface SceneWish {
  readonly selection: Selection;
  readonly step: number;
}

/** What the visible runs show there. */
export interface Scene extends SceneWish {
  readonly panels: readonly Panel[];
}

export interface ModeProps {
  /** What the visible runs show at the chosen step. */
  readonly panels: readonly Panel[];
  readonly scenes: readonly Scene[];
  readonly view: View | null;
  readonly selection: Selection;
  readonly step: number;
  readonly revision: number;
  readonly extent: Interval | null;
  readonly usual: UsualRange | null;
  readonly shown: readonly Measured[];
  /** Of the stage. */
  readonly size: Size;
}

/** A way to set runs against each other. Adding one is a new file here and an entry in modes.ts. */
export interface CompareMode {
  readonly id: Compare;
  readonly label: string;
  readonly key: string;
  /** What it shows, in the sheet of keys. */
  readonly does: string;
  readonly supports: (view: View | null, selection: Selection) => boolean;
  /** What has to be fetched besides the slices of the chosen step. */
  readonly scenes?: (
    choices: CompareChoices,
    selection: Selection,
    step: number,
    view: View | null,
  ) => readonly SceneWish[];
  readonly Component: ComponentType<ModeProps>;
}
