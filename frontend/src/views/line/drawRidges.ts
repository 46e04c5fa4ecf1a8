import { crisp, line } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { formatCoordinate, formatStep, formatValue } from "../../plot/format";
import { IN_PLACE, polyline, type Box, type Shape } from "../../plot/geometry";
import type { Scale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import type { Ridge } from "./otherSteps";

/** Where ridges stand: the oldest highest and behind, the newest at the bottom and in front. */
export interface RidgeLayout {
  readonly height: number;
  readonly baseline: (place: number) => number;
}

const TALLEST = 0.34;

export function layOutRidges(box: Box, count: number): RidgeLayout {
  const height = count === 1 ? 0.9 * box.height : TALLEST * box.height;
  const bottom = box.y + box.height;
  const first = box.y + height + 6;
  const gap = count > 1 ? (bottom - first) / (count - 1) : 0;
  return { height, baseline: (place) => (count > 1 ? first + place * gap : bottom) };
}

export interface RidgesDrawing {
  readonly ridges: readonly Ridge[];
  /** Of all steps that were logged. */
  readonly total: number;
  readonly step: number;
  readonly scale: Scale;
  readonly color: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly theme: Theme;
}

/** Each step's curve above a line of its own, hiding what lies behind it. */
export function drawRidges(surface: Surface2D, chart: Chart, drawing: RidgesDrawing): void {
  const { ridges, step, scale, color, theme } = drawing;
  const { box } = chart;
  const layout = layOutRidges(box, ridges.length);
  drawBottom(surface, chart, drawing);
  surface.clip({ ...box, y: box.y - 8, height: box.height + 9 }, () => {
    for (const [place, ridge] of ridges.entries()) {
      const shape = ridgeShape(chart, scale, layout, ridge, place);
      const base = layout.baseline(place);
      for (const top of shape.lines) {
        const area = Float64Array.of(...top, top.at(-2) ?? 0, base, top[0] ?? 0, base);
        surface.fill({ lines: [area] }, IN_PLACE, theme.background, 0.88);
      }
      const now = ridge.step === step;
      // Later ones are nearer, and stronger.
      const opacity = now ? 1 : 0.35 + (0.5 * place) / Math.max(1, ridges.length - 1);
      const stroke = now ? { color: theme.playHead, width: 2.25 } : { color, width: 1, opacity };
      surface.stroke(shape, IN_PLACE, stroke);
    }
  });
  drawSteps(surface, box, layout, drawing);
  drawHeight(surface, box, layout, drawing);
}

export function ridgeShape(
  chart: Chart,
  scale: Scale,
  { height, baseline }: RidgeLayout,
  { coordinates, values }: Ridge,
  place: number,
): Shape {
  const base = baseline(place);
  return polyline(
    coordinates.length,
    (i) => chart.toX(coordinates[i] ?? NaN),
    (i) => {
      const value = values[i] ?? NaN;
      const share = scale.toShare(value);
      // Below a logarithm's reach is its bottom; what is not finite is a gap.
      if (!Number.isFinite(value)) return NaN;
      return base - Math.min(Math.max(Number.isNaN(share) ? 0 : share, 0), 1.15) * height;
    },
  );
}

const LABEL_ROOM = 15;

/** The number of each step on the left, as far as there is room, that of the shown one before all. */
function drawSteps(surface: Surface2D, box: Box, layout: RidgeLayout, drawing: RidgesDrawing) {
  const { ridges, step, theme } = drawing;
  const now = ridges.findIndex((ridge) => ridge.step === step);
  const taken: number[] = [];
  const label = (place: number) => {
    const ridge = ridges[place];
    const y = layout.baseline(place);
    if (!ridge || taken.some((other) => Math.abs(other - y) < LABEL_ROOM)) return;
    taken.push(y);
    const shown = place === now;
    line(surface, box.x - 3, crisp(y), box.x, crisp(y), theme.frame);
    surface.text(box.x - 6, y, formatStep(ridge.step), {
      color: shown ? theme.playHead : theme.muted,
      align: "right",
      bold: shown,
    });
  };
  if (now >= 0) label(now);
  const every = Math.max(1, Math.ceil((LABEL_ROOM * 2 * ridges.length) / Math.max(1, box.height)));
  for (let place = ridges.length - 1; place >= 0; place -= every) label(place);
  surface.text(Math.max(0, box.x - 52), box.y + box.height / 2, "step", {
    color: theme.muted,
    align: "center",
    baseline: "top",
    angle: -Math.PI / 2,
  });
}

function drawBottom(surface: Surface2D, chart: Chart, { xLabel, theme }: RidgesDrawing): void {
  const { box } = chart;
  const bottom = box.y + box.height;
  for (const { value } of chart.x.ticks(Math.max(2, box.width / 64))) {
    const x = crisp(chart.toX(value));
    line(surface, x, box.y, x, bottom, theme.grid);
    const at = { color: theme.muted, align: "center", baseline: "top" } as const;
    surface.text(x, bottom + 6, formatCoordinate(value), at);
  }
  line(surface, box.x, crisp(bottom), box.x + box.width, crisp(bottom), theme.frame);
  const named = { color: theme.muted, align: "center", baseline: "bottom" } as const;
  surface.text(box.x + box.width / 2, Math.min(surface.height, bottom + 36), xLabel, named);
}

/** What the height of a ridge means, and how many of the steps are drawn. */
function drawHeight(surface: Surface2D, box: Box, layout: RidgeLayout, drawing: RidgesDrawing) {
  const { ridges, total, scale, yLabel, theme } = drawing;
  const base = layout.baseline(ridges.length - 1);
  const x = crisp(box.x + box.width + 8);
  const top = base - layout.height;
  const bracket = { lines: [Float64Array.of(x - 3, top, x, top, x, base, x - 3, base)] };
  surface.stroke(bracket, IN_PLACE, { color: theme.muted });
  const [low, high] = scale.domain;
  const style = { color: theme.muted, size: 10 } as const;
  surface.text(x + 4, top, formatValue(high, 3), style);
  surface.text(x + 4, base, formatValue(low, 3), { ...style, baseline: "bottom" });
  const some = ridges.length < total ? `${ridges.length} of ${formatStep(total)} steps` : "";
  const said = [some, scale.kind === "log" ? `${yLabel}, log` : yLabel].filter(Boolean).join(" · ");
  surface.text(box.x + 8, box.y + 4, said, { ...style, halo: theme.background });
}
