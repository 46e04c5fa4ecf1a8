import { drawAxes, drawFrame } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { elideMiddle, formatStep } from "../../plot/format";
import { band, IN_PLACE, polyline } from "../../plot/geometry";
import { drawZeroLine } from "../../plot/marks/zeroLine";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { drawKey, type KeyEntry } from "../shared/drawKey";
import { drawnOf, HELD, type NamedCurve, type Spread } from "./bundleModel";

export interface StyledBundle {
  readonly curves: readonly NamedCurve[];
  readonly spread: Spread | null;
  /** Places of the curves that stand out. */
  readonly outliers: readonly number[];
  readonly color: string;
  readonly dash: readonly number[];
  /** Measured at the focus points themselves. */
  readonly centers: Float64Array;
}

interface BundlesDrawing {
  readonly bundles: readonly StyledBundle[];
  /** Whether each curve is drawn, and not only those that stand out. */
  readonly every: boolean;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly theme: Theme;
}

// Of the widest band and those inside of it; they lie on top of each other.
const OPACITY = [0.14, 0.16, 0.2] as const;

/** Many curves, thin and translucent, their median and the bands that most of them lie in. */
export function drawBundles(surface: Surface2D, chart: Chart, drawing: BundlesDrawing): void {
  const { bundles, every, theme } = drawing;
  const { box } = chart;
  drawAxes(surface, chart, theme, drawing);
  drawZeroLine(surface, chart, theme);
  surface.clip(box, () => {
    for (const bundle of bundles) drawCurves(surface, chart, bundle, bundles.length, every);
    for (const bundle of bundles) drawSpread(surface, chart, bundle, theme);
    for (const bundle of bundles) drawOutliers(surface, chart, bundle);
  });
  drawFrame(surface, box, theme);
  for (const { centers, color } of bundles) {
    for (const center of new Set(centers)) {
      const [x, y] = [chart.toX(0), chart.toY(center)];
      const inside = x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
      if (inside) surface.circle(x, y, 3.5, color, { color: theme.background, width: 1.5 });
    }
  }
  drawKey(surface, box, keyOf(bundles), theme);
}

function keyOf(bundles: readonly StyledBundle[]): KeyEntry[] {
  const [first] = bundles;
  if (!first?.spread) return [];
  const { color } = first;
  const bands = HELD.map((held, i) => {
    const opacity = OPACITY.slice(0, i + 1).reduce((sum, one) => sum + one, 0);
    return { label: `${100 * held} %`, color, opacity };
  });
  const outliers = bundles.reduce((sum, bundle) => sum + bundle.outliers.length, 0);
  const count = bundles.reduce((sum, { curves }) => sum + curves.length, 0);
  return [
    { label: `median of ${formatStep(count)}`, color, opacity: 1, thickness: 2.5 },
    ...bands.reverse(),
    ...(outliers > 0
      ? [{ label: outliers === 1 ? "1 outlier" : `${outliers} outliers`, color, ...OUTLIER }]
      : []),
  ];
}

// The more curves, the fainter each: what many of them share still stands out.
function drawCurves(
  surface: Surface2D,
  chart: Chart,
  bundle: StyledBundle,
  bundles: number,
  every: boolean,
): void {
  if (!every && bundle.spread) return;
  const curves = drawnOf(bundle.curves);
  const most = bundle.spread ? 0.45 : 0.7;
  const opacity = Math.min(most, Math.max(0.05, 2 / Math.sqrt(curves.length * bundles)));
  for (const curve of curves) {
    const shape = shapeOf(chart, curve.coordinates, curve.values);
    surface.stroke(shape, IN_PLACE, { color: bundle.color, width: 1, opacity });
  }
}

const OUTLIER = { opacity: 0.75, thickness: 1 } as const;

function drawOutliers(surface: Surface2D, chart: Chart, bundle: StyledBundle): void {
  for (const place of bundle.outliers) {
    const curve = bundle.curves[place];
    if (!curve) continue;
    const shape = shapeOf(chart, curve.coordinates, curve.values);
    const { opacity, thickness: width } = OUTLIER;
    surface.stroke(shape, IN_PLACE, { color: bundle.color, width, opacity, dash: [5, 2] });
  }
}

function drawSpread(surface: Surface2D, chart: Chart, bundle: StyledBundle, theme: Theme): void {
  const { spread, color, dash } = bundle;
  if (!spread) return;
  const { coordinates, bands, median, lowest, highest } = spread;
  const { box, y } = chart;
  // Infinite quantiles and those below a logarithm's reach end at the border.
  const clamp = (value: number) => Math.max(chart.toY(Math.max(value, y.domain[0])), box.y - 4);
  for (const [i, { low, high }] of bands.entries()) {
    const area = band(
      coordinates.length,
      (at) => chart.toX(coordinates[at] ?? NaN),
      (at) => clamp(low[at] ?? NaN),
      (at) => clamp(high[at] ?? NaN),
    );
    surface.fill(area, IN_PLACE, color, OPACITY[i]);
  }
  for (const edge of [lowest, highest]) {
    const shape = shapeOf(chart, coordinates, edge);
    surface.stroke(shape, IN_PLACE, { color, width: 0.75, opacity: 0.5 });
  }
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

/** The curve that was chosen, with its name at its higher end. */
export function drawSelected(
  surface: Surface2D,
  chart: Chart,
  { coordinates, values, name, color }: NamedCurve & { readonly color: string },
  theme: Theme,
): void {
  const { box } = chart;
  const shape = shapeOf(chart, coordinates, values);
  surface.clip(box, () => {
    surface.stroke(shape, IN_PLACE, { color: theme.background, width: 5 });
    surface.stroke(shape, IN_PLACE, { color, width: 2 });
    surface.stroke(shape, IN_PLACE, { color: theme.text, width: 1, dash: [1, 4] });
  });
  const finite = [...coordinates.keys()].filter((i) => Number.isFinite(values[i] ?? NaN));
  const last = finite.at(-1);
  if (last === undefined) return;
  const y = Math.min(Math.max(chart.toY(values[last] ?? 0), box.y + 30), box.y + box.height - 12);
  surface.text(box.x + box.width - 8, y - 10, elideMiddle(name, 40), {
    color: theme.text,
    halo: theme.background,
    align: "right",
    bold: true,
  });
}
