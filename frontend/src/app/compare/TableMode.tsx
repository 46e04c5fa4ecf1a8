import { useMemo, useState } from "react";
import { formatStep, formatValue } from "../../plot/format";
import { baseOf } from "../../state/base";
import { useAppState, useServices } from "../../ui/context";
import { ElidedName } from "../../ui/ElidedName";
import { ScrollRegion } from "../../ui/ScrollRegion";
import { useRunStyle } from "../../ui/useRunStyle";
import { download, fileName } from "../download";
import { toPanelSlice } from "../panelSlices";
import { toCsv } from "../../data/csv";
import type { ModeProps } from "./mode";
import { differs, readoutRows, sortedColumns, type Sorting } from "./tableModel";

/** The read-outs of all visible runs at the chosen step. */
export function TableMode({ panels, view, selection, step }: ModeProps) {
  const { store, fields } = useServices();
  const styleOf = useRunStyle();
  const focusPoint = useAppState((state) => state.focusPoint);
  const only = useAppState((state) => state.onlyDifferences);
  const base = baseOf(
    selection,
    useAppState((state) => state.baseRun),
  )?.run.name;
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const { channel } = selection;
  const slices = useMemo(
    () =>
      panels.flatMap((panel) => toPanelSlice(panel, channel, focusPoint, styleOf, fields) ?? []),
    [panels, channel, focusPoint, styleOf, fields],
  );
  const rows = useMemo(() => readoutRows(slices, view), [slices, view]);
  const shown = only ? rows.filter(differs) : rows;
  const columns = sortedColumns(rows, slices.length, sorting).flatMap((i) => {
    const slice = slices[i];
    return slice ? [{ i, slice }] : [];
  });
  const without = panels.length - slices.length;
  const save = () => {
    const head = ["read-out", ...columns.map(({ slice }) => slice.run)];
    const body = shown.map(({ label, values }) => [
      label,
      ...columns.map(({ i }) => values[i] ?? NaN),
    ]);
    const text = new Blob([toCsv([head, ...body])], { type: "text/csv" });
    download(text, fileName(["read-outs", selection.seriesName ?? "", `step ${step}`], "csv"));
  };
  return (
    <div className="mode">
      <div className="mode-bar">
        <label className="mode-check">
          <input
            type="checkbox"
            data-testid="only-differences"
            checked={only}
            onChange={(event) => store.setState({ onlyDifferences: event.target.checked })}
          />
          Differences only
        </label>
        <span className="muted">
          {channel} at step {formatStep(step)}
          {without > 0 && `; ${without} of ${panels.length} runs have no slice here`}
        </span>
        <span className="panel-space" />
        <button type="button" className="button" data-testid="table-csv" onClick={save}>
          Download CSV
        </button>
      </div>
      <ScrollRegion className="readout-table" label="Read-outs">
        <table data-testid="readouts">
          <thead>
            <tr>
              <th scope="col">read-out</th>
              {columns.map(({ slice: { run, style } }) => (
                <th key={run} scope="col" title={run}>
                  <span className="panel-name">
                    <span className="swatch" style={{ background: style.color }} />
                    <ElidedName name={run} />
                    {run === base && <span title="base run">★</span>}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => {
              const sorted = sorting?.label === row.label ? sorting : null;
              const arrow = sorted && (sorted.descending ? " ↓" : " ↑");
              return (
                <tr key={row.label} data-testid="readout-row" data-label={row.label}>
                  <th scope="row">
                    <button
                      type="button"
                      className="readout-sort"
                      aria-pressed={sorted !== null}
                      title="Sort the runs by this number"
                      onClick={() => setSorting(nextSorting(sorted, row.label))}
                    >
                      {row.label}
                      {arrow}
                    </button>
                  </th>
                  {columns.map(({ i, slice: { run } }) => {
                    const value = row.values[i] ?? NaN;
                    return (
                      <td key={run} title={`${value}`} data-value={`${value}`}>
                        {Number.isNaN(value) ? "–" : formatCell(value)}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
        {shown.length === 0 && slices.length > 0 && (
          <p className="muted">All runs agree in all read-outs.</p>
        )}
      </ScrollRegion>
    </div>
  );
}

/** Up, down, and as it was. */
function nextSorting(now: Sorting | null, label: string): Sorting | null {
  if (!now) return { label, descending: false };
  return now.descending ? null : { label, descending: true };
}

function formatCell(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e9
    ? formatStep(value)
    : formatValue(value, 5);
}
