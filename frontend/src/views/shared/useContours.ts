import { use, useMemo } from "react";
import type { Contour, Grid } from "../../plot/contours";
import { unpackContours } from "../../plot/packedContours";
import { sharesOf } from "../../plot/raster";
import type { ContourLevel, Scale } from "../../plot/scale";
import { DerivedContext } from "../../ui/derived";
import { useDerived } from "../../ui/useDerived";

/** The contours of a grid at some levels of a scale, or nothing until the worker has found them. */
export function useContours(
  grid: Grid,
  scale: Scale,
  levels: readonly ContourLevel[],
): readonly Contour[] | null {
  const { contours } = use(DerivedContext);
  const wanted = useMemo(() => {
    const { values } = grid;
    const choices = [scale.kind, ...scale.domain, ...levels.map(({ value }) => value)].join(" ");
    // As the colors are, so that both agree: linear between the samples' shares.
    const ask = () => ({
      grid: { ...grid, values: sharesOf(values, scale) },
      levels: levels.map(({ value }) => scale.toShare(value)),
    });
    return [{ source: values, choices, ask }];
  }, [grid, scale, levels]);
  return useDerived("contours", contours, unpackContours, wanted)[0] ?? null;
}
