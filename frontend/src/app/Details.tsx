import { useState, useSyncExternalStore } from "react";
import { frameKey, seriesNamed, strideFor, layoutAt } from "../data/catalog";
import { fieldKey } from "../data/fieldStore";
import { positionAtOrBefore } from "../data/align";
import type { Slice } from "../data/slice";
import { formatCoordinate, formatSeconds, formatStep, formatValue } from "../plot/format";
import { layoutTitle, type Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { useStep } from "./useSelection";

/** What the record says about itself, for the run in focus. */
export function Details({ selection }: { readonly selection: Selection }) {
  const { store } = useServices();
  const open = useAppState((state) => state.detailsOpen);
  const slice = useFocusSlice(selection);
  return (
    <details
      className="details"
      open={open}
      onToggle={(event) => store.setState({ detailsOpen: event.currentTarget.open })}
    >
      <summary>Details</summary>
      {slice && selection.focus ? (
        <SliceFacts slice={slice} run={selection.focus.run.name} />
      ) : (
        <p className="muted details-none">No slice is shown for the run in focus.</p>
      )}
    </details>
  );
}

// A bundle has many axes, described alike: the first ones tell.
const DESCRIBED_AXES = 3;

function SliceFacts({ slice, run }: { readonly slice: Slice; readonly run: string }) {
  const [focusPoints] = slice.shape;
  const [allAxes, setAllAxes] = useState(false);
  const others = slice.axes.length - DESCRIBED_AXES;
  const layout = {
    kind: slice.kind,
    method: slice.method,
    shape: slice.shape,
    channels: [],
    axes: [],
  };
  const facts: [string, string][] = [
    ["Run", run],
    ["Series", slice.series],
    ["Method", slice.method],
    [
      "Step",
      formatStep(slice.step) +
        (slice.epoch === null ? "" : `, epoch ${formatValue(slice.epoch, 3)}`),
    ],
    ["Samples", layoutTitle(layout) + (focusPoints > 1 ? `, ${focusPoints} focus points` : "")],
    ["Examples", formatStep(slice.examples)],
    ["Evaluations", formatStep(slice.evaluations)],
    ["Took", formatSeconds(slice.seconds)],
    ["Model in", `${slice.mode} mode`],
  ];
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
            {formatCoordinate(axis.coordinates[0] ?? 0)} to{" "}
            {formatCoordinate(axis.coordinates.at(-1) ?? 0)}
            {Number.isFinite(axis.length) && `, length ${formatValue(axis.length)}`}
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
    </dl>
  );
}

function useFocusSlice(selection: Selection): Slice | null {
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
  return entry && "slice" in entry ? entry.slice : null;
}
