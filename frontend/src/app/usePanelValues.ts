import { useMemo } from "react";
import type { Interval } from "../data/stats";
import type { Panel } from "../state/panels";
import type { Selection } from "../state/selection";
import { keepingValleys, usualRange } from "../state/outliers";
import { fittedDomain, valueDomain, withoutOutliers } from "../state/valueScale";
import { useAppState, useDark, useServices } from "../ui/context";
import type { PanelSlice, ValueScale } from "../views/view";
import { toPanelSlice } from "./panelSlices";

interface PanelValues {
  readonly slices: readonly PanelSlice[];
  readonly value: ValueScale | null;
  /** Said where values have no place on the chosen scale. */
  readonly hasNone: string | null;
}

/** The range without outliers of a run's panel; nothing while none is known. */
export type UsualRange = (run: string) => Interval | null;

/**
 * The slices of some panels and the scale that their values are drawn on, without outliers where
 * `usual` says what they would be.
 */
export function usePanelValues(
  panels: readonly Panel[],
  selection: Selection,
  usual: UsualRange | null,
): PanelValues {
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
  const inner = useMemo(() => {
    if (!usual) return null;
    if (scope !== "panel") return usual(slices[0]?.run ?? "");
    const shown = slices.map(({ slice }) => slice);
    const centers = slices.map((slice) => slice.channel.center);
    return keepingValleys(usualRange(shown, channel ?? "", focusPoint), centers);
  }, [usual, scope, slices, channel, focusPoint]);
  return useMemo(
    () => ({ slices, ...onScale(scale, domain, inner) }),
    [slices, scale, domain, inner],
  );
}

function onScale(kind: "linear" | "log", domain: Interval | null, usual: Interval | null) {
  if (!domain) return { value: null, hasNone: "Not one value of this channel is finite." };
  const fitted = fittedDomain(kind, domain);
  if (fitted) return { value: { kind, ...withoutOutliers(fitted, usual) }, hasNone: null };
  return {
    value: null,
    hasNone: "No value is above zero, so a logarithmic scale has nothing to show.",
  };
}
