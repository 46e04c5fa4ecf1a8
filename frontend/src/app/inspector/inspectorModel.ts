import type { Panel } from "../../state/panels";
import type { Cursor } from "../../state/store";
import type { PanelSlice, Sample, View } from "../../views/view";

/** What a run has where one looks. */
export interface RunSample {
  readonly run: string;
  readonly place: number;
  /** The step that its value is of; nothing where there is none. */
  readonly step: number | null;
  readonly outdated: boolean;
  /** Nothing where the run has no value there, or not yet. */
  readonly sample: Sample | null;
}

/**
 * The value of each run where the cursor is, or at the focus point while it is nowhere. `together`
 * says that all runs are in one chart: its cursor may count their curves through.
 */
export function samplesOf(
  panels: readonly Panel[],
  slices: ReadonlyMap<string, PanelSlice>,
  view: View,
  cursor: Cursor | null,
  together: boolean,
): RunSample[] {
  return panels.map((panel) => {
    const run = panel.placed.run.name;
    const slice = slices.get(run);
    return {
      run,
      place: panel.placed.place,
      step: slice?.slice.step ?? null,
      outdated: panel.outdated,
      sample: slice ? sampleOf(slice, view, cursor, together) : null,
    };
  });
}

function sampleOf(
  panel: PanelSlice,
  view: View,
  cursor: Cursor | null,
  together: boolean,
): Sample | null {
  const { slice, channel, focusPoint } = panel;
  if (cursor) {
    const unclear = together && cursor.line !== null;
    return unclear ? null : (view.sampleAt?.(panel, cursor) ?? null);
  }
  const value = channel.center[focusPoint];
  // A spectrum's center is no value of its picture.
  return value === undefined || slice.kind === "spectrum" ? null : { coordinates: [], value };
}

/** Where runs are read: coordinates that all of them share, or nothing in particular. */
export function sharedCoordinates(samples: readonly RunSample[]): readonly number[] | null {
  const all = samples.flatMap(({ sample }) => (sample ? [sample.coordinates] : []));
  const [first] = all;
  const same = all.every((own) => own.every((at, i) => at === first?.[i]));
  return first && first.length > 0 && same ? first : null;
}
