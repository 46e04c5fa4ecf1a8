import type { Chart } from "./chart";
import { elideMiddle } from "./format";
import { IN_PLACE, segment, type Box } from "./geometry";
import type { Surface2D } from "./surface";
import type { Theme } from "./theme";

interface AxisOptions {
  readonly xLabel?: string;
  readonly yLabel?: string;
  readonly grid?: boolean;
  readonly xTicks?: number;
  readonly yTicks?: number;
  /** Whether numbers and names stand at the left and at the bottom. */
  readonly left?: boolean;
  readonly bottom?: boolean;
}

/** Grid lines, ticks, numbers and names of both axes. */
export function drawAxes(
  surface: Surface2D,
  chart: Chart,
  theme: Theme,
  { xLabel, yLabel, grid = true, xTicks, yTicks, left = true, bottom: below = true }: AxisOptions,
): void {
  const { box } = chart;
  const bottom = box.y + box.height;
  const number = { color: theme.muted };
  for (const { value, label } of chart.x.ticks(xTicks ?? Math.max(2, box.width / 64))) {
    const x = crisp(chart.toX(value));
    if (grid) line(surface, x, box.y, x, bottom, theme.grid);
    if (!below) continue;
    line(surface, x, bottom, x, bottom + 3, theme.frame);
    surface.text(x, bottom + 6, label, { ...number, align: "center", baseline: "top" });
  }
  for (const { value, label } of chart.y.ticks(yTicks ?? Math.max(2, box.height / 40))) {
    const y = crisp(chart.toY(value));
    if (grid) line(surface, box.x, y, box.x + box.width, y, theme.grid);
    if (!left) continue;
    line(surface, box.x - 3, y, box.x, y, theme.frame);
    surface.text(box.x - 6, y, label, { ...number, align: "right" });
  }
  if (xLabel && below) {
    const at = { ...number, align: "center", baseline: "bottom" } as const;
    surface.text(
      box.x + box.width / 2,
      Math.min(surface.height, bottom + 36),
      fitting(xLabel, box.width),
      at,
    );
  }
  if (yLabel && left) {
    const at = { ...number, align: "center", baseline: "top", angle: -Math.PI / 2 } as const;
    surface.text(Math.max(0, box.x - 52), box.y + box.height / 2, fitting(yLabel, box.height), at);
  }
}

const LETTER = 7;

/** As much of a name as there is room for: users choose names, and no name may cover the picture. */
function fitting(name: string, room: number): string {
  return elideMiddle(name, Math.max(8, Math.floor(room / LETTER)));
}

export function drawFrame(surface: Surface2D, box: Box, theme: Theme): void {
  const [left, top] = [crisp(box.x), crisp(box.y)];
  const [right, bottom] = [crisp(box.x + box.width), crisp(box.y + box.height)];
  const outline = Float64Array.of(left, top, right, top, right, bottom, left, bottom, left, top);
  surface.stroke({ lines: [outline] }, IN_PLACE, { color: theme.frame });
}

/** The middle of a pixel: lines one pixel wide stay one pixel wide. */
export function crisp(position: number): number {
  return Math.floor(position) + 0.5;
}

export function line(
  surface: Surface2D,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  color: string,
  dash: readonly number[] = [],
): void {
  surface.stroke(segment(x0, y0, x1, y1), IN_PLACE, { color, dash });
}
