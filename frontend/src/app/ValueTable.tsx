import { lineOf } from "../data/slice";
import { formatCoordinate, formatStep, formatValue } from "../plot/format";
import { Dialog } from "../ui/Dialog";
import type { PanelSlice } from "../views/view";

interface ValueTableProps {
  readonly slice: PanelSlice;
  readonly onClose: () => void;
}

/** The numbers behind a picture. */
export function ValueTable({ slice: panel, onClose }: ValueTableProps) {
  const { slice, channel, run } = panel;
  const title = `${channel.name} of ${run} at step ${formatStep(slice.step)}`;
  const columns = slice.kind === "plane" ? slice.shape[1] : slice.axes.length;
  const rows = slice.axes[slice.kind === "plane" ? 1 : 0]?.coordinates ?? new Float64Array();
  const heads =
    slice.kind === "plane"
      ? [...(slice.axes[0]?.coordinates ?? [])].map(formatCoordinate)
      : slice.axes.map((axis) => axis.name);
  const corner =
    slice.kind === "plane"
      ? `${slice.axes[1]?.name ?? ""} \\ ${slice.axes[0]?.name ?? ""}`
      : "coordinate";
  return (
    <Dialog title={title} onClose={onClose}>
      <table className="values">
        <thead>
          <tr>
            <th scope="col">{corner}</th>
            {heads.map((head, i) => (
              <th key={i} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...rows].map((coordinate, j) => (
            <tr key={coordinate}>
              <th scope="row">{formatCoordinate(coordinate)}</th>
              {Array.from({ length: columns }, (_, i) => (
                <td key={i}>
                  {formatValue(lineOf(slice, channel, i, panel.focusPoint)[j] ?? NaN, 5)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}
