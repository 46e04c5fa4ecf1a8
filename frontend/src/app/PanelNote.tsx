import { useMemo } from "react";
import { atFocusPoint } from "../data/slice";
import { formatStep } from "../plot/format";
import type { PanelSlice } from "../views/view";

/** Says what the picture cannot: values without a place on its scale. */
export function PanelNote({ slice, scale }: { slice: PanelSlice; scale: "linear" | "log" }) {
  const sentence = useMemo(() => noteFor(slice, scale), [slice, scale]);
  if (sentence === null) return null;
  return (
    <p className="panel-note" data-testid="panel-note">
      <span className="hatch" aria-hidden="true" />
      {sentence}
    </p>
  );
}

export function noteFor(
  { slice, channel, focusPoint }: Pick<PanelSlice, "slice" | "channel" | "focusPoint">,
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
