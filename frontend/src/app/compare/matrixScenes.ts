import { layoutAt, type Layout, type Series } from "../../data/catalog";
import type { Selection } from "../../state/selection";
import type { View } from "../../views/view";
import type { SceneWish } from "./mode";

/** Where a line leads to: the run that its axis is named after, and the rest of that name. */
export interface Destination {
  readonly run: string;
  /** What tells apart several lines to the same run: "towards *, units matched". */
  readonly way: string;
}

const MOST_SERIES = 100;

/** The run that the axis of a line is named after, the longest such name; nothing for none. */
export function destinationOf(axis: string, runs: readonly string[]): Destination | null {
  let found: Destination | null = null;
  for (const run of runs) {
    if (run === "" || (found && found.run.length >= run.length)) continue;
    const at = axis.lastIndexOf(run);
    const ends = at >= 0 && !INSIDE.test(axis[at - 1] ?? " ");
    if (ends && !INSIDE.test(axis[at + run.length] ?? " ")) {
      found = { run, way: `${axis.slice(0, at)}*${axis.slice(at + run.length)}` };
    }
  }
  return found;
}

// What a name would go on with: "run-1" does not stand in "run-12".
const INSIDE = /[\p{L}\p{N}_]/u;

/** What a view draws of a series, or nothing where it draws none of it. */
function layoutFor(series: Series, view: View | null): Layout | null {
  const layout = layoutAt(series, series.steps.length - 1);
  return layout && view?.supports(layout) ? layout : null;
}

/** The series of the visible runs that lead to a run of the log by the same way as the chosen one. */
export function seriesToRuns(selection: Selection, view: View | null): string[] {
  const runs = selection.runs.map(({ run }) => run.name);
  const lines = selection.visible.flatMap(({ run }) =>
    run.series.flatMap((series) => {
      const axis = layoutFor(series, view)?.axes[0];
      const leads = axis === undefined ? null : destinationOf(axis, runs);
      return leads ? [{ name: series.name, ...leads }] : [];
    }),
  );
  const way = lines.find(({ name }) => name === selection.seriesName)?.way;
  const names = lines.filter((line) => line.way === way).map(({ name }) => name);
  return [...new Set(names)].slice(0, MOST_SERIES);
}

/** Whether the chosen series is one of several lines from run to run. */
export function hasMatrix(selection: Selection, view: View | null): boolean {
  return view?.between !== undefined && seriesToRuns(selection, view).length > 1;
}

export function matrixScenes(selection: Selection, step: number, view: View | null): SceneWish[] {
  return seriesToRuns(selection, view).map((seriesName) => ({
    selection: { ...selection, seriesName },
    step,
  }));
}
