import { useState } from "react";
import { seriesNamed } from "../../data/catalog";
import type { Selection } from "../../state/selection";
import { writeChoices } from "../../state/url";
import { useServices } from "../../ui/context";
import { Dialog } from "../../ui/Dialog";
import { Segmented } from "../../ui/Segmented";
import { ExportStyles } from "./ExportStyles";
import { download, fileName } from "../download";
import { leastEvery, MOST_BYTES, pageBytes } from "./pageSize";
import { TaskProgress } from "./TaskProgress";
import { useTask } from "./useTask";

const EVERY = [1, 2, 5, 10, 20, 50, 100, 1000];

interface PageDialogProps {
  readonly selection: Selection;
  readonly onClose: () => void;
}

/** The page with the slices of the shown runs as one file. */
export function PageDialog({ selection, onClose }: PageDialogProps) {
  const { client, store } = useServices();
  const { visible, seriesName } = selection;
  const [which, setWhich] = useState("this");
  const series = visible.flatMap(({ run }) =>
    which === "all" ? run.series : (seriesNamed(run, seriesName) ?? []),
  );
  const least = leastEvery(series, EVERY);
  const [chosen, setEvery] = useState<number | null>(null);
  const every = chosen ?? least;
  const bytes = pageBytes(series, every);
  const tooLarge = bytes > MOST_BYTES;
  const { progress, start, cancel } = useTask();
  const running = progress.state === "running";
  const make = () => {
    start(async (signal) => {
      const [only, ...others] = visible.map(({ run }) => run.name);
      const file = await client.file(
        {
          format: "html",
          series: series.map(({ id }) => id),
          every,
          link: writeChoices(store.getState()),
          title: others.length === 0 ? `${only ?? ""}: ${seriesName ?? ""}` : (seriesName ?? ""),
        },
        signal,
      );
      const name = fileName([others.length === 0 ? (only ?? "") : "", seriesName ?? ""], "html");
      download(file, name);
      return `Saved ${name}, ${megabytes(file.size)} MB. It opens in any browser, offline too.`;
    });
  };
  return (
    <Dialog title="Export page" onClose={onClose}>
      <ExportStyles />
      <form
        className="export-form"
        onSubmit={(event) => {
          event.preventDefault();
          make();
        }}
      >
        <p className="export-sentence">
          One HTML file with this page and the slices of the {visible.length} shown runs. It opens
          without TensorBoard, at what you see now.
        </p>
        <fieldset className="export-fields" disabled={running}>
          <Segmented
            label="Series"
            testId="page-series"
            options={[
              { value: "this", label: "The shown one" },
              { value: "all", label: "All of these runs" },
            ]}
            value={which}
            onChange={setWhich}
          />
          <label className="choice">
            <span className="legend">Steps</span>
            <select
              data-testid="page-every"
              value={every}
              onChange={(event) => setEvery(Number(event.target.value))}
            >
              {EVERY.map((n) => (
                <option key={n} value={n}>
                  {n === 1 ? "all" : `every ${n}, and the last`}
                </option>
              ))}
            </select>
          </label>
        </fieldset>
        <p className={`export-sentence ${tooLarge ? "export-refused" : "muted"}`}>
          {tooLarge
            ? `About ${megabytes(bytes)} MB, more than the ${megabytes(MOST_BYTES)} MB that a browser opens with ease. Show fewer runs, or take fewer steps.`
            : `About ${megabytes(bytes)} MB, ${series.length} series.`}
        </p>
        <TaskProgress progress={progress} total={null} doing="Making the page" />
        <div className="export-actions">
          {running && (
            <button type="button" className="button" onClick={cancel}>
              Cancel
            </button>
          )}
          <button
            type="submit"
            className="button button-primary"
            data-testid="make-page"
            disabled={running || tooLarge || series.length === 0}
          >
            Make the file
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function megabytes(bytes: number): string {
  return bytes < 1e7 ? (bytes / 1e6).toFixed(1) : (bytes / 1e6).toFixed(0);
}
