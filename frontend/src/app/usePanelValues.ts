import { useMemo } from "react";
import type { Interval } from "../data/stats";
import type { Panel } from "../state/panels";
import type { Selection } from "../state/selection";
import { keepingValleys, usualRange } from "../state/outliers";
import { fittedDomain, fixedDomain, valueDomain, withoutOutliers } from "../state/valueScale";
import type { ScaleKind } from "../state/store";
import { useAppState, useServices } from "../ui/context";
import { useRunStyle } from "../ui/useRunStyle";
import type { Measured, PanelSlice, ValueScale, View } from "../views/view";
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
 * `usual` says what they would be. `shown` is all that shares the scale where all runs do.
 */
export function usePanelValues(
  panels: readonly Panel[],
  selection: Selection,
  view: View | null,
  usual: UsualRange | null,
  shown: readonly Measured[],
): PanelValues {
  const { fields } = useServices();
  const styleOf = useRunStyle();
  const focusPoint = useAppState((state) => state.focusPoint);
  const scope = useAppState((state) => state.range);
  const fixedRange = useAppState((state) => state.fixedRange);
  const fixed = scope === "fixed" ? fixedRange : null;
  const { channel, range, scale } = selection;
  const slices = useMemo(
    () =>
      panels.flatMap((panel) => toPanelSlice(panel, channel, focusPoint, styleOf, fields) ?? []),
    [panels, channel, focusPoint, styleOf, fields],
  );
  const domain = useMemo(
    () => valueDomain(scope, slices, channel ?? "", focusPoint, range),
    [scope, slices, channel, focusPoint, range],
  );
  const inner = useMemo(() => {
    if (!usual || fixed) return null;
    if (scope !== "panel") return usual(slices[0]?.run ?? "");
    const own = slices.map(({ slice }) => slice);
    const centers = slices.map((slice) => slice.channel.center);
    return keepingValleys(usualRange(own, channel ?? "", focusPoint), centers);
  }, [usual, fixed, scope, slices, channel, focusPoint]);
  const sharing = scope === "all" ? shown : slices;
  return useMemo(
    () => ({ slices, ...onScale(scale, domain, inner, fixed, view, sharing) }),
    [slices, scale, domain, inner, fixed, view, sharing],
  );
}

function onScale(
  kind: ScaleKind,
  domain: Interval | null,
  usual: Interval | null,
  typed: Interval | null,
  view: View | null,
  shown: readonly Measured[],
) {
  if (!domain) return { value: null, hasNone: "Not one value of this channel is finite." };
  const possible = fittedDomain(kind, domain);
  const kept = typed && fittedDomain(kind, typed);
  if (kept) {
    return { value: { kind, fixed: true, ...fixedDomain(kept, domain) }, hasNone: null };
  }
  const fitted = possible && (view?.domain?.(kind, possible, shown) ?? possible);
  if (fitted) return { value: { kind, ...withoutOutliers(fitted, usual) }, hasNone: null };
  return {
    value: null,
    hasNone: "No value is above zero, so a logarithmic scale has nothing to show.",
  };
}
