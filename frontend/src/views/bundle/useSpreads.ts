import { use, useEffect, useMemo, useReducer } from "react";
import { sharesCoordinates } from "../../data/slice";
import { DerivedContext } from "../../ui/derived";
import type { PanelSlice } from "../view";
import { SHARES, spreadOf, toSpread, type NamedCurve, type Spread } from "./bundleModel";

/** Values that are sorted faster than a message comes back. */
const FEW = 20_000;

/** The spread of each bundle: at once where it is small, else when the worker has found it. */
export function useSpreads(
  panels: readonly PanelSlice[],
  bundles: readonly (readonly NamedCurve[])[],
): readonly (Spread | null)[] {
  const { quantiles, deriver } = use(DerivedContext);
  const [arrived, drawAgain] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const abort = new AbortController();
    for (const [i, { slice, channel }] of panels.entries()) {
      const { values } = channel;
      if (values.length <= FEW || !sharesCoordinates(slice) || quantiles.get(values, "")) continue;
      const curves = (bundles[i] ?? []).map((curve) => curve.values);
      deriver.ask("quantiles", { curves, shares: SHARES }, abort.signal).then(
        (found) => {
          quantiles.put(values, "", found);
          if (!abort.signal.aborted) drawAgain();
        },
        // Canceled because something else is looked at; or the curves stand alone.
        () => undefined,
      );
    }
    return () => abort.abort();
  }, [panels, bundles, quantiles, deriver]);
  return useMemo(
    () =>
      panels.map(({ slice, channel: { values } }, i) => {
        const curves = bundles[i] ?? [];
        if (values.length <= FEW) return spreadOf(slice, curves);
        const found = arrived >= 0 ? quantiles.get(values, "") : undefined;
        return found ? toSpread(curves[0]?.coordinates, found) : null;
      }),
    [panels, bundles, quantiles, arrived],
  );
}
