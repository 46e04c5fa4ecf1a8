import { useMemo } from "react";
import { formatStep } from "../../plot/format";
import { useAppState, useServices } from "../../ui/context";
import { ElidedName } from "../../ui/ElidedName";
import { ScrollRegion } from "../../ui/ScrollRegion";
import { useRunStyle } from "../../ui/useRunStyle";
import { download, fileName } from "../download";
import { toPanelSlice } from "../panelSlices";
import { toCsv } from "../../data/csv";
import { cellColors, cellText, largestOf, matrixColumns } from "./matrixModel";
import type { ModeProps } from "./mode";

/** Runs by runs: the number between each two of them, as a heat map that can be read. */
export function MatrixMode({ panels, scenes, view, selection, step }: ModeProps) {
  const { store, fields } = useServices();
  const styleOf = useRunStyle();
  const focusPoint = useAppState((state) => state.focusPoint);
  const colorMap = useAppState((state) => state.colorMap);
  const { channel, runs } = selection;
  const columns = useMemo(() => {
    const slices = scenes.map((scene) =>
      scene.panels.map((panel) => toPanelSlice(panel, channel, focusPoint, styleOf, fields)),
    );
    const names = runs.map(({ run }) => run.name);
    return matrixColumns(slices, panels.length, names, view);
  }, [scenes, panels, channel, focusPoint, styleOf, fields, runs, view]);
  const most = largestOf(columns);
  const places = new Map(runs.map(({ run, place }) => [run.name, place]));
  const measured = columns.flatMap(({ cells }) => cells.flatMap(({ between }) => between ?? []));
  const name = measured[0]?.label ?? "";
  const loading = scenes.some(({ panels: all }) =>
    all.some(({ content }) => content.state === "loading"),
  );
  const save = () => {
    const head = ["from", "to", name];
    const body = panels.flatMap(({ placed }, row) =>
      columns.flatMap(({ run, cells }) => {
        const between = cells[row]?.between;
        return between ? [[placed.run.name, run, between.value]] : [];
      }),
    );
    const text = new Blob([toCsv([head, ...body])], { type: "text/csv" });
    download(text, fileName([name, channel ?? "", `step ${step}`], "csv"));
  };
  return (
    <div className="mode">
      <div className="mode-bar">
        <span className="muted">
          {name} of {channel} from the run of a row to the run of a column, step {formatStep(step)}
          {most > 0 && `; colors from 0 to ${cellText({ label: "", title: "", value: most })}`}
        </span>
        <span className="panel-space" />
        <button
          type="button"
          className="button"
          data-testid="matrix-csv"
          disabled={measured.length === 0}
          onClick={save}
        >
          Download CSV
        </button>
      </div>
      <ScrollRegion className="readout-table" label={`Matrix of ${name}`} busy={loading}>
        <table className="matrix" data-testid="matrix" data-state={loading ? "loading" : "ready"}>
          <thead>
            <tr>
              <td />
              {columns.map(({ run }) => (
                <th key={run} scope="col" title={run}>
                  <RunHead run={run} color={styleOf(places.get(run) ?? 0).color} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {panels.map(({ placed }, row) => (
              <tr key={placed.run.name} data-testid="matrix-row">
                <th scope="row" title={placed.run.name}>
                  <RunHead run={placed.run.name} color={styleOf(placed.place).color} />
                </th>
                {columns.map(({ run, cells }) => {
                  const { slice, between } = cells[row] ?? { slice: null, between: null };
                  if (!slice || !between) {
                    const self = run === placed.run.name;
                    const why = self ? "The same run" : slice ? `No ${name}` : "No such slice";
                    return (
                      <td key={run} className="matrix-none" title={why}>
                        {self ? "" : "–"}
                      </td>
                    );
                  }
                  return (
                    <td key={run} style={cellColors(between.value, most, colorMap)}>
                      <button
                        type="button"
                        className="matrix-cell"
                        data-testid="matrix-cell"
                        data-value={`${between.value}`}
                        title={`${placed.run.name} → ${run}: ${between.title}`}
                        onClick={() =>
                          store.setState({
                            series: slice.series.name,
                            focusRun: placed.run.name,
                            compare: "grid",
                          })
                        }
                      >
                        <span className="visually-hidden">
                          From {placed.run.name} to {run}:{" "}
                        </span>
                        {cellText(between)}
                        <span className="visually-hidden">, {between.title}</span>
                      </button>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollRegion>
    </div>
  );
}

function RunHead({ run, color }: { run: string; color: string }) {
  return (
    <span className="panel-name">
      <span className="swatch" style={{ background: color }} />
      <ElidedName name={run} />
    </span>
  );
}
