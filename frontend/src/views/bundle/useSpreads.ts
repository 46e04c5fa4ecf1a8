import { use, useMemo } from "react";
import { sharesCoordinates } from "../../data/slice";
import { DerivedContext } from "../../ui/derived";
import { useDerived } from "../../ui/useDerived";
import type { PanelSlice } from "../view";
import { SHARES, spreadOf, toSpread, type NamedCurve, type Spread } from "./bundleModel";

/** Values that are sorted faster than a message comes back. */
const FEW = 20_000;

/** The spread of each bundle: at once where it is small, else when the worker has found it. */
export function useSpreads(
  panels: readonly PanelSlice[],
  bundles: readonly (readonly NamedCurve[])[],
): readonly (Spread | null)[] {
  const { quantiles } = use(DerivedContext);
  const wanted = useMemo(
    () =>
      panels.flatMap(({ slice, channel: { values } }, i) => {
        const ask = () => ({
          curves: (bundles[i] ?? []).map((curve) => curve.values),
          shares: SHARES,
        });
        const large = values.length > FEW && sharesCoordinates(slice);
        return large ? [{ source: values, choices: "", ask }] : [];
      }),
    [panels, bundles],
  );
  const found = useDerived("quantiles", quantiles, itself, wanted);
  const newest = found.filter((one) => one !== null).length;
  return useMemo(
    () =>
      panels.map(({ slice, channel: { values } }, i) => {
        const curves = bundles[i] ?? [];
        if (values.length <= FEW) return spreadOf(slice, curves);
        const derived = newest > 0 ? quantiles.get(values, "") : undefined;
        return derived ? toSpread(curves[0]?.coordinates, derived) : null;
      }),
    [panels, bundles, quantiles, newest],
  );
}

type Quantiles = readonly Float64Array[];

function itself(found: Quantiles): Quantiles {
  return found;
}
