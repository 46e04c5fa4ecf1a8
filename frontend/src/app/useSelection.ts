import { useMemo, useSyncExternalStore } from "react";
import { useShallow } from "zustand/react/shallow";
import type { Catalog } from "../data/catalog";
import { select, type Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";

/** What the choices come to; computed anew only when they or the catalog change. */
export function useSelection(catalog: Catalog): Selection {
  const { host } = useServices();
  const order = useSyncExternalStore(host.runs.subscribe, host.runs.get);
  const choices = useAppState(
    useShallow((state) => ({
      runs: state.runs,
      focusRun: state.focusRun,
      method: state.method,
      series: state.series,
      channel: state.channel,
      samples: state.samples,
      scale: state.scale,
    })),
  );
  return useMemo(() => select(catalog, order, choices), [catalog, order, choices]);
}

/** The step that is shown: the chosen one, or the newest while none was chosen. */
export function useStep(selection: Selection): number {
  const chosen = useAppState((state) => state.step);
  return chosen ?? selection.steps.at(-1) ?? 0;
}
