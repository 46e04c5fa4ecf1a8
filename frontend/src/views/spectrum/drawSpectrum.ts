import { crisp, drawAxes, drawFrame, line } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { formatValue } from "../../plot/format";
import { band, IN_PLACE, polyline, segment } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import type { Curve } from "../line/lineModel";
import { drawBand } from "../shared/errors";
import type { Eigenvalue } from "./spectrumModel";

export interface StyledSpectrum extends Curve {
  readonly color: string;
  readonly dash: readonly number[];
  /** Largest first. */
  readonly eigenvalues: readonly Eigenvalue[];
}

interface SpectraDrawing {
  readonly spectra: readonly StyledSpectrum[];
  readonly xLabel: string;
  readonly theme: Theme;
}

const TICK = 12;

/** Densities as areas, and ticks on the bottom where the top eigenvalues lie. */
export function drawSpectra(surface: Surface2D, chart: Chart, drawing: SpectraDrawing): void {
  const { spectra, xLabel, theme } = drawing;
  const { box } = chart;
  const bottom = box.y + box.height;
  drawNegative(surface, chart, theme);
  drawAxes(surface, chart, theme, { xLabel, yLabel: "density" });
  surface.clip(box, () => {
    for (const spectrum of spectra) drawDensity(surface, chart, spectrum);
  });
  drawFrame(surface, box, theme);
  for (const [i, { eigenvalues, color }] of spectra.entries()) {
    // Those of several runs stand above each other.
    const foot = bottom - i * (TICK + 2);
    for (const eigenvalue of eigenvalues) drawTick(surface, chart, eigenvalue, foot, color, theme);
  }
  const [largest] = spectra[0]?.eigenvalues ?? [];
  if (spectra.length > 1 || !largest) return;
  const x = chart.toX(largest.value);
  if (x < box.x || x > box.x + box.width) return;
  const align = x > box.x + 0.85 * box.width ? "right" : "center";
  surface.text(x, bottom - TICK - 6, `\u03bb max ${formatValue(largest.value)}`, {
    color: theme.text,
    halo: theme.background,
    bold: true,
    align,
    baseline: "bottom",
  });
}

/** Where eigenvalues are negative: directions along which the value curves downward. */
function drawNegative(surface: Surface2D, chart: Chart, theme: Theme): void {
  const { box } = chart;
  const right = Math.min(chart.toX(0), box.x + box.width);
  if (!(right > box.x)) return;
  const [top, bottom] = [box.y, box.y + box.height];
  const area = Float64Array.of(box.x, top, right, top, right, bottom, box.x, bottom);
  surface.fill({ lines: [area] }, IN_PLACE, theme.text, 0.06);
}

function drawDensity(surface: Surface2D, chart: Chart, spectrum: StyledSpectrum): void {
  const { coordinates, values, color, dash } = spectrum;
  const bottom = chart.y.domain[0];
  const x = (i: number) => chart.toX(coordinates[i] ?? NaN);
  const y = (i: number, least: number) => chart.toY(Math.max(values[i] ?? NaN, least));
  const area = band(
    coordinates.length,
    x,
    () => chart.toY(bottom),
    (i) => y(i, bottom),
  );
  surface.fill(area, IN_PLACE, color, 0.16);
  drawBand(surface, chart, spectrum, color);
  // A density too small for the scale leaves the picture: along its bottom would be a value.
  const least = chart.y.kind === "log" ? bottom / 1e3 : -Infinity;
  const outline = polyline(coordinates.length, x, (i) => y(i, least));
  surface.stroke(outline, IN_PLACE, { color, width: 1.75, dash });
}

function drawTick(
  surface: Surface2D,
  chart: Chart,
  { value, residual }: Eigenvalue,
  foot: number,
  color: string,
  theme: Theme,
): void {
  const { box } = chart;
  const position = chart.toX(value);
  if (position < box.x || position > box.x + box.width) return;
  const x = crisp(position);
  const tick = segment(x, foot - TICK, x, foot);
  surface.stroke(tick, IN_PLACE, { color: theme.background, width: 4, opacity: 0.8 });
  surface.stroke(tick, IN_PLACE, { color, width: 2 });
  // How far off it may be, once that can be seen.
  const [left, right] = [chart.toX(value - residual), chart.toX(value + residual)];
  if (right - left > 4) {
    const middle = crisp(foot - TICK / 2);
    line(surface, Math.max(left, box.x), middle, Math.min(right, box.x + box.width), middle, color);
  }
}
