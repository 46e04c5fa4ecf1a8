import type { Catalog, Run, Series } from "./catalog";

/** When a run was last heard of, and how long its silence means nothing. Seconds. */
export interface Pulse {
  /** Wall time of its newest slice. */
  readonly newest: number;
  readonly patience: number;
}

const LAST_SLICES = 12;
const LEAST_PATIENCE = 60;

/** The pulse of the series that was logged last; nothing where no time is known. */
export function pulseOf(run: Run): Pulse | null {
  const pulses = run.series.flatMap((series) => seriesPulse(series) ?? []);
  return pulses.reduce<Pulse | null>(
    (last, pulse) => (last && last.newest >= pulse.newest ? last : pulse),
    null,
  );
}

function seriesPulse({ wallTime, seconds }: Series): Pulse | null {
  // By time, since a resumed run may log an earlier step later.
  const last = [...seconds].sort((a, b) => a - b).slice(-LAST_SLICES);
  const newest = last.at(-1);
  if (newest === undefined) return null;
  const intervals = last.slice(1).map((second, i) => second - (last[i] ?? second));
  return {
    newest: wallTime + newest,
    patience: Math.max(2 * median(intervals), LEAST_PATIENCE),
  };
}

/** Clocks of two machines may differ either way; what lies far ahead is no sign of life. */
export function isWriting({ newest, patience }: Pulse, now: number): boolean {
  return Math.abs(now - newest) < patience;
}

/** Whether any run has slices that it did not have before. */
export function hasNewSlices(before: Catalog, after: Catalog): boolean {
  const known = new Map(
    before.runs.flatMap((run) => run.series.map((series) => [nameOf(run, series), series])),
  );
  return after.runs.some((run) =>
    run.series.some((series) => {
      const old = known.get(nameOf(run, series));
      return (
        !old || series.steps.length > old.steps.length || series.steps.at(-1) !== old.steps.at(-1)
      );
    }),
  );
}

/** An age in few words: "just now", "12 s ago", "3 min ago". */
export function ago(seconds: number): string {
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

function nameOf(run: Run, series: Series): string {
  return JSON.stringify([run.name, series.name]);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const high = sorted[Math.floor(middle)] ?? 0;
  const low = sorted[Math.ceil(middle) - 1] ?? high;
  return (low + high) / 2;
}
