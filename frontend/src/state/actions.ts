import { moveStep, nearestPosition } from "../data/align";
import type { Selection } from "./selection";
import { SPEEDS, type Store } from "./store";

/** Go to the logged step nearest to the one asked for. */
export function seek(store: Store, steps: readonly number[], step: number): number | null {
  const nearest = steps[nearestPosition(steps, step)];
  if (nearest === undefined) return null;
  // Whoever goes to a step wants to stay there.
  store.setState({
    step: nearest,
    followLatest: nearest === steps.at(-1) && store.getState().followLatest,
  });
  return nearest;
}

export function stepBy(store: Store, steps: readonly number[], by: number): void {
  const { step } = store.getState();
  seek(store, steps, moveStep(steps, step ?? steps.at(-1) ?? 0, by));
}

export function setFollowing(store: Store, steps: readonly number[], followLatest: boolean): void {
  const latest = steps.at(-1);
  store.setState({
    followLatest,
    ...(followLatest && { playing: false }),
    ...(followLatest && latest !== undefined && { step: latest }),
  });
}

/** At the end, playing starts again from the beginning. */
export function setPlaying(store: Store, steps: readonly number[], playing: boolean): void {
  const { step } = store.getState();
  const first = steps[0];
  const atEnd = step === null || step >= (steps.at(-1) ?? 0);
  store.setState({
    playing: playing && steps.length > 1,
    ...(playing && { followLatest: false }),
    ...(playing && atEnd && first !== undefined && { step: first }),
  });
}

export function changeSpeed(store: Store, by: number): void {
  const now = SPEEDS.findIndex((speed) => speed === store.getState().framesPerSecond);
  const speed = SPEEDS[Math.min(Math.max(now + by, 0), SPEEDS.length - 1)];
  if (speed !== undefined) store.setState({ framesPerSecond: speed });
}

export function setVisible(store: Store, selection: Selection, names: readonly string[]): void {
  // In TensorBoard's order, so that the same runs make the same link.
  const ordered = selection.runs.map(({ run }) => run.name).filter((name) => names.includes(name));
  store.setState({ runs: ordered });
}

export function toggleRun(store: Store, selection: Selection, name: string): void {
  const names = selection.visible.map(({ run }) => run.name);
  const shown = names.includes(name);
  setVisible(store, selection, shown ? names.filter((other) => other !== name) : [...names, name]);
}

/** Makes the run in focus the base; or the step that is shown, where steps are compared. */
export function setBase(store: Store, selection: Selection): void {
  const { baseStep, step } = store.getState();
  const name = selection.focus?.run.name;
  if (baseStep !== null && step !== null) store.setState({ baseStep: step });
  else if (name !== undefined) store.setState({ baseRun: name });
}

/** Shows or hides all listed runs from one to another, as the last of them was asked to be. */
export function toggleRange(
  store: Store,
  selection: Selection,
  listed: readonly string[],
  from: string | null,
  to: string,
): void {
  const ends = [listed.indexOf(from ?? to), listed.indexOf(to)];
  if (ends.includes(-1)) {
    toggleRun(store, selection, to);
    return;
  }
  const names = listed.slice(Math.min(...ends), Math.max(...ends) + 1);
  const shown = selection.visible.map(({ run }) => run.name);
  const hides = shown.includes(to);
  setVisible(
    store,
    selection,
    hides ? shown.filter((n) => !names.includes(n)) : [...shown, ...names],
  );
}

export function moveFocus(store: Store, selection: Selection, by: number): void {
  const names = selection.visible.map(({ run }) => run.name);
  const here = names.indexOf(selection.focus?.run.name ?? "");
  const name = names[Math.min(Math.max(here + by, 0), names.length - 1)];
  if (name !== undefined) store.setState({ focusRun: name });
}
