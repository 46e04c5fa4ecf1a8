import type { ComponentType } from "react";
import type { Layout, Series } from "../data/catalog";
import type { RunStyle } from "../data/runColors";
import type { Channel, Slice } from "../data/slice";
import type { Interval } from "../data/stats";
import type { ColorMapName } from "../plot/colorMaps";
import type { Box } from "../plot/geometry";
import type { Clipped } from "../plot/marks/colorBar";
import type { Scale, ScaleKind } from "../plot/scale";
import type { Surface2D } from "../plot/surface";
import type { Theme } from "../plot/theme";
import type { Cursor } from "../state/store";

/** One run's slice, ready to be drawn. */
export interface PanelSlice {
  readonly run: string;
  readonly style: RunStyle;
  readonly slice: Slice;
  readonly channel: Channel;
  readonly focusPoint: number;
  readonly series: Series;
  /** The slices of the series that have arrived, by position among its steps. */
  readonly sliceAt: (position: number) => Slice | null;
}

/** What is known of a panel before it is drawn. */
export type Measured = Pick<PanelSlice, "slice" | "channel" | "focusPoint">;

/** How values are drawn: as height of a line, or as color. */
export interface ValueScale {
  readonly kind: ScaleKind;
  readonly domain: Interval;
  /** Where values lie beyond the domain, because outliers are left out of it. */
  readonly clipped: Clipped;
  /** Whether somebody typed the domain, which is then kept as it is. */
  readonly fixed?: boolean;
}

export interface ViewProps {
  /** One run, or several to be drawn into one chart. */
  readonly panels: readonly PanelSlice[];
  readonly value: ValueScale;
  /** Coordinates that all panels share, or nothing where each keeps its own. */
  readonly extent: Interval | null;
  readonly colorMap: ColorMapName;
  readonly smooth: boolean;
  readonly step: number;
  /** Changes when a slice arrives; for views that draw more than the current one. */
  readonly revision: number;
  readonly seek: (step: number) => void;
}

export interface Headline {
  readonly label: string;
  readonly value: number;
  /** What the number is, in words. */
  readonly title: string;
}

/** A value and where it stands. */
export interface Sample {
  readonly coordinates: readonly number[];
  readonly value: number;
  /** Half of its 95 % interval, where there is one. */
  readonly half?: number;
  /** Whether that is known only to be no larger. */
  readonly atMost?: true;
  readonly interpolated?: true;
}

export interface FacetLook {
  readonly scale: Scale;
  /** Coordinates that all pictures share, or nothing where each keeps its own. */
  readonly extent: Interval | null;
  readonly colorMap: ColorMapName;
  readonly smooth: boolean;
  readonly theme: Theme;
  /** Whether numbers and names stand at the left and at the bottom. */
  readonly left: boolean;
  readonly bottom: boolean;
}

/** Draws a slice into a part of a picture, for those that hold many. */
export interface Facet {
  /** The height of a picture over its width; nothing where any will do. */
  readonly ratio: (slice: Slice) => number | null;
  readonly draw: (surface: Surface2D, box: Box, panel: PanelSlice, look: FacetLook) => void;
}

/** A way to draw slices. Adding one is a new folder here and an entry in registry.ts. */
export interface View {
  readonly id: string;
  readonly label: string;
  /** By kind and shape, never by method: a new method is drawn without a change here. */
  readonly supports: (layout: Layout) => boolean;
  readonly Component: ComponentType<ViewProps>;
  /** Its own choices, among those of the toolbar. */
  readonly ToolbarChoices?: ComponentType;
  /** What all panels of the view share: stands above them. */
  readonly Controls?: ComponentType;
  /** Whether several runs may share a chart. */
  readonly overlays: boolean;
  /** How many runs may share a chart; without it, any number. */
  readonly mostOverlaid?: number;
  /** Whether it can draw the difference of two slices. */
  readonly differences?: boolean;
  readonly facet?: Facet;
  /** Whether values are drawn as colors. */
  readonly colors: boolean;
  /** Whether it draws all steps at once. */
  readonly needsAllSteps: boolean;
  /** Whether it draws all focus points at once, so that there is none to choose. */
  readonly allFocusPoints: boolean;
  /** Whether it draws a dot where a value was evaluated, if others were interpolated. */
  readonly dots: boolean;
  /** Names of the notes that it draws or says. */
  readonly notes: readonly string[];
  /** What a scale has to show of an interval around all values, given the slices that share it. */
  readonly domain?: (kind: ScaleKind, domain: Interval, shown: readonly Measured[]) => Interval;
  /** What has to be said about a picture. */
  readonly sentences?: (panel: PanelSlice, value: ValueScale) => readonly string[];
  /** What has to be said about several runs in one chart. */
  readonly overlaySentences?: (panels: readonly PanelSlice[]) => readonly string[];
  /** What a slice holds where the cursor is, for views whose cursor is a place in it. */
  readonly sampleAt?: (panel: PanelSlice, cursor: Cursor) => Sample | null;
  /** The number in a panel's head; without it, the value at the focus point. */
  readonly headline?: (panel: PanelSlice) => Headline | null;
  /** The number that a slice from one run to another is taken for; it stands in their matrix. */
  readonly between?: (panel: PanelSlice) => Headline | null;
  /** The height beyond which a picture of some width gains nothing; without it, there is none. */
  readonly heightFor?: (slice: Slice | null, width: number) => number;
}
