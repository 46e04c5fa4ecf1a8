import { useMemo } from "react";
import { atFocusPoint } from "../../data/slice";
import { enclose, quantileRange, summarize } from "../../data/stats";
import { UNCLIPPED } from "../../plot/marks/colorBar";
import type { ScaleKind } from "../../plot/scale";
import { USUAL } from "../../state/outliers";
import { fittedDomain, fixedDomain, withoutOutliers } from "../../state/valueScale";
import { useAppState } from "../../ui/context";
import type { Measured, ValueScale } from "../../views/view";

/** One scale for all pictures of a strip: the range of what is drawn, or the one that was typed. */
export function useStripScale(
  drawn: readonly Measured[],
  scale: ScaleKind,
  colors: boolean,
): ValueScale {
  const scope = useAppState((state) => state.range);
  const typed = useAppState((state) => state.fixedRange);
  const clip = useAppState((state) => state.clip) && colors;
  return useMemo(() => {
    const fixed = scope === "fixed" ? typed : null;
    return stripScale(drawn, scale, fixed, clip);
  }, [drawn, scale, scope, typed, clip]);
}

export function stripScale(
  drawn: readonly Measured[],
  scale: ScaleKind,
  fixed: readonly [number, number] | null,
  clip: boolean,
): ValueScale {
  const values = drawn.map(({ slice, channel, focusPoint }) =>
    atFocusPoint(slice, channel, focusPoint),
  );
  const whole = enclose(
    values.map((own) => {
      const { low, high } = summarize(own);
      return low <= high ? ([low, high] as const) : null;
    }),
  );
  const domain = whole && fittedDomain(scale, whole);
  const kept = fixed && fittedDomain(scale, fixed);
  // Where nothing fits the scale, a linear one still shows that.
  if (kept) return { kind: scale, fixed: true, ...fixedDomain(kept, whole ?? kept) };
  if (!domain) return { kind: "linear", domain: whole ?? [0, 1], clipped: UNCLIPPED };
  const usual = clip ? quantileRange(values, USUAL) : null;
  return { kind: scale, ...withoutOutliers(domain, usual && [-Infinity, usual[1]]) };
}
