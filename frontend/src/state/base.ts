import { seriesNamed } from "../data/catalog";
import type { PlacedRun, Selection } from "./selection";

/** The run that others are compared with: the chosen one, or the first that has slices. */
export function baseOf(selection: Selection, chosen: string | null): PlacedRun | null {
  const { visible, seriesName } = selection;
  return (
    visible.find(({ run }) => run.name === chosen) ??
    visible.find(({ run }) => seriesNamed(run, seriesName)) ??
    visible[0] ??
    null
  );
}

/** The run that stands against the base: the one in focus, or the next that is not the base. */
export function otherOf(selection: Selection, base: PlacedRun | null): PlacedRun | null {
  const { focus, visible, seriesName } = selection;
  if (focus && focus.run.name !== base?.run.name) return focus;
  const others = visible.filter(({ run }) => run.name !== base?.run.name);
  return others.find(({ run }) => seriesNamed(run, seriesName)) ?? others[0] ?? null;
}
