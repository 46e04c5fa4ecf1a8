import { errorsOf, evaluatedOf, lineOf, sharesCoordinates, type Slice } from "../data/slice";
import { formatCoordinate, formatStep, formatValue, quoted } from "../plot/format";
import { DataTable, type DataTableProps } from "../ui/DataTable";
import { Dialog } from "../ui/Dialog";
import { HALF_WIDTH, halfText } from "../views/shared/errors";
import type { PanelSlice } from "../views/view";

interface ValueTableProps {
  /** One run, or several that share a picture. */
  readonly slices: readonly PanelSlice[];
  /** What is said about the picture of the same values. */
  readonly sentences: readonly string[];
  readonly onClose: () => void;
}

const INTERPOLATED = "\u2248\u2009";
const INTERPOLATED_SENTENCE = `${INTERPOLATED}: interpolated.`;

/** The numbers behind a picture. */
export function ValueTable({ slices, sentences, onClose }: ValueTableProps) {
  const [first] = slices;
  const interpolated = slices.some(({ slice }) => slice.evaluated);
  const title = slices.length === 1 && first ? titleOf(first) : `Values of ${slices.length} runs`;
  return (
    <Dialog title={title} onClose={onClose}>
      {[...sentences, ...(interpolated ? [INTERPOLATED_SENTENCE] : [])].map((sentence) => (
        <p key={sentence} className="muted values-note">
          {sentence}
        </p>
      ))}
      {slices.map((panel) => (
        <DataTable
          key={panel.run}
          {...tableOf(panel)}
          {...(slices.length > 1 && { caption: titleOf(panel) })}
        />
      ))}
    </Dialog>
  );
}

function titleOf({ slice, channel, run }: PanelSlice): string {
  return `${quoted(channel.name)} of ${quoted(run)} at step ${formatStep(slice.step)}`;
}

export function tableOf(
  panel: Pick<PanelSlice, "slice" | "channel" | "focusPoint">,
): DataTableProps {
  const { slice, channel, focusPoint } = panel;
  const cell = (line: number, sample: number) => {
    const interpolated = evaluatedOf(slice, line, focusPoint)?.[sample] === 0;
    const mark = interpolated ? INTERPOLATED : "";
    const value = mark + formatValue(lineOf(slice, channel, line, focusPoint)[sample] ?? NaN, 5);
    const half = HALF_WIDTH * (errorsOf(slice, channel, line, focusPoint)?.[sample] ?? NaN);
    return Number.isFinite(half) ? `${value} ${halfText(half, channel.atMost)}` : value;
  };
  const table = (
    corner: string,
    heads: readonly string[],
    rowHeads: readonly string[],
  ): DataTableProps => ({
    corner,
    heads,
    rows: rowHeads.map((head, j) => ({ head, cells: heads.map((_, i) => cell(i, j)) })),
  });
  const [first, second] = slice.axes;
  const along = (axis = first) => [...(axis?.coordinates ?? [])];
  if (slice.kind === "plane") {
    const corner = `${second?.name ?? ""} \\ ${first?.name ?? ""}`;
    return table(corner, along().map(formatCoordinate), along(second).map(formatCoordinate));
  }
  if (slice.kind === "spectrum") {
    return table(
      first?.name ?? "",
      ["density"],
      along().map((at) => formatValue(at)),
    );
  }
  const names = slice.axes.map((axis) => axis.name);
  if (sharesCoordinates(slice)) return table("coordinate", names, along().map(formatCoordinate));
  return eachWithCoordinates(slice, cell);
}

/** Two columns a line, where each has coordinates of its own. */
function eachWithCoordinates(
  slice: Slice,
  cell: (line: number, sample: number) => string,
): DataTableProps {
  return {
    corner: "sample",
    heads: slice.axes.flatMap((axis) => ["coordinate", axis.name]),
    rows: Array.from({ length: slice.shape[2] }, (_, j) => ({
      head: `${j + 1}`,
      cells: slice.axes.flatMap((axis, i) => [
        formatCoordinate(axis.coordinates[j] ?? NaN),
        cell(i, j),
      ]),
    })),
  };
}
