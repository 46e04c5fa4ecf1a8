import { useMemo } from "react";
import type { Interval } from "../data/stats";
import type { Panel } from "../state/panels";
import type { Selection } from "../state/selection";
import { fittedDomain, valueDomain } from "../state/valueScale";
import { useAppState, useDark, useServices } from "../ui/context";
import type { PanelSlice, ValueScale } from "../views/view";
import { toPanelSlice } from "./panelSlices";

interface PanelValues {
  readonly slices: readonly PanelSlice[];
  readonly value: ValueScale | null;
  /** Said where values have no place on the chosen scale. */
  readonly hasNone: string | null;
}

/** The slices of some panels and the scale that their values are drawn on. */
export function usePanelValues(panels: readonly Panel[], selection: Selection): PanelValues {
  const { fields } = useServices();
  const dark = useDark();
  const focusPoint = useAppState((state) => state.focusPoint);
  const scope = useAppState((state) => state.range);
  const { channel, range, scale } = selection;
  const slices = useMemo(
    () => panels.flatMap((panel) => toPanelSlice(panel, channel, focusPoint, dark, fields) ?? []),
    [panels, channel, focusPoint, dark, fields],
  );
  const domain = useMemo(
    () => valueDomain(scope, slices, channel ?? "", focusPoint, range),
    [scope, slices, channel, focusPoint, range],
  );
  return useMemo(() => ({ slices, ...onScale(scale, domain) }), [slices, scale, domain]);
}

function onScale(kind: "linear" | "log", domain: Interval | null) {
  if (!domain) return { value: null, hasNone: "Not one value of this channel is finite." };
  const fitted = fittedDomain(kind, domain);
  if (fitted) return { value: { kind, domain: fitted }, hasNone: null };
  return {
    value: null,
    hasNone: "No value is above zero, so a logarithmic scale has nothing to show.",
  };
}
