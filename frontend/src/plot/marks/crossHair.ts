import { crisp, line } from "../axes";
import type { Chart } from "../chart";
import type { Surface2D } from "../surface";

const DARK = "rgba(0, 0, 0, 0.4)";
const LIGHT = "rgba(255, 255, 255, 0.75)";

/**
 * Hairs through a point of a field, readable on any color: light ones on dark ones. Where a part of
 * the field is shown, those of a point beside it that would cross it.
 */
export function drawCrossHair(surface: Surface2D, chart: Chart, x: number, y: number): void {
  const { box } = chart;
  const px = crisp(chart.toX(x));
  const py = crisp(chart.toY(y));
  const across = px >= box.x - 1 && px <= box.x + box.width + 1;
  const along = py >= box.y - 1 && py <= box.y + box.height + 1;
  for (const [color, dash] of [
    [DARK, []],
    [LIGHT, [3, 3]],
  ] as const) {
    if (across) line(surface, px, box.y, px, box.y + box.height, color, dash);
    if (along) line(surface, box.x, py, box.x + box.width, py, color, dash);
  }
  if (!across || !along) return;
  surface.circle(px, py, 3.5, "#ffffff", { color: "#000000", width: 1.5 });
}

/** A small cross: here the slice was taken. */
export function drawCenter(surface: Surface2D, chart: Chart, x = 0, y = 0): void {
  const px = crisp(chart.toX(x));
  const py = crisp(chart.toY(y));
  for (const [color, reach, width] of [
    ["rgba(0, 0, 0, 0.7)", 7, 3],
    ["#ffffff", 6, 1.25],
  ] as const) {
    const shape = {
      lines: [
        Float64Array.of(px - reach, py, px + reach, py),
        Float64Array.of(px, py - reach, px, py + reach),
      ],
    };
    surface.stroke(shape, { scaleX: 1, scaleY: 1, shiftX: 0, shiftY: 0 }, { color, width });
  }
}
