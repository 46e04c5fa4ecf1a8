import { use, useEffect, useReducer } from "react";
import type { Contour, Grid } from "../../plot/contours";
import { unpackContours } from "../../plot/packedContours";
import { sharesOf } from "../../plot/raster";
import type { ContourLevel, Scale } from "../../plot/scale";
import { DerivedContext } from "../../ui/derived";

/**
 * The contours of a grid at some levels of a scale, or nothing until the worker has found them:
 * those of another slice never stand in for them.
 */
export function useContours(
  grid: Grid,
  scale: Scale,
  levels: readonly ContourLevel[],
): readonly Contour[] | null {
  const { contours, deriver } = use(DerivedContext);
  const [, drawAgain] = useReducer((count: number) => count + 1, 0);
  const { values } = grid;
  const choices = [scale.kind, ...scale.domain, ...levels.map(({ value }) => value)].join(" ");
  const known = contours.get(values, choices);
  const missing = known === undefined;
  useEffect(() => {
    if (!missing) return undefined;
    const abort = new AbortController();
    // As the colors are, so that both agree: linear between the samples' shares.
    const shares = { ...grid, values: sharesOf(values, scale) };
    const asked = { grid: shares, levels: levels.map(({ value }) => scale.toShare(value)) };
    deriver.ask("contours", asked, abort.signal).then(
      (packed) => {
        contours.put(values, choices, unpackContours(packed));
        if (!abort.signal.aborted) drawAgain();
      },
      // Canceled because something else is looked at; or it cannot be computed, and the field stands alone.
      () => undefined,
    );
    return () => abort.abort();
    // The choices say what the scale and the levels are.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [missing, values, choices, contours, deriver]);
  return known ?? null;
}
