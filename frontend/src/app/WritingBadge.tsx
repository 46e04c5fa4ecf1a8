import { useMemo } from "react";
import type { Run } from "../data/catalog";
import { ago, isWriting, pulseOf } from "../data/freshness";

interface WritingBadgeProps {
  readonly run: Run;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Says that a run is probably still logging. */
export function WritingBadge({ run, now }: WritingBadgeProps) {
  const pulse = useMemo(() => pulseOf(run), [run]);
  if (!pulse || !isWriting(pulse, now)) return null;
  return (
    <span className="badge" data-testid="writing" title={`newest slice ${ago(now - pulse.newest)}`}>
      writing
    </span>
  );
}
