import type { Chart } from "../../plot/chart";
import { drawHatch } from "../../plot/marks/hatch";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import type { Curve } from "../line/lineModel";

/** Intervals of the coordinate around samples that are not finite, each half way to its neighbors. */
export function gapsOf({ coordinates, values }: Curve): [number, number][] {
  const gaps: [number, number][] = [];
  const middle = (i: number, j: number) => {
    const here = coordinates[i] ?? 0;
    return (here + (coordinates[j] ?? here)) / 2;
  };
  for (const [i, value] of values.entries()) {
    if (Number.isFinite(value)) continue;
    const [from, to] = [middle(i, i - 1), middle(i, i + 1)];
    const last = gaps.at(-1);
    if (last?.[1] === from) last[1] = to;
    else gaps.push([from, to]);
  }
  return gaps;
}

// A lone coordinate is as wide as can be seen.
const LEAST = 3;

/** Hatches what is not finite, from the bottom to the top of a chart. */
export function drawGaps(surface: Surface2D, chart: Chart, curve: Curve, theme: Theme): void {
  const { box } = chart;
  for (const [from, to] of gapsOf(curve)) {
    const [left, right] = [chart.toX(from), chart.toX(to)];
    const width = Math.max(right - left, LEAST);
    const x = Math.max((left + right - width) / 2, box.x);
    const end = Math.min((left + right + width) / 2, box.x + box.width);
    drawHatch(surface, { ...box, x, width: end - x }, theme);
  }
}
