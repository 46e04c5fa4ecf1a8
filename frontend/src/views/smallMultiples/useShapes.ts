import { use, useEffect, useReducer } from "react";
import type { Clustering } from "../../data/cluster";
import { lineOf } from "../../data/slice";
import { DerivedContext } from "../../ui/derived";
import type { PanelSlice } from "../view";

/** The lines of a bundle in groups of like shape; nothing until the worker has found them. */
export function useShapes(
  { slice, channel, focusPoint }: PanelSlice,
  wanted: boolean,
): Clustering | null {
  const { clusters, deriver } = use(DerivedContext);
  const [, drawAgain] = useReducer((count: number) => count + 1, 0);
  const { values } = channel;
  const choices = String(focusPoint);
  const known = wanted ? clusters.get(values, choices) : undefined;
  const missing = wanted && !known;
  useEffect(() => {
    if (!missing) return undefined;
    const abort = new AbortController();
    const curves = slice.axes.map((_, line) => lineOf(slice, channel, line, focusPoint));
    deriver.ask("clusters", { curves }, abort.signal).then(
      (found) => {
        clusters.put(values, choices, found);
        if (!abort.signal.aborted) drawAgain();
      },
      // Canceled because something else is looked at; or the cells stand side by side.
      () => undefined,
    );
    return () => abort.abort();
  }, [missing, slice, channel, focusPoint, values, choices, clusters, deriver]);
  return known ?? null;
}
