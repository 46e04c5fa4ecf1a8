import { drawAxes, drawFrame } from "../../plot/axes";
import { contains, createChart, innerBox, linear, type Chart, type Size } from "../../plot/chart";
import { formatCoordinate, formatValue } from "../../plot/format";
import { drawZeroLine } from "../../plot/marks/zeroLine";
import { airy, createScale, type Scale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { drawCurve } from "../line/drawLines";
import { sampleAt } from "../line/lineModel";
import { drawGaps } from "../shared/drawGaps";
import type { Cut } from "./cutModel";

const MARGINS = { top: 26, right: 14, bottom: 40, left: 62 };

export function layOutCut(size: Size, { coordinates }: Cut, scale: Scale): Chart {
  const [low, high] = [coordinates[0] ?? 0, coordinates.at(-1) ?? 1];
  const y = createScale(scale.kind, airy(scale.kind, scale.domain));
  return createChart(innerBox(size, MARGINS), linear([low, high]), y);
}

interface CutDrawing {
  readonly cut: Cut;
  /** Names of the axis that it runs along, and of the other one. */
  readonly names: readonly [string, string];
  /** Where it was pinned. */
  readonly at: number;
  readonly color: string;
  readonly theme: Theme;
}

/** A cross-section as a line, with a dot where it was pinned. */
export function drawCut(surface: Surface2D, chart: Chart, drawing: CutDrawing): void {
  const { cut, names, at, color, theme } = drawing;
  const { box } = chart;
  const xTicks = Math.max(2, box.width / 56);
  drawAxes(surface, chart, theme, {
    xLabel: names[0],
    xTicks,
    yTicks: Math.max(3, box.height / 34),
  });
  drawZeroLine(surface, chart, theme);
  surface.clip(box, () => {
    drawGaps(surface, chart, cut, theme);
    drawCurve(surface, chart, { ...cut, color, dash: [], center: NaN }, 1.75);
  });
  drawFrame(surface, box, theme);
  const said = `${names[1]} = ${formatCoordinate(cut.other)}`;
  surface.text(box.x, box.y - 11, said, { color: theme.muted });
  const { x, value } = sampleAt(cut, at);
  const [px, py] = [chart.toX(x), chart.toY(value)];
  if (!contains(box, px, py)) return;
  surface.circle(px, py, 4, color, { color: theme.background, width: 1.5 });
  const above = box.y + box.height - py < 28;
  surface.text(px, py + (above ? -10 : 10), formatValue(value), {
    color: theme.text,
    halo: theme.background,
    bold: true,
    align: px > box.x + box.width - 30 ? "right" : px < box.x + 30 ? "left" : "center",
    baseline: above ? "bottom" : "top",
  });
}
