import { drawAxes, drawFrame } from "../../plot/axes";
import type { Chart } from "../../plot/chart";
import { formatValue } from "../../plot/format";
import { band, IN_PLACE, polyline } from "../../plot/geometry";
import { drawZeroLine } from "../../plot/marks/zeroLine";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import { BAND, drawBand } from "../shared/errors";
import { drawGaps } from "../shared/drawGaps";
import { drawKey, type KeyEntry } from "../shared/drawKey";
import type { BarrierMark } from "./barrierModel";
import { drawBracket, drawChord } from "./drawBarrier";
import type { Curve } from "./lineModel";
import type { Skin } from "./otherSteps";

export interface StyledCurve extends Curve {
  readonly color: string;
  readonly dash: readonly number[];
  /** The value measured at coordinate 0 itself. */
  readonly center: number;
  readonly barrier?: BarrierMark | null;
}

/** Another step's curve, faint. */
export interface StyledSkin extends Skin {
  readonly color: string;
}

interface LinesDrawing {
  readonly curves: readonly StyledCurve[];
  readonly skins?: readonly StyledSkin[];
  readonly envelope: { readonly low: Float32Array; readonly high: Float32Array } | null;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly theme: Theme;
  /** Whether numbers and names stand at the left and at the bottom. */
  readonly left?: boolean;
  readonly bottom?: boolean;
}

/** Curves over their coordinate, with a dot where each slice was taken. */
export function drawLines(surface: Surface2D, chart: Chart, drawing: LinesDrawing): void {
  const { curves, theme } = drawing;
  const { box } = chart;
  drawAxes(surface, chart, theme, drawing);
  drawZeroLine(surface, chart, theme);
  const marks = curves.flatMap(({ barrier }) => barrier ?? []);
  surface.clip(box, () => {
    for (const curve of curves) drawGaps(surface, chart, curve, theme);
    drawEnvelope(surface, chart, drawing);
    drawSkins(surface, chart, drawing.skins ?? []);
    // A band would hide the curves of the steps around.
    const bands = drawing.skins?.length ? [] : curves;
    for (const curve of bands) drawBand(surface, chart, curve, curve.color);
    for (const mark of marks) drawChord(surface, chart, mark, theme);
    for (const curve of curves) {
      drawCurve(surface, chart, curve, 1.75);
      drawEvaluated(surface, chart, curve, theme);
    }
  });
  drawFrame(surface, box, theme);
  for (const mark of marks) drawBracket(surface, chart, mark, theme);
  for (const curve of curves) drawDot(surface, chart, curve, theme, curves.length === 1);
  drawKey(surface, box, keyOf(drawing), theme);
}

const FAINTEST = 0.14;
const STRONGEST = 0.55;
const LATER_DASH = [2, 3];

/** The nearer in time, the stronger; what came later is dotted. */
function drawSkins(surface: Surface2D, chart: Chart, skins: readonly StyledSkin[]): void {
  const farthest = Math.max(...skins.map(({ away }) => Math.abs(away)));
  for (const { coordinates, values, away, color } of skins) {
    const share = farthest > 1 ? (Math.abs(away) - 1) / (farthest - 1) : 0;
    const shape = polyline(
      coordinates.length,
      (i) => chart.toX(coordinates[i] ?? NaN),
      (i) => chart.toY(values[i] ?? NaN),
    );
    surface.stroke(shape, IN_PLACE, {
      color,
      width: 1.5,
      dash: away > 0 ? LATER_DASH : [],
      opacity: STRONGEST + share * (FAINTEST - STRONGEST),
    });
  }
}

export function drawCurve(surface: Surface2D, chart: Chart, curve: StyledCurve, width: number) {
  const { coordinates, values, evaluated, allowed, color, dash } = curve;
  // A logarithm would blow up what is within the tolerance.
  const unknown = (i: number) =>
    chart.y.kind === "log" && evaluated?.[i] === 0 && (values[i] ?? NaN) < allowed;
  const shape = polyline(
    coordinates.length,
    (i) => chart.toX(coordinates[i] ?? NaN),
    (i) => (unknown(i) ? NaN : chart.toY(values[i] ?? NaN)),
  );
  surface.stroke(shape, IN_PLACE, { color, width, dash });
}

/** A curve that others stand out from. */
export function drawFaint(surface: Surface2D, chart: Chart, curve: Curve, color: string): void {
  const shape = polyline(
    curve.coordinates.length,
    (i) => chart.toX(curve.coordinates[i] ?? NaN),
    (i) => chart.toY(curve.values[i] ?? NaN),
  );
  surface.stroke(shape, IN_PLACE, { color, width: 1, opacity: 0.35 });
}

/** A dot where a value was evaluated, if others were interpolated. */
function drawEvaluated(surface: Surface2D, chart: Chart, curve: StyledCurve, theme: Theme): void {
  const { coordinates, values, evaluated, color } = curve;
  if (!evaluated) return;
  for (const [i, at] of coordinates.entries()) {
    const y = chart.toY(values[i] ?? NaN);
    if (evaluated[i] === 0 || !Number.isFinite(y)) continue;
    surface.circle(chart.toX(at), y, 2.25, color, { color: theme.background, width: 0.75 });
  }
}

function drawEnvelope(surface: Surface2D, chart: Chart, { envelope, curves }: LinesDrawing): void {
  const [curve] = curves;
  if (!envelope || !curve) return;
  // What has no place on the scale is drawn at its edge: a band has no gaps.
  const clamp = (value: number) => {
    const y = chart.toY(Math.max(value, chart.y.domain[0]));
    return Number.isFinite(y) ? Math.max(y, chart.box.y - 4) : NaN;
  };
  const area = band(
    curve.coordinates.length,
    (i) => chart.toX(curve.coordinates[i] ?? NaN),
    (i) => clamp(envelope.low[i] ?? NaN),
    (i) => clamp(envelope.high[i] ?? NaN),
  );
  surface.fill(area, IN_PLACE, curve.color, ENVELOPE);
}

const ENVELOPE = 0.1;

function keyOf({ curves, envelope, skins = [] }: LinesDrawing): KeyEntry[] {
  const [curve] = curves;
  if (!curve) return [];
  const { color } = curve;
  const key: KeyEntry[] = [];
  if (skins.length === 0 && curves.some(({ errors }) => errors)) {
    const label = curves.some(({ atMost }) => atMost) ? "95 %, at most" : "95 %";
    key.push({ label, color, opacity: BAND });
  }
  const before = skins.reduce((most, { away }) => Math.max(most, -away), 0);
  const after = skins.reduce((most, { away }) => Math.max(most, away), 0);
  const skin = { color, opacity: STRONGEST, thickness: 1.5 };
  if (before > 0) key.push({ ...skin, label: stepsText(before, "before") });
  if (after > 0) key.push({ ...skin, label: `${stepsText(after, "after")}, dotted` });
  if (envelope) key.push({ label: "all steps", color, opacity: ENVELOPE });
  return key;
}

function stepsText(count: number, side: string): string {
  return `${count} ${count === 1 ? "step" : "steps"} ${side}`;
}

function drawDot(
  surface: Surface2D,
  chart: Chart,
  { center, color }: StyledCurve,
  theme: Theme,
  labeled: boolean,
): void {
  const x = chart.toX(0);
  const y = chart.toY(center);
  const { box } = chart;
  if (!(x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height)) return;
  surface.circle(x, y, 4, color, { color: theme.background, width: 1.5 });
  if (!labeled) return;
  const above = box.y + box.height - y < 28;
  surface.text(x, y + (above ? -10 : 10), formatValue(center), {
    color: theme.text,
    halo: theme.background,
    bold: true,
    align: "center",
    baseline: above ? "bottom" : "top",
  });
}
