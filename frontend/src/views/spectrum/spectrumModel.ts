import { summarize, type Interval } from "../../data/stats";
import { formatUncertain, formatValue } from "../../plot/format";
import type { ScaleKind } from "../../plot/scale";
import { curveOf, sampleAt } from "../line/lineModel";
import { aroundBands } from "../shared/errors";
import type { Headline, Measured, PanelSlice } from "../view";

/** What a spectrum shows: `notes` of its record that this view draws or says. */
export const SPECTRUM_NOTES = [
  "eigenvalues",
  "residuals",
  "trace",
  "trace_error",
  "matrix",
] as const;

export interface Eigenvalue {
  readonly value: number;
  /** How far off it may be; 0 where nobody wrote that down. */
  readonly residual: number;
}

type Where = Pick<Measured, "slice" | "focusPoint">;

/** What a record notes of a focus point: a list has an entry for each where there are several. */
function noted({ slice, focusPoint }: Where, name: (typeof SPECTRUM_NOTES)[number]): unknown {
  const note = slice.notes.get(name);
  if (slice.shape[0] === 1) return note;
  return Array.isArray(note) ? (note as readonly unknown[])[focusPoint] : undefined;
}

/** A noted number of a focus point; NaN where there is none. */
export function notedNumber(measured: Where, name: (typeof SPECTRUM_NOTES)[number]): number {
  const note = noted(measured, name);
  return typeof note === "number" ? note : NaN;
}

/** The top eigenvalues that the record notes, largest first. */
export function eigenvaluesOf(measured: Where): Eigenvalue[] {
  const residuals = numbers(noted(measured, "residuals"));
  return numbers(noted(measured, "eigenvalues"))
    .map((value, i) => ({ value, residual: Math.abs(residuals[i] ?? 0) || 0 }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => b.value - a.value);
}

// In their places, since residuals go with eigenvalues by place.
function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.map((item) => (typeof item === "number" ? item : NaN)) : [];
}

export function largestEigenvalue(panel: PanelSlice): Headline | null {
  const [largest] = eigenvaluesOf(panel);
  return largest
    ? { label: "\u03bb max", value: largest.value, title: "largest eigenvalue" }
    : null;
}

/** Which matrix it is, its trace and its largest eigenvalue, as far as the record says so. */
export function spectrumSentences(panel: PanelSlice): string[] {
  const matrix = panel.slice.notes.get("matrix");
  const trace = noted(panel, "trace");
  const error = noted(panel, "trace_error");
  const [largest] = eigenvaluesOf(panel);
  const facts: string[] = [];
  if (typeof trace === "number") {
    const known = typeof error === "number" && error > 0;
    facts.push(`trace ${formatUncertain(trace, known ? error : null)}`);
  }
  if (largest) facts.push(`largest eigenvalue ${formatValue(largest.value)}`);
  if (typeof trace === "number" && largest && largest.value > 0) {
    facts.push(`effective rank (trace / largest) ${formatValue(trace / largest.value, 3)}`);
  }
  const named = typeof matrix === "string" && matrix !== "" ? `${matrix}: ` : "";
  const said = `${named}${facts.join(", ")}`;
  const sentences = facts.length > 0 ? [`${said.charAt(0).toUpperCase()}${said.slice(1)}.`] : [];
  if (panel.channel.errors) {
    sentences.push("Band and ±: 95 % interval of the density.");
  }
  return sentences;
}

// Below this share of the peak nothing is shown where no eigenvalue is known to lie.
const DEEPEST = 1e-6;
// Below this share nothing is shown at all: more decades than these cannot be read.
const SMALLEST = 1e-12;
// How far below the density at the rarest eigenvalue the scale goes on.
const MARGIN = 30;

/**
 * A density falls to nothing on both sides: a logarithmic scale ends a little below the rarest
 * eigenvalue that is known, and a linear one begins at zero.
 */
export function aroundDensity(
  kind: ScaleKind,
  domain: Interval,
  shown: readonly Measured[],
): Interval {
  const [low, high] = aroundBands(kind, domain, shown);
  if (kind !== "log") return [Math.min(0, low), high];
  const rare = Math.min(...shown.map(rarest));
  const floor = Number.isFinite(rare) ? rare / MARGIN : high * DEEPEST;
  return [Math.max(low, floor, high * SMALLEST), high];
}

/** The lowest density at one of the known eigenvalues, infinite where none is known. */
function rarest(measured: Measured): number {
  const curve = curveOf(measured.slice, measured.channel, measured.focusPoint);
  const [first, last] = [curve.coordinates[0] ?? 0, curve.coordinates.at(-1) ?? 0];
  const densities = eigenvaluesOf(measured)
    .filter(({ value }) => value >= first && value <= last)
    .map(({ value }) => sampleAt(curve, value).value);
  return summarize(densities).lowestPositive;
}

/** What a spectrum shows, in a sentence for those who cannot see it. */
export function describeSpectrum(panel: PanelSlice): string {
  const { slice, run } = panel;
  const coordinates = slice.axes[0]?.coordinates;
  const [first, last] = [coordinates?.[0] ?? 0, coordinates?.at(-1) ?? 0];
  return (
    `Density of eigenvalues between ${formatValue(first)} and ${formatValue(last)} ` +
    `of ${run} at step ${slice.step}. ${spectrumSentences(panel)[0] ?? ""}`
  ).trim();
}
