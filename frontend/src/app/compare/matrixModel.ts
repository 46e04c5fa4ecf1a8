import { cssColor, inkOn, type ColorMapName } from "../../plot/colorMaps";
import { formatValue } from "../../plot/format";
import type { Headline, PanelSlice, View } from "../../views/view";
import { destinationOf } from "./matrixScenes";

/** What stands where the line from a run to another is looked for. */
export interface MatrixCell {
  /** What the line is drawn from; nothing where there is no such line. */
  readonly slice: PanelSlice | null;
  /** The number between both runs; nothing where the line has none. */
  readonly between: Headline | null;
}

export interface MatrixColumn {
  readonly run: string;
  /** One a row. */
  readonly cells: readonly MatrixCell[];
}

/** A column for each run that lines lead to, in the order of the runs. */
export function matrixColumns(
  scenes: readonly (readonly (PanelSlice | null)[])[],
  rows: number,
  runs: readonly string[],
  view: View | null,
): MatrixColumn[] {
  const columns = new Map<string, (PanelSlice | null)[]>();
  for (const slices of scenes) {
    for (const [row, slice] of slices.entries()) {
      const leads = slice && destinationOf(slice.slice.axes[0]?.name ?? "", runs);
      if (!leads) continue;
      const column = columns.get(leads.run) ?? Array<PanelSlice | null>(rows).fill(null);
      column[row] ??= slice;
      columns.set(leads.run, column);
    }
  }
  return runs.flatMap((run) => {
    const cells = columns.get(run)?.map((slice) => ({
      slice,
      between: slice && (view?.between?.(slice) ?? null),
    }));
    return cells ? [{ run, cells }] : [];
  });
}

/** The largest finite number of a matrix, from which its colors follow; 0 where there is none. */
export function largestOf(columns: readonly MatrixColumn[]): number {
  const values = columns.flatMap(({ cells }) => cells.map(({ between }) => between?.value ?? 0));
  return values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 0);
}

/** The colors of a cell: from 0 to the largest; what is infinite has the last color. */
export function cellColors(value: number, most: number, map: ColorMapName) {
  const share = value === Infinity ? 1 : most > 0 ? value / most : 0;
  return { background: cssColor(map, share), color: inkOn(map, share) };
}

/** A number as short as a cell needs it. */
export function cellText({ value }: Headline): string {
  return value === Infinity ? "∞" : formatValue(value, 3);
}
