import { atFocusPoint } from "../../data/slice";
import { summarize } from "../../data/stats";
import { formatStep, formatValue } from "../../plot/format";
import { DataTable } from "../../ui/DataTable";
import { Dialog } from "../../ui/Dialog";
import type { Cell, Strip } from "./drawStrip";

interface StripTableProps {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: Strip["rows"];
  readonly onClose: () => void;
}

/** What a film strip shows, in numbers: at the focus point, and from the lowest to the highest. */
export function StripTable({ title, columns, rows, onClose }: StripTableProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="muted values-note">
        The value at the focus point, and the lowest and the highest of the slice. All values of a
        slice stand in the table of its panel in the grid.
      </p>
      <DataTable
        corner="run"
        heads={columns}
        rows={rows.map(({ name, cells }) => ({ head: name, cells: cells.map(textOf) }))}
        testId="strip-table"
      />
    </Dialog>
  );
}

/** The numbers of a cell, or why it has none. */
export function textOf({ slice, message, older }: Cell): string {
  if (!slice) return message;
  const { low, high } = summarize(atFocusPoint(slice.slice, slice.channel, slice.focusPoint));
  const center = slice.channel.center[slice.focusPoint];
  const at = center === undefined ? "" : `${formatValue(center)}, `;
  const range = low <= high ? `${formatValue(low)} to ${formatValue(high)}` : "nothing finite";
  return `${at}${range}${older === null ? "" : ` (step ${formatStep(older)})`}`;
}
