import { crisp, drawAxes, drawFrame, line } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { formatValue } from "../../plot/format";
import { IN_PLACE, polyline } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { drawKey, type KeyEntry } from "../shared/drawKey";
import { EDGE_LABEL, ranksOf, type SpectrumAt } from "./eigenvaluesModel";

export interface StyledHistory {
  readonly history: readonly SpectrumAt[];
  readonly color: string;
  readonly dash: readonly number[];
}

interface EigenvaluesDrawing {
  readonly histories: readonly StyledHistory[];
  readonly step: number;
  readonly theme: Theme;
}

/** The largest eigenvalues over steps: the first strong, those behind it fainter and fainter. */
export function drawEigenvalues(surface: Surface2D, chart: Chart, drawing: EigenvaluesDrawing) {
  const { histories, step, theme } = drawing;
  const { box } = chart;
  const [first] = histories;
  drawNegative(surface, chart, theme);
  drawAxes(surface, chart, theme, { xLabel: "step", yLabel: "eigenvalue" });
  surface.clip(box, () => {
    for (const { history, color, dash } of histories) {
      for (let rank = ranksOf(history) - 1; rank >= 0; rank -= 1) {
        const opacity = opacityOf(rank);
        const shape = overSteps(chart, history, ({ values }) => values[rank] ?? NaN);
        surface.stroke(shape, IN_PLACE, { color, dash, opacity, width: rank === 0 ? 2 : 1.25 });
      }
    }
    const now = crisp(chart.toX(step));
    line(surface, now, box.y, now, box.y + box.height, theme.playHead);
    if (first) drawEdge(surface, chart, first.history, theme);
  });
  drawFrame(surface, box, theme);
  const key: KeyEntry[] = [];
  const ranks = first ? ranksOf(first.history) : 0;
  const color = first?.color ?? theme.text;
  if (ranks > 0) key.push({ label: "\u03bb 1", color, opacity: 1, thickness: 2 });
  if (ranks > 1) {
    key.push({ label: `\u03bb 2\u2013${ranks}`, color, opacity: opacityOf(1), thickness: 1.25 });
  }
  drawKey(surface, box, key, theme);
}

function opacityOf(rank: number): number {
  return rank === 0 ? 1 : Math.max(0.3, 0.75 - 0.12 * rank);
}

function overSteps(
  chart: Chart,
  history: readonly SpectrumAt[],
  value: (at: SpectrumAt) => number,
) {
  return polyline(
    history.length,
    (i) => chart.toX(history[i]?.step ?? NaN),
    (i) => {
      const at = history[i];
      return at ? chart.toY(value(at)) : NaN;
    },
  );
}

/** Where curvature is negative: shaded, so that no line below 0 is taken for a small one. */
function drawNegative(surface: Surface2D, chart: Chart, theme: Theme): void {
  const { box } = chart;
  const zero = chart.toY(0);
  const bottom = box.y + box.height;
  if (!(zero < bottom)) return;
  const top = Math.max(zero, box.y);
  const [left, right] = [box.x, box.x + box.width];
  const area = Float64Array.of(left, top, right, top, right, bottom, left, bottom);
  surface.fill({ lines: [area] }, IN_PLACE, theme.text, 0.06);
  const style = { color: theme.muted, size: 10, align: "right" } as const;
  surface.text(right - 6, bottom - 9, "negative curvature", style);
}

/** Beyond this line, plain descent with the noted learning rate does not settle. */
function drawEdge(
  surface: Surface2D,
  chart: Chart,
  history: readonly SpectrumAt[],
  theme: Theme,
): void {
  const shape = overSteps(chart, history, ({ edge }) => edge);
  surface.stroke(shape, IN_PLACE, { color: theme.text, width: 1.25, dash: [6, 4] });
  const last = [...history].reverse().find(({ edge }) => Number.isFinite(edge));
  if (!last) return;
  const { box } = chart;
  const y = chart.toY(last.edge);
  if (!(y >= box.y && y <= box.y + box.height)) return;
  const below = y < box.y + 20;
  surface.text(box.x + box.width - 6, y + (below ? 9 : -9), edgeText(last.edge), {
    color: theme.text,
    halo: theme.background,
    align: "right",
  });
}

function edgeText(edge: number): string {
  return `${EDGE_LABEL} = ${formatValue(edge, 3)}`;
}

/** The trace over the same steps, on a scale of its own. */
export function drawTraces(surface: Surface2D, chart: Chart, drawing: EigenvaluesDrawing): void {
  const { histories, step, theme } = drawing;
  const { box } = chart;
  const yTicks = Math.max(2, box.height / 34);
  drawAxes(surface, chart, theme, { xLabel: "step", yLabel: "trace", yTicks });
  surface.clip(box, () => {
    for (const { history, color, dash } of histories) {
      const shape = overSteps(chart, history, ({ trace }) => trace);
      surface.stroke(shape, IN_PLACE, { color, dash, width: 1.5 });
    }
    const now = crisp(chart.toX(step));
    line(surface, now, box.y, now, box.y + box.height, theme.playHead);
  });
  drawFrame(surface, box, theme);
}
