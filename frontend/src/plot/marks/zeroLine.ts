import { crisp, line } from "../axes";
import type { Chart } from "../chart";
import type { Surface2D } from "../surface";
import type { Theme } from "../theme";

/** A faint line at coordinate 0, where the slices were taken, unless that is the frame or beyond. */
export function drawZeroLine(surface: Surface2D, chart: Chart, theme: Theme): void {
  const share = chart.x.toShare(0);
  if (share <= 0 || share >= 1) return;
  const { box } = chart;
  const zero = crisp(chart.toX(0));
  line(surface, zero, box.y, zero, box.y + box.height, theme.frame, [2, 3]);
}
