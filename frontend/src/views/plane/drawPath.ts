import { contains, type Chart } from "../../plot/chart";
import { IN_PLACE, polyline } from "../../plot/geometry";
import { formatStep } from "../../plot/format";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { VISIBLY_OFF, type Path } from "./trajectoryModel";

const INK = "#ffffff";
const SHADE = "rgba(0, 0, 0, 0.75)";
const LATER_INK = "rgba(255, 255, 255, 0.6)";
const LATER_SHADE = "rgba(0, 0, 0, 0.35)";
const DOT = 2.6;
const DOT_GAP = 9;

/** The path up to the plane's step, what came later faint, and a ring at the step itself. */
export function drawPath(surface: Surface2D, chart: Chart, path: Path, theme: Theme): void {
  const { xs, ys, steps, now } = path;
  const x = (i: number) => chart.toX(xs[i] ?? NaN);
  const y = (i: number) => chart.toY(ys[i] ?? NaN);
  const part = (from: number, to: number) =>
    polyline(
      Math.max(0, to - from),
      (i) => x(from + i),
      (i) => y(from + i),
    );
  const past = part(0, now + 1);
  const later = part(Math.max(now, 0), steps.length);
  surface.stroke(later, IN_PLACE, { color: LATER_SHADE, width: 3 });
  surface.stroke(later, IN_PLACE, { color: LATER_INK, width: 1.5, dash: [3, 4] });
  surface.stroke(past, IN_PLACE, { color: SHADE, width: 4.5 });
  surface.stroke(past, IN_PLACE, { color: INK, width: 2 });
  for (const i of apart(steps.length, x, y)) {
    const came = i <= now;
    const away = path.off[i] ?? 0;
    if (away >= VISIBLY_OFF) drawRing(surface, x(i), y(i), away, came);
    // The farther off the plane, the fainter.
    const ink = came ? `rgba(255, 255, 255, ${1 - 0.75 * away})` : LATER_INK;
    surface.circle(x(i), y(i), DOT, ink, { color: came ? SHADE : LATER_SHADE, width: 1 });
  }
  const first = steps[0];
  if (first !== undefined && now > 0 && contains(chart.box, x(0), y(0))) {
    const style = { color: INK, halo: "rgba(0, 0, 0, 0.7)", size: 10 };
    const right = x(0) < chart.box.x + 0.7 * chart.box.width;
    surface.text(x(0) + (right ? 7 : -7), y(0), `step ${formatStep(first)}`, {
      ...style,
      align: right ? "left" : "right",
    });
  }
  if (now < 0) return;
  surface.circle(x(now), y(now), 6.5, SHADE);
  surface.circle(x(now), y(now), 5, theme.playHead, { color: INK, width: 1.75 });
}

const WIDEST_RING = 11;

/** A hollow ring as wide as a point is off the plane. */
function drawRing(surface: Surface2D, x: number, y: number, away: number, came: boolean): void {
  const radius = DOT + 1 + WIDEST_RING * away;
  const hollow = "rgba(255, 255, 255, 0)";
  surface.circle(x, y, radius, hollow, { color: "rgba(0, 0, 0, 0.3)", width: 2 });
  const color = `rgba(255, 255, 255, ${came ? 0.7 : 0.4})`;
  surface.circle(x, y, radius, hollow, { color, width: 1 });
}

/** Points that are not too near to the one before; the first and the last are among them. */
function apart(count: number, x: (i: number) => number, y: (i: number) => number): number[] {
  const chosen: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const last = chosen.at(-1);
    const near = last !== undefined && Math.hypot(x(i) - x(last), y(i) - y(last)) < DOT_GAP;
    if (Number.isFinite(x(i) + y(i)) && (!near || i === count - 1)) chosen.push(i);
  }
  return chosen;
}
