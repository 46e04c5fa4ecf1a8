import { crisp } from "../../plot/axes";
import { contains, type Chart } from "../../plot/chart";
import { IN_PLACE, polyline } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import { textWidth } from "../../plot/textWidth";
import type { Theme } from "../../plot/theme";
import type { BarrierMark } from "./barrierModel";

const CAP = 5;
const CHORD_POINTS = 65;

/** The straight line between two ends, dashed: a curve where the scale is not linear. */
export function drawChord(surface: Surface2D, chart: Chart, mark: BarrierMark, theme: Theme): void {
  const chord = polyline(
    CHORD_POINTS,
    (i) => chart.toX(i / (CHORD_POINTS - 1)),
    (i) => {
      const share = i / (CHORD_POINTS - 1);
      return chart.toY((1 - share) * mark.start + share * mark.end);
    },
  );
  surface.stroke(chord, IN_PLACE, { color: theme.muted, width: 1.25, dash: [5, 4] });
}

/** A bracket from the straight line up to the curve, and its height in words beside it. */
export function drawBracket(
  surface: Surface2D,
  chart: Chart,
  mark: BarrierMark,
  theme: Theme,
): void {
  const { box } = chart;
  const x = crisp(chart.toX(mark.where));
  const [top, foot] = [crisp(chart.toY(mark.top)), crisp(chart.toY(mark.foot))];
  if (!mark.label || !contains(box, x, top) || !contains(box, x, foot)) return;
  const bracket = {
    lines: [
      Float64Array.of(x - CAP, top, x + CAP, top),
      Float64Array.of(x, top, x, foot),
      Float64Array.of(x - CAP, foot, x + CAP, foot),
    ],
  };
  surface.stroke(bracket, IN_PLACE, { color: theme.background, width: 4 });
  surface.stroke(bracket, IN_PLACE, { color: theme.text, width: 1.5 });
  const style = { color: theme.text, halo: theme.background, size: 12, bold: true } as const;
  const room = box.x + box.width - x - CAP - 12;
  // Under the chord where the bracket is too short to stand beside.
  if (foot - top < 18) {
    const half = textWidth(mark.label, style.size) / 2 + 6;
    const middle = Math.min(Math.max(x, box.x + half), box.x + box.width - half);
    const below = box.y + box.height - foot > 28;
    surface.text(middle, below ? foot + 8 : top - 8, mark.label, {
      ...style,
      align: "center",
      baseline: below ? "top" : "bottom",
    });
    return;
  }
  const right = room > textWidth(mark.label, style.size) * 1.15;
  // In the lower part, where hills leave more room than at their tops.
  const y = foot - Math.max(9, 0.3 * (foot - top));
  surface.text(x + (right ? CAP + 5 : -CAP - 5), y, mark.label, {
    ...style,
    align: right ? "left" : "right",
  });
}
