import { useMemo } from "react";
import { atFocusPoint } from "../data/slice";
import { formatStep, formatValue } from "../plot/format";
import type { PanelSlice, ValueScale } from "../views/view";

interface PanelNoteProps {
  readonly slice: PanelSlice;
  readonly value: ValueScale;
}

/** Says what the picture cannot: values without a place on its scale, and values beyond its end. */
export function PanelNote({ slice, value }: PanelNoteProps) {
  const missing = useMemo(() => noteFor(slice, value.kind), [slice, value.kind]);
  const clipped = useMemo(() => clippingFor(slice, value), [slice, value]);
  if (missing === null && clipped === null) return null;
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
    </p>
  );
}

type Measured = Pick<PanelSlice, "slice" | "channel" | "focusPoint">;

/** How many values are beyond the ends of a scale that leaves out outliers. */
export function clippingFor(
  { slice, channel, focusPoint }: Measured,
  { domain: [low, high], clipped, kind }: ValueScale,
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
  if (!clipped.below) return `Clipped at 98%: ${formatStep(above)} ${total} above.`;
  if (!clipped.above) return `Clipped at 2%: ${formatStep(below)} ${total} below.`;
  return `Clipped to 2\u201398%: ${formatStep(above)} above, ${formatStep(below)} below, ${total}.`;
}

export function noteFor(
  { slice, channel, focusPoint }: Measured,
  scale: "linear" | "log",
): string | null {
  const values = atFocusPoint(slice, channel, focusPoint);
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
  if (scale === "log" && notPositive > 0) {
    parts.push(`${formatStep(notPositive)} of ${total} are not above zero and have no logarithm`);
  }
  return parts.length > 0 ? `${parts.join("; ")}.` : null;
}
