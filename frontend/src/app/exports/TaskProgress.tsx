import { formatStep } from "../../plot/format";
import type { Progress } from "./useTask";

interface TaskProgressProps {
  readonly progress: Progress;
  /** How many parts there are; nothing where that is not known. */
  readonly total: number | null;
  readonly doing: string;
}

/** How far it has come, for eyes and ears. */
export function TaskProgress({ progress, total, doing }: TaskProgressProps) {
  if (progress.state === "idle") return null;
  if (progress.state !== "running") {
    const failed = progress.state === "failed";
    return (
      <p
        className={`export-sentence ${failed ? "export-refused" : ""}`}
        role={failed ? "alert" : "status"}
        data-testid="export-result"
        data-state={progress.state}
      >
        {progress.sentence}
      </p>
    );
  }
  const said =
    total === null ? `${doing} …` : `${doing} ${formatStep(progress.done)} of ${formatStep(total)}`;
  return (
    <div className="export-progress" data-testid="export-progress">
      <progress
        aria-label={doing}
        {...(total === null ? {} : { value: progress.done, max: total })}
      />
      <span className="muted">{said}</span>
    </div>
  );
}
