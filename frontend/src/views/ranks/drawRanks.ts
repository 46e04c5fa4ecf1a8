import { crisp, line } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { elideMiddle, formatStep } from "../../plot/format";
import { IN_PLACE, polyline, type Shape } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { shownRanks, type RanksAt } from "./ranksModel";

export interface RanksDrawing {
  readonly history: readonly RanksAt[];
  readonly names: readonly string[];
  readonly step: number;
  readonly color: string;
  readonly theme: Theme;
}

const NAMED = 6;
const LETTERS = 24;

/** Each line's rank over steps; those that lead now are strong and carry their names. */
export function drawRanks(surface: Surface2D, chart: Chart, drawing: RanksDrawing): void {
  const { history, names, step, color, theme } = drawing;
  const { box } = chart;
  const shown = shownRanks(names.length);
  for (let rank = 1; rank <= shown; rank += rank === 1 && shown > 8 ? 4 : shown > 8 ? 5 : 1) {
    const y = crisp(chart.toY(rank));
    line(surface, box.x, y, box.x + box.width, y, theme.grid);
    surface.text(box.x - 8, y, `${rank}`, { color: theme.muted, align: "right" });
  }
  drawSteps(surface, chart, theme);
  const leading = leadersAt(history, step);
  surface.clip({ ...box, x: box.x - 6, width: box.width + 12 }, () => {
    const now = crisp(chart.toX(step));
    line(surface, now, box.y, now, box.y + box.height, theme.playHead);
    for (const [one] of names.entries()) {
      if (leading.includes(one)) continue;
      surface.stroke(rankShape(chart, history, one), IN_PLACE, { color: theme.frame, width: 1.25 });
    }
    for (const one of [...leading].reverse()) {
      const shape = rankShape(chart, history, one);
      surface.stroke(shape, IN_PLACE, { color: theme.background, width: 4.5 });
      surface.stroke(shape, IN_PLACE, { color, width: 2 });
    }
  });
  const last = history.at(-1);
  for (const [one, name] of names.entries()) {
    const rank = last?.ranks[one] ?? Infinity;
    if (rank > shown) continue;
    const strong = leading.includes(one);
    const [x, y] = [box.x + box.width, chart.toY(rank)];
    surface.circle(x, y, strong ? 3.5 : 2.5, strong ? color : theme.background, {
      color: strong ? theme.background : theme.frame,
      width: strong ? 1.25 : 1,
    });
    surface.text(x + 9, y, elideMiddle(name, LETTERS), {
      color: strong ? theme.text : theme.muted,
      size: 10,
    });
  }
}

/** The lines of the first ranks at a step, or at the last one before it that has arrived. */
function leadersAt(history: readonly RanksAt[], step: number): number[] {
  const at = [...history].reverse().find((one) => one.step <= step) ?? history[0];
  if (!at) return [];
  return Array.from({ length: Math.min(NAMED, at.ranks.length) }, (_, i) =>
    at.ranks.indexOf(i + 1),
  );
}

export function rankShape(chart: Chart, history: readonly RanksAt[], one: number): Shape {
  return polyline(
    history.length,
    (i) => chart.toX(history[i]?.step ?? NaN),
    (i) => chart.toY(history[i]?.ranks[one] ?? NaN),
  );
}

function drawSteps(surface: Surface2D, chart: Chart, theme: Theme): void {
  const { box } = chart;
  const bottom = box.y + box.height;
  for (const { value } of chart.x.ticks(Math.max(2, box.width / 72))) {
    const at = { color: theme.muted, align: "center", baseline: "top" } as const;
    surface.text(crisp(chart.toX(value)), bottom + 6, formatStep(value), at);
  }
  const named = { color: theme.muted, align: "center", baseline: "bottom" } as const;
  surface.text(box.x + box.width / 2, Math.min(surface.height, bottom + 36), "step", named);
  surface.text(Math.max(0, box.x - 42), box.y + box.height / 2, "rank", {
    color: theme.muted,
    align: "center",
    baseline: "top",
    angle: -Math.PI / 2,
  });
}
