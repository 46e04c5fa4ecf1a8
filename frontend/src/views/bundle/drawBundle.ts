import { drawAxes, drawFrame } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { band, IN_PLACE, polyline } from "../../plot/geometry";
import { drawZeroLine } from "../../plot/marks/zeroLine";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { drawKey } from "../shared/drawKey";
import { drawnOf, type NamedCurve, type Spread } from "./bundleModel";

export interface StyledBundle {
  readonly curves: readonly NamedCurve[];
  readonly spread: Spread | null;
  readonly color: string;
  readonly dash: readonly number[];
  /** Measured at the focus points themselves. */
  readonly centers: Float64Array;
}

interface BundlesDrawing {
  readonly bundles: readonly StyledBundle[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly theme: Theme;
}

const BAND = 0.2;

/** Many curves, thin and translucent, their median and the band that most of them lie in. */
export function drawBundles(surface: Surface2D, chart: Chart, drawing: BundlesDrawing): void {
  const { bundles, theme } = drawing;
  const { box } = chart;
  drawAxes(surface, chart, theme, drawing);
  drawZeroLine(surface, chart, theme);
  surface.clip(box, () => {
    for (const bundle of bundles) drawCurves(surface, chart, bundle, bundles.length);
    for (const bundle of bundles) drawSpread(surface, chart, bundle, theme);
  });
  drawFrame(surface, box, theme);
  for (const { centers, color } of bundles) {
    for (const center of new Set(centers)) {
      const [x, y] = [chart.toX(0), chart.toY(center)];
      const inside = x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
      if (inside) surface.circle(x, y, 3.5, color, { color: theme.background, width: 1.5 });
    }
  }
  const [first] = bundles;
  if (!first?.spread) return;
  const { color } = first;
  const key = [
    { label: "median", color, opacity: 1, thickness: 2.5 },
    { label: "10\u201390 %", color, opacity: BAND + 0.1 },
  ];
  drawKey(surface, box, key, theme);
}

// The more curves, the fainter each: what many of them share still stands out.
function drawCurves(surface: Surface2D, chart: Chart, bundle: StyledBundle, bundles: number): void {
  const curves = drawnOf(bundle.curves);
  const most = bundle.spread ? 0.45 : 0.7;
  const opacity = Math.min(most, Math.max(0.05, 2 / Math.sqrt(curves.length * bundles)));
  for (const curve of curves) {
    const shape = shapeOf(chart, curve.coordinates, curve.values);
    surface.stroke(shape, IN_PLACE, { color: bundle.color, width: 1, opacity });
  }
}

function drawSpread(surface: Surface2D, chart: Chart, bundle: StyledBundle, theme: Theme): void {
  const { spread, color, dash } = bundle;
  if (!spread) return;
  const { coordinates, low, median, high } = spread;
  const { box, y } = chart;
  // Infinite quantiles and those below a logarithm's reach end at the border.
  const clamp = (value: number) => Math.max(chart.toY(Math.max(value, y.domain[0])), box.y - 4);
  const area = band(
    coordinates.length,
    (i) => chart.toX(coordinates[i] ?? NaN),
    (i) => clamp(low[i] ?? NaN),
    (i) => clamp(high[i] ?? NaN),
  );
  surface.fill(area, IN_PLACE, color, BAND);
  const middle = shapeOf(chart, coordinates, median);
  surface.stroke(middle, IN_PLACE, { color: theme.background, width: 4.5, opacity: 0.7 });
  surface.stroke(middle, IN_PLACE, { color, width: 2.5, dash });
}

export function shapeOf(chart: Chart, coordinates: Float64Array, values: ArrayLike<number>) {
  return polyline(
    coordinates.length,
    (i) => chart.toX(coordinates[i] ?? NaN),
    (i) => chart.toY(values[i] ?? NaN),
  );
}
