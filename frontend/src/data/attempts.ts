import type { Series } from "./catalog";

/** Which attempt logged what, where a run was started more than once. */
export interface Attempts {
  readonly count: number;
  /** By position among the steps: which attempt its slice is of, the oldest being 1. */
  readonly numbers: readonly number[];
  /** The first step of each attempt but the oldest: there the run was started again. */
  readonly restarts: readonly number[];
}

interface Attempt {
  readonly id: string;
  readonly first: number;
  readonly since: number;
}

const known = new WeakMap<Series, { readonly found: Attempts | null }>();

/**
 * The attempts of a series, or nothing where there was one.
 *
 * Each writer is an attempt, and so is each slice of a step that a writer writes twice. The index
 * keeps the newest slice of a step only. An attempt counts once it has two steps: one step of its
 * own may be a second look at it, and belongs to the attempt before. Attempts are told apart by the
 * time of their first slice and not by steps, since a run that starts again from step 0 may not
 * have reached the last step of the run before it.
 */
export function attemptsOf(series: Series): Attempts | null {
  const kept = known.get(series) ?? { found: findAttempts(series) };
  known.set(series, kept);
  return kept.found;
}

function findAttempts({ attempts, steps, seconds }: Series): Attempts | null {
  const first = new Map<string, number>();
  const lasting = new Set<string>();
  for (const [position, id] of attempts.entries()) {
    if (first.has(id)) lasting.add(id);
    else first.set(id, position);
  }
  if (lasting.size < 2) return null;
  // Where times are equal or unknown, the order of steps is kept.
  const ordered = [...lasting]
    .map((id): Attempt => {
      const position = first.get(id) ?? 0;
      return { id, first: position, since: seconds[position] ?? 0 };
    })
    .sort((a, b) => a.since - b.since);
  const numberOf = new Map(ordered.map(({ id }, i) => [id, i + 1]));
  let last = numberOf.get(attempts.find((id) => lasting.has(id)) ?? "") ?? 1;
  const numbers = attempts.map((id) => (last = numberOf.get(id) ?? last));
  const restarts = ordered.slice(1).map((attempt) => steps[attempt.first] ?? 0);
  return { count: ordered.length, numbers, restarts };
}
