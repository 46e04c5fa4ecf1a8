/** Position of the last item that is at most `value` in an increasing list, -1 where none is. */
export function positionAtOrBefore(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Position of the item nearest to `value`; the earlier one where two are equally near. */
export function nearestPosition(sorted: readonly number[], value: number): number {
  const before = positionAtOrBefore(sorted, value);
  const after = before + 1;
  if (before < 0) return sorted.length > 0 ? 0 : -1;
  const next = sorted[after];
  if (next === undefined) return before;
  return value - (sorted[before] ?? value) <= next - value ? before : after;
}

/** Every step that any of the lists has, increasing. */
export function unionOfSteps(lists: readonly (readonly number[])[]): number[] {
  if (lists.length === 1) return [...(lists[0] ?? [])];
  const all = new Set<number>();
  for (const list of lists) for (const step of list) all.add(step);
  return [...all].sort((a, b) => a - b);
}

/** The median distance between neighbors, 0 for fewer than two steps. */
export function usualStride(steps: readonly number[]): number {
  const gaps = steps.slice(1).map((step, i) => step - (steps[i] ?? step));
  gaps.sort((a, b) => a - b);
  return gaps[gaps.length >> 1] ?? 0;
}

/** Whether what is shown for `cursor` is older than one stride: a slice was due and is missing. */
export function isOutdated(steps: readonly number[], shown: number, cursor: number): boolean {
  return cursor - shown >= Math.max(1, usualStride(steps)) && cursor !== shown;
}

/** The step `by` places on, within the list; keeps to the ends. */
export function moveStep(steps: readonly number[], from: number, by: number): number {
  const here = positionAtOrBefore(steps, from);
  // Between two steps, going back means going to the one before.
  const between = steps[here] !== from && by < 0 ? 1 : 0;
  const target = Math.min(Math.max(here + by + between, 0), steps.length - 1);
  return steps[target] ?? from;
}

/** Positions from `start` outward: start, start + 1, start - 1, start + 2, ... */
export function outward(start: number, length: number, limit = length): number[] {
  const result: number[] = [];
  for (let distance = 0; distance < length && result.length < limit; distance += 1) {
    if (start + distance < length) result.push(start + distance);
    if (distance > 0 && start - distance >= 0) result.push(start - distance);
  }
  return result.slice(0, limit);
}

/** What stands at the step nearest to one, of what is ordered by its steps. */
export function nearestTo<T extends { readonly step: number }>(
  history: readonly T[],
  step: number,
): T | undefined {
  const steps = history.map((one) => one.step);
  return history[nearestPosition(steps, step)];
}
