import { use, useMemo } from "react";
import type { Clustering } from "../../data/cluster";
import { lineOf } from "../../data/slice";
import { DerivedContext } from "../../ui/derived";
import { useDerived } from "../../ui/useDerived";
import type { PanelSlice } from "../view";

/** The lines of a bundle in groups of like shape; nothing until the worker has found them. */
export function useShapes(panel: PanelSlice, wanted: boolean): Clustering | null {
  const { clusters } = use(DerivedContext);
  const derivable = useMemo(() => {
    const { slice, channel, focusPoint } = panel;
    const ask = () => ({
      curves: slice.axes.map((_, line) => lineOf(slice, channel, line, focusPoint)),
    });
    return wanted ? [{ source: channel.values, choices: `${focusPoint}`, ask }] : [];
  }, [panel, wanted]);
  return useDerived("clusters", clusters, itself, derivable)[0] ?? null;
}

function itself(found: Clustering): Clustering {
  return found;
}
