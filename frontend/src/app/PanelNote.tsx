import { useMemo } from "react";
import { atFocusPoint } from "../data/slice";
import { formatStep, formatValue, quoted } from "../plot/format";
import type { ScaleKind } from "../plot/scale";
import { sentencesFor } from "../views/shared/recordSentences";
import type { Measured, PanelSlice, ValueScale, View } from "../views/view";

interface PanelNoteProps {
  readonly slice: PanelSlice;
  readonly value: ValueScale;
  readonly view: View;
}

/**
 * Says what the picture cannot: values without a place on its scale, values beyond its end, and what
 * its view has to say.
 */
export function PanelNote({ slice, value, view }: PanelNoteProps) {
  const missing = useMemo(
    () => noteFor(slice, value.kind, view.allFocusPoints),
    [slice, value.kind, view],
  );
  const clipped = useMemo(() => clippingFor(slice, value), [slice, value]);
  const sentences = useMemo(() => sentencesFor(view, slice, value), [slice, value, view]);
  if (missing === null && clipped === null && sentences.length === 0) return null;
  const [low, high] = value.domain;
  return (
    <p className="panel-note" data-testid="panel-note">
      {missing !== null && (
        <span className="panel-note-part" title={missing}>
          <span className="hatch" aria-hidden="true" />
          <span>{missing}</span>
        </span>
      )}
      {clipped !== null && (
        <span
          className="panel-note-part"
          title={
            `${clipped} Colors end at ${formatValue(low)} and ${formatValue(high)}; ` +
            "values under the cursor are never clipped. The display menu turns this off."
          }
        >
          <span>{clipped}</span>
        </span>
      )}
      <Sentences sentences={sentences} />
    </p>
  );
}

interface OverlayNoteProps extends Omit<PanelNoteProps, "slice"> {
  readonly slices: readonly PanelSlice[];
}

export function OverlayNote({ slices, value, view }: OverlayNoteProps) {
  const sentences = useMemo(
    () => [...(view.overlaySentences?.(slices) ?? []), ...sentencesForAll(slices, value, view)],
    [slices, value, view],
  );
  return sentences.length === 0 ? null : (
    <p className="panel-note" data-testid="panel-note">
      <Sentences sentences={sentences} />
    </p>
  );
}

/** What a view has to say about several runs: once where it is the same for all. */
export function sentencesForAll(
  slices: readonly PanelSlice[],
  value: ValueScale,
  view: View,
): readonly string[] {
  const all = slices.map((slice) => sentencesFor(view, slice, value));
  const common = (all[0] ?? []).filter((said) => all.every((own) => own.includes(said)));
  const own = slices.flatMap(({ run }, i) =>
    (all[i] ?? [])
      .filter((said) => !common.includes(said))
      .map((said) => `${quoted(run)}: ${said}`),
  );
  return [...own, ...common];
}

function Sentences({ sentences }: { readonly sentences: readonly string[] }) {
  return sentences.map((sentence) => (
    <span key={sentence} className="panel-note-sentence">
      {sentence}
    </span>
  ));
}

/** How many values are beyond the ends of a scale that leaves out outliers. */
export function clippingFor(
  { slice, channel, focusPoint }: Measured,
  { domain: [low, high], clipped, kind, fixed }: ValueScale,
): string | null {
  if (!clipped.below && !clipped.above) return null;
  const values = atFocusPoint(slice, channel, focusPoint);
  let below = 0;
  let above = 0;
  for (const value of values) {
    if (!Number.isFinite(value) || (kind === "log" && value <= 0)) continue;
    if (value < low) below += 1;
    else if (value > high) above += 1;
  }
  const total = `of ${formatStep(values.length)} values`;
  if (fixed) {
    const counts = `${formatStep(above)} above, ${formatStep(below)} below, ${total}`;
    return above + below === 0 ? null : `Beyond the fixed range: ${counts}.`;
  }
  // Said of every panel that shares the scale, also of none: pictures side by side stay equal.
  if (!clipped.below) return `Clipped at 98%: ${formatStep(above)} ${total} above.`;
  if (!clipped.above) return `Clipped at 2%: ${formatStep(below)} ${total} below.`;
  return `Clipped to 2\u201398%: ${formatStep(above)} above, ${formatStep(below)} below, ${total}.`;
}

export function noteFor(
  { slice, channel, focusPoint }: Measured,
  scale: ScaleKind,
  allFocusPoints = false,
): string | null {
  const values = allFocusPoints ? channel.values : atFocusPoint(slice, channel, focusPoint);
  const total = formatStep(values.length);
  let nonfinite = 0;
  let notPositive = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) nonfinite += 1;
    else if (value <= 0) notPositive += 1;
  }
  if (nonfinite === values.length) return `Diverged: not one of the ${total} values is finite.`;
  const parts: string[] = [];
  if (nonfinite > 0) parts.push(`${formatStep(nonfinite)} of ${total} values are not finite`);
  // A density of zero is no gap in a spectrum: there are no eigenvalues, so nothing is drawn.
  if (scale === "log" && notPositive > 0 && slice.kind !== "spectrum") {
    parts.push(`${formatStep(notPositive)} of ${total} are not above zero and have no logarithm`);
  }
  return parts.length > 0 ? `${parts.join("; ")}.` : null;
}
