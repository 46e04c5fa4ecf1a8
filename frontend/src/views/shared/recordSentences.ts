import { property } from "../../data/notes";
import { atFocusPoint, evaluatedAt, type Slice } from "../../data/slice";
import { formatStep, formatValue } from "../../plot/format";
import { linearThreshold, type ScaleKind } from "../../plot/scale";
import type { Measured, PanelSlice, ValueScale, View } from "../view";

/** What has to be said about a picture: by its view, and by the record whatever the view. */
export function sentencesFor(view: View, panel: PanelSlice, value: ValueScale): string[] {
  return [
    ...(view.sentences?.(panel, value) ?? []),
    ...recordSentences(panel, view.dots, value.kind),
    ...scaleSentences(value),
  ];
}

/** What a scale does where its ticks do not say it. */
export function scaleSentences({ kind, domain }: ValueScale): string[] {
  if (kind !== "symlog") return [];
  const threshold = formatValue(linearThreshold(domain), 1);
  return [`Scale: linear within ± ${threshold}, logarithmic beyond.`];
}

/** What a record says of how it came about. */
export function recordSentences(measured: Measured, dots: boolean, scale: ScaleKind): string[] {
  const budget = budgetSentence(measured.slice);
  const ofMeasured = measuredSentence(measured, scale);
  return [
    ...(budget === null ? [] : [budget]),
    ...(ofMeasured === null ? [] : [`${dots ? "Dots: " : ""}${ofMeasured}`]),
  ];
}

/** What had to be left out for lack of time, in the words of who decided it. */
function budgetSentence({ notes }: Slice): string | null {
  const sentence = property(notes.get("budget"), "sentence");
  return typeof sentence === "string" && sentence !== "" ? sentence : null;
}

// By kind: how values are shown on a log scale that lie below what interpolated values can tell.
const BELOW_ALLOWED: ReadonlyMap<string, string> = new Map([
  ["lines", "Below that, interpolated values are not drawn on a log scale."],
  ["plane", "Below that, a log scale shows one color."],
]);

/** How many points were evaluated, and how well the others are known. */
function measuredSentence(measured: Measured, scale: ScaleKind): string | null {
  const { slice, channel, focusPoint } = measured;
  const evaluated = evaluatedAt(slice, focusPoint);
  if (!evaluated) return null;
  const count = evaluated.reduce((sum, one) => sum + one, 0);
  if (count === evaluated.length) return null;
  const said =
    `${formatStep(count)} of ${formatStep(evaluated.length)} points evaluated, ` +
    "the rest interpolated";
  const sampling = slice.notes.get("sampling");
  const tested = property(sampling, "hold_outs");
  const allowed = allowedError(measured);
  const tolerance = property(sampling, "tolerance");
  if (allowed > 0 && typeof tolerance === "number") {
    const unknown =
      scale === "log" && atFocusPoint(slice, channel, focusPoint).some((v) => v < allowed);
    return (
      `${said} to ${percent(tolerance)} of the range (± ${formatValue(allowed, 2)}).` +
      (unknown ? ` ${BELOW_ALLOWED.get(slice.kind) ?? ""}` : "")
    );
  }
  const largest = property(property(property(tested, "channels"), channel.name), "largest");
  const points = property(tested, "count");
  if (typeof largest !== "number" || typeof points !== "number") return `${said}.`;
  return `${said}; the worst of ${points} tested ones by ${percent(largest)} of the range.`;
}

/** How far off interpolated values may be, as noted; 0 where that is not known. */
export function allowedError({ slice, channel }: Pick<Measured, "slice" | "channel">): number {
  const sampling = slice.evaluated && slice.notes.get("sampling");
  const allowed = property(sampling, "allowed");
  const driving = property(sampling, "channel") === channel.name;
  return driving && typeof allowed === "number" && allowed > 0 ? allowed : 0;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
