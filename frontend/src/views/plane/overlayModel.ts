import { enclose, type Interval } from "../../data/stats";
import { extent } from "../../data/slice";
import { contourLevels, type ContourLevel, type Scale } from "../../plot/scale";
import type { PanelSlice } from "../view";

/** More sets of contours than this cannot be told apart. */
export const MOST_OVERLAID = 4;

const LEVELS = 8;

/** Levels that all runs share, few enough that several sets of contours stay readable. */
export function overlayLevels(scale: Scale): readonly ContourLevel[] {
  return contourLevels(scale, LEVELS);
}

/** What the axes of all panels cover together. */
export function overlayExtent(panels: readonly PanelSlice[], axis: 0 | 1): Interval {
  return enclose(panels.map(({ slice }) => extent(slice.axes[axis]))) ?? [-1, 1];
}

/** What has to be said where equal coordinates are different places. */
export function overlaySentences(panels: readonly PanelSlice[]): readonly string[] {
  const directions = new Set(
    panels.map(({ slice }) => slice.axes.map(({ fingerprint }) => fingerprint).join("+")),
  );
  if (directions.size < 2) return [];
  return ["The runs’ directions differ: equal coordinates are different places."];
}
