import { attemptsOf } from "../data/attempts";
import { seriesNamed } from "../data/catalog";
import type { Interval } from "../data/stats";
import { IN_PLACE } from "../plot/geometry";
import type { Surface2D } from "../plot/surface";
import type { Theme } from "../plot/theme";
import type { Selection } from "../state/selection";
import type { StepPlaces } from "../state/stepUnits";
import type { StyleOf } from "../ui/useRunStyle";

export const PADDING = 9;
const MOST_ROWS = 5;
const ROW = 4;
const FLAG = { rise: 7, width: 5, height: 5 };

/** Share of the slider at which a step stands. */
export function shareOf(step: number, [first, last]: Interval): number {
  return first < last ? Math.min(Math.max((step - first) / (last - first), 0), 1) : 0.5;
}

/** The step behind a pixel of the slider, before it snaps to a logged one. */
export function stepAt(pixel: number, width: number, [first, last]: Interval): number {
  const share = Math.min(Math.max((pixel - PADDING) / Math.max(1, width - 2 * PADDING), 0), 1);
  return first + share * (last - first);
}

export function rowsOf({ visible, seriesName }: Selection): number {
  const withSteps = visible.filter(({ run }) => seriesNamed(run, seriesName));
  return withSteps.length <= MOST_ROWS ? Math.max(1, withSteps.length) : 1;
}

/** A mark for each logged step: a row for each run while there are few, else all in one. */
export function drawTicks(
  surface: Surface2D,
  selection: Selection,
  domain: Interval,
  styleOf: StyleOf,
  theme: Theme,
  places: StepPlaces,
): void {
  const rows = selection.visible.flatMap(({ run, place }) => {
    const series = seriesNamed(run, selection.seriesName);
    if (!series) return [];
    const restarts = attemptsOf(series)?.restarts ?? [];
    return [{ steps: series.steps, restarts, color: styleOf(place).color }];
  });
  const apart = rows.length <= MOST_ROWS;
  const all = rows.flatMap(({ restarts }) => restarts);
  const drawn = apart ? rows : [{ steps: selection.steps, restarts: all, color: theme.muted }];
  const width = surface.width - 2 * PADDING;
  const top = (surface.height - drawn.length * ROW) / 2 + ROW / 2;
  for (const [row, { steps, restarts, color }] of drawn.entries()) {
    const y = top + row * ROW;
    const lines: Float64Array[] = [];
    let lastX = -1;
    for (const step of steps) {
      const x = PADDING + shareOf(places(step), domain) * width;
      // Marks that would cover each other are drawn once.
      if (x - lastX < 1 && lastX >= 0) continue;
      lastX = x;
      lines.push(Float64Array.of(x, y - 1.25, x, y + 1.25));
    }
    const dense = lines.length > width / 3;
    surface.stroke({ lines }, IN_PLACE, { color, width: dense ? 1 : 2, opacity: 0.85 });
    const xs = restarts.map((step) => PADDING + shareOf(places(step), domain) * width);
    drawFlags(surface, xs, top - FLAG.rise, y + ROW / 2, theme);
  }
}

/** Where among the marks one is. */
export function drawHead(surface: Surface2D, x: number, theme: Theme): void {
  const { height } = surface;
  surface.rect({ x: x - 1, y: 4, width: 2, height: height - 6 }, theme.playHead);
  surface.circle(x, height - 7, 5, theme.playHead, { color: theme.background, width: 2 });
}

/** A pennant above all rows, on a pole that stands on the row of its run. */
function drawFlags(
  surface: Surface2D,
  xs: readonly number[],
  top: number,
  bottom: number,
  { muted }: Theme,
): void {
  if (xs.length === 0) return;
  const places = [...new Set(xs.map((x) => Math.round(x) + 0.5))];
  const poles = places.map((x) => Float64Array.of(x, top, x, bottom));
  surface.stroke({ lines: poles }, IN_PLACE, { color: muted, width: 1 });
  const { width, height } = FLAG;
  const pennants = places.map((x) =>
    Float64Array.of(x, top, x + width, top + height / 2, x, top + height),
  );
  surface.fill({ lines: pennants }, IN_PLACE, muted);
}
