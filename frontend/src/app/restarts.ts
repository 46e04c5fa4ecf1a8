import { attemptsOf } from "../data/attempts";
import { seriesNamed, type Series } from "../data/catalog";
import { formatStep, quoted } from "../plot/format";
import type { Selection } from "../state/selection";

/** A step at which a run was started again. */
export interface Restart {
  readonly run: string;
  readonly step: number;
}

export function restartsIn({ visible, seriesName }: Selection): Restart[] {
  return visible.flatMap(({ run }) => {
    const series = seriesNamed(run, seriesName);
    const steps = (series && attemptsOf(series)?.restarts) ?? [];
    return [...steps].sort((a, b) => a - b).map((step) => ({ run: run.name, step }));
  });
}

/** `a restarted at step 1,200 and 1,500, b at step 700`; empty where no run was. */
export function restartText(restarts: readonly Restart[]): string {
  const runs = [...new Set(restarts.map(({ run }) => run))];
  return runs
    .map((name, i) => {
      const steps = restarts.filter(({ run }) => run === name).map(({ step }) => formatStep(step));
      const last = steps.length > 1 ? ` and ${steps.at(-1) ?? ""}` : "";
      const listed = (last ? steps.slice(0, -1) : steps).join(", ");
      return `${quoted(name)}${i === 0 ? " restarted" : ""} at step ${listed}${last}`;
    })
    .join(", ");
}

/** `2 of 3, restarted at step 1,200` of the slice at a position; nothing where there was one. */
export function attemptFact(series: Series, position: number): string | null {
  const attempts = attemptsOf(series);
  const number = attempts?.numbers[position];
  if (!attempts || number === undefined) return null;
  const since = attempts.restarts[number - 2];
  const restarted = since === undefined ? "" : `, restarted at step ${formatStep(since)}`;
  return `${number} of ${attempts.count}${restarted}`;
}
