import { crisp, line } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { IN_PLACE } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";

/** Where the two cross-sections are taken: a line along each axis, and a dot where they meet. */
export function drawPin(
  surface: Surface2D,
  chart: Chart,
  { x, y }: { readonly x: number; readonly y: number },
): void {
  const { box } = chart;
  const [px, py] = [crisp(chart.toX(x)), crisp(chart.toY(y))];
  for (const [color, dash] of [
    ["rgba(0, 0, 0, 0.45)", []],
    ["rgba(255, 255, 255, 0.9)", [6, 3]],
  ] as const) {
    line(surface, px, box.y, px, box.y + box.height, color, dash);
    line(surface, box.x, py, box.x + box.width, py, color, dash);
  }
  // A square: circles are steps of the path.
  for (const [half, color] of [
    [6, "#ffffff"],
    [4, "#1f1f1f"],
  ] as const) {
    surface.rect({ x: px - half, y: py - half, width: 2 * half, height: 2 * half }, color);
  }
}

const REACH = 26;
const HEAD = 6;

/** A short arrow across the contours, to where values rise most. */
export function drawUphill(
  surface: Surface2D,
  chart: Chart,
  at: { readonly x: number; readonly y: number },
  [along, across]: readonly [number, number],
): void {
  // Per pixel, so that it stands on the contours whatever the axes' units are.
  const dx = along / (chart.toX(1) - chart.toX(0));
  const dy = across / (chart.toY(1) - chart.toY(0));
  const length = Math.hypot(dx, dy);
  if (!(length > 0) || !Number.isFinite(length)) return;
  const [ux, uy] = [dx / length, dy / length];
  const [x, y] = [chart.toX(at.x), chart.toY(at.y)];
  const [tipX, tipY] = [x + REACH * ux, y + REACH * uy];
  const wing = (side: number) => [
    tipX - HEAD * (ux - side * 0.6 * uy),
    tipY - HEAD * (uy + side * 0.6 * ux),
  ];
  const arrow = {
    lines: [
      Float64Array.of(x + 6 * ux, y + 6 * uy, tipX, tipY),
      Float64Array.of(...wing(1), tipX, tipY, ...wing(-1)),
    ],
  };
  surface.stroke(arrow, IN_PLACE, { color: "rgba(0, 0, 0, 0.6)", width: 4 });
  surface.stroke(arrow, IN_PLACE, { color: "#ffffff", width: 1.75 });
}
