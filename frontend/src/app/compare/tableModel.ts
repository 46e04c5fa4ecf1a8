import { readings } from "../../data/readouts";
import type { PanelSlice, View } from "../../views/view";

/** The read-outs of some runs: a row a number, a column a run. */
export interface ReadoutRow {
  readonly label: string;
  /** One a run; NaN where a run has no such number. */
  readonly values: readonly number[];
}

/** Rows in the order in which they first come up; a number that no run has is left out. */
export function readoutRows(panels: readonly PanelSlice[], view: View | null): ReadoutRow[] {
  const columns = panels.map((panel) => {
    const { slice, channel, focusPoint } = panel;
    const headline = view?.headline?.(panel);
    return new Map([
      ["step", slice.step],
      ...(slice.epoch === null ? [] : [["epoch", slice.epoch] as const]),
      ...(headline ? [[headline.label || headline.title, headline.value] as const] : []),
      ...readings(slice, channel, focusPoint).map(({ label, value }) => [label, value] as const),
    ]);
  });
  const labels = new Set(columns.flatMap((column) => [...column.keys()]));
  return [...labels]
    .map((label) => ({ label, values: columns.map((column) => column.get(label) ?? NaN) }))
    .filter(({ values }) => values.some((value) => !Number.isNaN(value)));
}

/** Whether the runs disagree about a row. */
export function differs({ values }: ReadoutRow): boolean {
  return values.some((value) => !Object.is(value, values[0]));
}

export interface Sorting {
  readonly label: string;
  readonly descending: boolean;
}

/** Positions of the columns by the numbers of a row; what is no number comes last. */
export function sortedColumns(
  rows: readonly ReadoutRow[],
  count: number,
  sorting: Sorting | null,
): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  const values = sorting && rows.find(({ label }) => label === sorting.label)?.values;
  if (!values) return order;
  const key = (i: number) => {
    const value = values[i] ?? NaN;
    if (Number.isNaN(value)) return Infinity;
    return sorting.descending ? -value : value;
  };
  return order.sort((a, b) => (key(a) === key(b) ? a - b : key(a) < key(b) ? -1 : 1));
}
