import { unionOfSteps } from "../data/align";
import {
  layoutAt,
  resolutions,
  sampleCount,
  seriesNamed,
  type Catalog,
  type Layout,
  type Run,
  type Series,
} from "../data/catalog";
import { placeOfRun } from "../data/runColors";
import { enclose, type Interval } from "../data/stats";
import type { Choices, ScaleKind } from "./store";

/** A run with its place among TensorBoard's runs, from which its color follows. */
export interface PlacedRun {
  readonly run: Run;
  readonly place: number;
}

/** What the choices come to, given what was logged. */
export interface Selection {
  readonly runs: readonly PlacedRun[];
  readonly visible: readonly PlacedRun[];
  readonly focus: PlacedRun | null;
  readonly methods: readonly string[];
  readonly method: string | null;
  /** Series of the method, by name. */
  readonly seriesNames: readonly string[];
  readonly seriesName: string | null;
  /** What the panels show for the most part: the focus run's newest layout. */
  readonly layout: Layout | null;
  readonly channels: readonly string[];
  readonly channel: string | null;
  readonly resolutions: readonly number[];
  readonly samples: number | null;
  readonly focusPoints: number;
  readonly steps: readonly number[];
  /** Of the channel over all steps of all visible runs. */
  readonly range: Interval | null;
  readonly scale: ScaleKind;
}

const DEFAULT_RUNS = 9;

/** The choices that a selection follows from. */
export type SelectionChoices = Pick<
  Choices,
  "runs" | "focusRun" | "method" | "series" | "channel" | "samples" | "scale"
>;

export function select(
  catalog: Catalog,
  order: readonly string[],
  choices: SelectionChoices,
): Selection {
  const runs = placeRuns(catalog.runs, order);
  const withData = runs.filter(({ run }) => run.series.length > 0);
  const all = withData.flatMap(({ run }) => run.series);
  const methods = distinct(all.flatMap((series) => series.layouts.map((layout) => layout.method)));
  const seriesName = chooseSeries(all, choices.method, choices.series);
  const named = all.filter((series) => series.name === seriesName);
  const method = chooseMethod(named, choices.method);

  const chosen = choices.runs;
  const visible = chosen
    ? runs.filter(({ run }) => chosen.includes(run.name))
    : withData.slice(0, DEFAULT_RUNS);
  const shown = visible.flatMap(({ run }) => seriesNamed(run, seriesName) ?? []);
  const focus =
    visible.find(({ run }) => run.name === choices.focusRun) ??
    visible.find(({ run }) => seriesNamed(run, seriesName)) ??
    visible[0] ??
    null;
  const lead = (focus && seriesNamed(focus.run, seriesName)) ?? shown[0] ?? named[0];
  const layout = lead ? (layoutAt(lead, lead.steps.length - 1) ?? null) : null;
  const channels = distinct(
    (shown.length > 0 ? shown : named).flatMap((s) => s.layouts.flatMap((l) => l.channels)),
  );
  const channel =
    channels.find((name) => name === choices.channel) ?? layout?.channels[0] ?? channels[0] ?? null;
  const range = enclose(shown.map((series) => series.ranges.get(channel ?? "")));
  const choicesOfSamples = resolutionsOf(shown.length > 0 ? shown : named);
  return {
    runs,
    visible,
    focus,
    methods,
    method,
    seriesNames: distinct(all.filter((s) => hasMethod(s, method)).map((s) => s.name)),
    seriesName,
    layout,
    channels,
    channel,
    resolutions: choicesOfSamples,
    samples: nearestBelow(choicesOfSamples, choices.samples),
    focusPoints: layout?.shape[0] ?? 1,
    steps: unionOfSteps(shown.map((series) => series.steps)),
    range,
    scale: choices.scale ?? (layout?.kind === "spectrum" ? "log" : fittingScale(range)),
  };
}

/** Orders of magnitude are invisible on a linear scale; what touches zero has no other. */
export function fittingScale(range: Interval | null): ScaleKind {
  return range && range[0] > 0 && range[1] / range[0] > 50 ? "log" : "linear";
}

function placeRuns(runs: readonly Run[], order: readonly string[]): PlacedRun[] {
  const placed = runs.map((run, i) => ({
    run,
    place: placeOfRun(order, run.name, run.sources, order.length + i),
  }));
  // Runs that never logged a slice stand in the rail too: their absence is an answer.
  const known = new Set(runs.flatMap((run) => [run.name, ...run.sources]));
  const others = order
    .map((name, place) => ({ run: { name, sources: [name], series: [] }, place }))
    .filter(({ run }) => !known.has(run.name));
  return [...placed, ...others].sort((a, b) => a.place - b.place);
}

// A choice of series counts more than one of method, since a link may name either alone.
function chooseSeries(
  all: readonly Series[],
  method: string | null,
  name: string | null,
): string | null {
  const ofMethod = method === null ? all : all.filter((series) => hasMethod(series, method));
  const candidates = ofMethod.length > 0 ? ofMethod : all;
  const chosen = candidates.find((s) => s.name === name) ?? all.find((s) => s.name === name);
  const plane = candidates.find((s) => s.layouts.some((layout) => layout.kind === "plane"));
  return (chosen ?? plane ?? candidates[0])?.name ?? null;
}

function chooseMethod(named: readonly Series[], chosen: string | null): string | null {
  const methods = named.flatMap((series) => series.layouts.map((layout) => layout.method));
  return methods.find((method) => method === chosen) ?? methods[0] ?? null;
}

function hasMethod(series: Series, method: string | null): boolean {
  return series.layouts.some((layout) => layout.method === method);
}

function resolutionsOf(shown: readonly Series[]): number[] {
  const layouts = shown.flatMap((series) => series.layouts);
  const samples = layouts.flatMap((layout) => resolutions(layout).map((choice) => choice.samples));
  return [...new Set(samples)].sort((a, b) => b - a);
}

function nearestBelow(sorted: readonly number[], wanted: number | null): number | null {
  if (wanted === null) return sorted[0] ?? null;
  return sorted.find((samples) => samples <= wanted) ?? sorted.at(-1) ?? null;
}

function distinct(items: readonly string[]): string[] {
  return [...new Set(items)];
}

export function layoutTitle(layout: Layout): string {
  const samples = sampleCount(layout);
  if (layout.kind === "plane") return `${samples} × ${layout.shape[2] ?? samples}`;
  const lines = layout.shape[1] ?? 1;
  return lines > 1 ? `${lines} lines of ${samples}` : `${samples}`;
}
