import { useState, useSyncExternalStore } from "react";
import { frameKey, seriesNamed, strideFor, layoutAt } from "../data/catalog";
import { fieldKey } from "../data/fieldStore";
import { positionAtOrBefore } from "../data/align";
import { plainNotes } from "../data/notes";
import type { Axis, Slice, Trajectory } from "../data/slice";
import { formatCoordinate, formatSeconds, formatStep, formatValue } from "../plot/format";
import { layoutTitle, type Selection } from "../state/selection";
import { useServices } from "../ui/context";
import { Settled } from "../ui/moving";
import { viewsFor } from "../views/registry";
import { noteText } from "./noteText";
import { attemptFact } from "./restarts";
import { useStep } from "./useSelection";

/** What the record of the run in focus says about itself, a moment after steps rest. */
export function FocusRecord({ selection }: { readonly selection: Selection }) {
  const found = useFocusSlice(selection);
  return (
    <Settled>
      {found && selection.focus ? (
        <SliceFacts {...found} run={selection.focus.run.name} />
      ) : (
        <p className="muted details-none">No slice is shown for the run in focus.</p>
      )}
    </Settled>
  );
}

// A bundle has many axes, described alike: the first ones tell.
const DESCRIBED_AXES = 3;

interface SliceFactsProps extends FocusSlice {
  readonly run: string;
}

function SliceFacts({ slice, attempt, run }: SliceFactsProps) {
  const [focusPoints] = slice.shape;
  const [allAxes, setAllAxes] = useState(false);
  const others = slice.axes.length - DESCRIBED_AXES;
  const { kind, method, shape } = slice;
  const layout = { kind, method, shape, channels: [], axes: [] };
  const drawn = new Set(viewsFor(layout).flatMap((view) => view.notes));
  const notes = plainNotes(slice.notes, drawn);
  const facts: [string, string][] = [
    ["Run", run],
    ["Series", slice.series],
    ["Method", slice.method],
    [
      "Step",
      formatStep(slice.step) +
        (slice.epoch === null ? "" : `, epoch ${formatValue(slice.epoch, 3)}`),
    ],
    ...(attempt === null ? [] : [["Attempt", attempt] satisfies [string, string]]),
    ["Samples", layoutTitle(layout) + (focusPoints > 1 ? `, ${focusPoints} focus points` : "")],
    ["Examples", formatStep(slice.examples)],
    ["Evaluations", formatStep(slice.evaluations)],
    ["Took", formatSeconds(slice.seconds)],
    ["Model in", `${slice.mode} mode`],
  ];
  const { trajectory } = slice;
  if (trajectory) facts.push(["Path", pathFact(trajectory)]);
  const replicates = Math.max(...slice.channels.map((channel) => channel.replicates));
  if (replicates > 0) facts.push(["Replicates", formatStep(replicates)]);
  if (slice.wallTime > 0) facts.push(["Taken", new Date(slice.wallTime * 1000).toLocaleString()]);
  return (
    <dl className="facts" data-testid="details">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd title={value}>{value || "–"}</dd>
        </div>
      ))}
      {(allAxes ? slice.axes : slice.axes.slice(0, DESCRIBED_AXES)).map((axis, i) => (
        <div key={i} className={i < DESCRIBED_AXES ? "fact-axis" : ""}>
          <dt title={axis.name}>{axis.name}</dt>
          <dd>
            {extentFact(slice, axis)}
            {i < DESCRIBED_AXES && axis.description && (
              <span className="fact-note">{axis.description}</span>
            )}
          </dd>
        </div>
      ))}
      {others > 0 && (
        <div>
          <dt />
          <dd>
            <button
              type="button"
              className="link fact-more"
              aria-expanded={allAxes}
              onClick={() => setAllAxes(!allAxes)}
            >
              {allAxes ? "Show fewer" : `and ${others} more`}
            </button>
          </dd>
        </div>
      )}
      {notes.map(({ name, value }) => (
        <div key={name} data-testid="note" data-note={name}>
          <dt title={name}>{name}</dt>
          <dd>{noteText(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function extentFact(slice: Slice, { coordinates, length }: Axis): string {
  const [first, last] = [coordinates[0] ?? 0, coordinates.at(-1) ?? 0];
  // Eigenvalues have sizes of their own; a coordinate counts multiples of a length.
  if (slice.kind === "spectrum") return `${formatValue(first)} to ${formatValue(last)}`;
  const extent = `${formatCoordinate(first)} to ${formatCoordinate(last)}`;
  return Number.isFinite(length) ? `${extent}, length ${formatValue(length)}` : extent;
}

function pathFact({ steps }: Trajectory): string {
  const ends = [...new Set([steps[0] ?? 0, steps.at(-1) ?? 0])].map(formatStep);
  return `${formatStep(steps.length)} points, step ${ends.join(" to ")}`;
}

interface FocusSlice {
  readonly slice: Slice;
  /** Which attempt of the run it is of, where there were several. */
  readonly attempt: string | null;
}

function useFocusSlice(selection: Selection): FocusSlice | null {
  const { fields } = useServices();
  useSyncExternalStore(fields.subscribe, fields.version);
  const step = useStep(selection);
  const series = selection.focus && seriesNamed(selection.focus.run, selection.seriesName);
  if (!series) return null;
  const position = positionAtOrBefore(series.steps, step);
  const layout = layoutAt(series, position);
  const key = frameKey(series, position);
  if (!layout || key === undefined) return null;
  const entry = fields.get(fieldKey(key, strideFor(layout, selection.samples)));
  if (!entry || !("slice" in entry)) return null;
  return { slice: entry.slice, attempt: attemptFact(series, position) };
}
