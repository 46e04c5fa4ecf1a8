import { lazy } from "react";
import type { Compare } from "../../state/compareChoices";
import type { Selection } from "../../state/selection";
import type { View } from "../../views/view";
import { GridMode } from "./GridMode";
import { hasMatrix, matrixScenes } from "./matrixScenes";
import type { CompareMode } from "./mode";
import { stripScenes } from "./stripModel";

const GRID: CompareMode = {
  id: "grid",
  label: "Grid",
  key: "g",
  does: "Runs in a grid",
  supports: () => true,
  Component: GridMode,
};

/** All ways to compare; what is seldom opened is loaded when it is. */
export const MODES: readonly CompareMode[] = [
  GRID,
  {
    id: "overlay",
    label: "Overlay",
    key: "o",
    does: "Runs in one chart",
    supports: (view, { visible }) => view?.overlays === true && visible.length > 1,
    Component: lazy(async () => ({ default: (await import("./OverlayMode")).OverlayMode })),
  },
  {
    id: "difference",
    label: "Difference",
    key: "d",
    does: "Differences from a base run or step",
    supports: (view) => view?.differences === true,
    scenes: ({ baseStep }, selection) => (baseStep === null ? [] : [{ selection, step: baseStep }]),
    Component: lazy(async () => ({ default: (await import("./DifferenceMode")).DifferenceMode })),
  },
  {
    id: "wipe",
    label: "Wipe",
    key: "w",
    does: "Two runs on both sides of a divider",
    supports: (view, { visible }) =>
      view?.colors === true && view.facet !== undefined && visible.length > 1,
    Component: lazy(async () => ({ default: (await import("./WipeMode")).WipeMode })),
  },
  {
    id: "table",
    label: "Table",
    key: "b",
    does: "Read-outs of all runs in a table",
    supports: () => true,
    Component: lazy(async () => ({ default: (await import("./TableMode")).TableMode })),
  },
  {
    id: "strip",
    label: "Film strip",
    key: "t",
    does: "Runs by steps or series, as a figure",
    supports: (view) => view?.facet !== undefined,
    scenes: stripScenes,
    Component: lazy(async () => ({ default: (await import("./StripMode")).StripMode })),
  },
  {
    id: "matrix",
    label: "Matrix",
    key: "m",
    does: "Numbers from each run to each other",
    supports: (view, selection) => hasMatrix(selection, view),
    scenes: (_, selection, step, view) => matrixScenes(selection, step, view),
    Component: lazy(async () => ({ default: (await import("./MatrixMode")).MatrixMode })),
  },
];

export function modesFor(view: View | null, selection: Selection): readonly CompareMode[] {
  return MODES.filter((mode) => mode.supports(view, selection));
}

/** The chosen mode where it makes sense, else the grid. */
export function chooseMode(chosen: Compare, view: View | null, selection: Selection): CompareMode {
  return modesFor(view, selection).find(({ id }) => id === chosen) ?? GRID;
}
