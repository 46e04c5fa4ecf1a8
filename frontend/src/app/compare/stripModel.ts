import { nearestPosition } from "../../data/align";
import type { CompareChoices } from "../../state/compareChoices";
import type { Selection } from "../../state/selection";
import type { View } from "../../views/view";
import { layoutAt } from "../../data/catalog";
import type { SceneWish } from "./mode";

const COLUMNS = 4;
const MOST_COLUMNS = 8;

/** A scene for each column of a film strip. */
export function stripScenes(
  { stripColumns, stripSteps }: CompareChoices,
  selection: Selection,
  step: number,
  view: View | null,
): SceneWish[] {
  if (stripColumns === "series") {
    return seriesFor(selection, view).map((seriesName) => ({
      selection: { ...selection, seriesName },
      step,
    }));
  }
  return stripStepsOf(selection.steps, stripSteps).map((at) => ({ selection, step: at }));
}

/** The logged steps next to those asked for, or some spread evenly from the first to the last. */
export function stripStepsOf(steps: readonly number[], asked: readonly number[] | null): number[] {
  const even = () => {
    const count = Math.min(COLUMNS, steps.length);
    return Array.from({ length: count }, (_, i) =>
      Math.round((i * (steps.length - 1)) / Math.max(1, count - 1)),
    );
  };
  const places = asked ? asked.map((step) => nearestPosition(steps, step)) : even();
  const distinct = [...new Set(places)].sort((a, b) => a - b);
  return distinct.flatMap((place) => steps[place] ?? []).slice(0, MOST_COLUMNS);
}

/** The series of any visible run that the view can draw. */
function seriesFor({ visible, channel }: Selection, view: View | null): string[] {
  const names = visible.flatMap(({ run }) =>
    run.series
      .filter((series) => {
        const layout = layoutAt(series, series.steps.length - 1);
        return layout && view?.supports(layout) && layout.channels.includes(channel ?? "");
      })
      .map(({ name }) => name),
  );
  return [...new Set(names)].slice(0, MOST_COLUMNS);
}

/** Steps as somebody typed them: numbers with commas or spaces between; nothing for no number. */
export function readSteps(text: string): number[] | null {
  const found = text.match(/\d+/g)?.map(Number) ?? [];
  const steps = found.filter((step) => step < 1e15).slice(0, MOST_COLUMNS);
  return steps.length > 0 ? steps : null;
}
