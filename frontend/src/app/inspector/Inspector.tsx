import { useMemo, useSyncExternalStore } from "react";
import { measuredReadings } from "../../data/readouts";
import type { Layout } from "../../data/catalog";
import { formatCoordinate, formatStep, formatValue } from "../../plot/format";
import { createPanels, type Panel } from "../../state/panels";
import type { Selection } from "../../state/selection";
import { useAppState, useServices } from "../../ui/context";
import { ElidedName } from "../../ui/ElidedName";
import { IconButton } from "../../ui/IconButton";
import { Settled, useSettled } from "../../ui/moving";
import { ScrollRegion } from "../../ui/ScrollRegion";
import { useRunStyle } from "../../ui/useRunStyle";
import { halfText } from "../../views/shared/errors";
import type { PanelSlice, View } from "../../views/view";
import { chooseMode } from "../compare/modes";
import { FocusRecord } from "../FocusRecord";
import { toPanelSlice } from "../panelSlices";
import { useStep } from "../useSelection";
import css from "./inspector.css?inline";
import { samplesOf, sharedCoordinates, type RunSample } from "./inspectorModel";

interface InspectorProps {
  readonly selection: Selection;
  readonly view: View | null;
}

/** The numbers beside the pictures: of all runs under the cursor, and of the run in focus. */
export function Inspector({ selection, view }: InspectorProps) {
  const { store } = useServices();
  const { panels, slices } = useSlices(selection, view);
  const focus = slices.get(selection.focus?.run.name ?? "");
  return (
    <aside className="inspector" aria-label="Inspector" data-testid="inspector">
      <style href="inspector" precedence="default">
        {css}
      </style>
      <IconButton
        icon="close"
        label="Close the inspector"
        shortcut="I"
        className="inspector-close"
        onClick={() => store.setState({ inspectorOpen: false })}
      />
      <Settled>
        <ScrollRegion className="inspector-body" label="Numbers">
          {view && <AtCursor panels={panels} slices={slices} selection={selection} view={view} />}
          {focus && (
            <section aria-labelledby="inspector-readouts">
              <h2 id="inspector-readouts">Read-outs</h2>
              <FocusName run={focus.run} color={focus.style.color} />
              <Readings panel={focus} />
            </section>
          )}
          <section aria-labelledby="inspector-record">
            <h2 id="inspector-record">Record</h2>
            <FocusRecord selection={selection} />
          </section>
        </ScrollRegion>
      </Settled>
    </aside>
  );
}

/** What all visible runs show, once steps that are scrubbed through have come to rest. */
function useSlices(selection: Selection, view: View | null) {
  const { fields } = useServices();
  const styleOf = useRunStyle();
  const focusPoint = useAppState((state) => state.focusPoint);
  const step = useSettled(useStep(selection));
  const revision = useSettled(useSyncExternalStore(fields.subscribe, fields.version));
  return useMemo(() => {
    const supports = (layout: Layout) => view?.supports(layout) ?? false;
    const panels = revision < 0 ? [] : createPanels(selection, step, supports, fields);
    const slices = new Map<string, PanelSlice>();
    for (const panel of panels) {
      // What only stands in for a slice that is on its way is no number to be read.
      if (panel.content.state === "ready" && panel.content.pending) continue;
      const slice = toPanelSlice(panel, selection.channel, focusPoint, styleOf, fields);
      if (slice) slices.set(slice.run, slice);
    }
    return { panels, slices };
  }, [selection, step, revision, view, focusPoint, styleOf, fields]);
}

interface AtCursorProps {
  readonly panels: readonly Panel[];
  readonly slices: ReadonlyMap<string, PanelSlice>;
  readonly selection: Selection;
  readonly view: View;
}

function AtCursor({ panels, slices, selection, view }: AtCursorProps) {
  const cursor = useAppState((state) => state.cursor);
  const compare = useAppState((state) => state.compare);
  const { id } = chooseMode(compare, view, selection);
  const samples = samplesOf(panels, slices, view, cursor, id === "overlay");
  const at = sharedCoordinates(samples);
  return (
    <section aria-labelledby="inspector-cursor" data-testid="inspector-cursor">
      <h2 id="inspector-cursor">{cursor ? "At the cursor" : "At the focus point"}</h2>
      <p className="muted inspector-place">
        {selection.channel}
        {at && ` at (${at.map(formatCoordinate).join(", ")})`}
      </p>
      <table>
        <tbody>
          {samples.map((sample) => (
            <Row key={sample.run} {...sample} focused={selection.focus?.run.name === sample.run} />
          ))}
        </tbody>
      </table>
      {samples.some(({ sample }) => sample?.interpolated) && (
        <p className="muted inspector-place">≈: interpolated.</p>
      )}
    </section>
  );
}

interface RowProps extends RunSample {
  readonly focused: boolean;
}

function Row({ run, place, step, outdated, sample, focused }: RowProps) {
  const { store } = useServices();
  const { color } = useRunStyle()(place);
  return (
    <tr data-testid="inspector-run" data-run={run}>
      <th scope="row">
        <button
          type="button"
          className="inspector-run"
          aria-pressed={focused}
          title={`${run}: show its numbers`}
          onClick={() => store.setState({ focusRun: run })}
        >
          <span className="swatch" style={{ background: color }} />
          <ElidedName name={run} />
        </button>
        {outdated && step !== null && (
          <span className="inspector-step panel-outdated">step {formatStep(step)}</span>
        )}
      </th>
      <td data-value={`${sample?.value ?? ""}`}>
        {sample ? (
          <>
            {sample.interpolated && "≈\u2009"}
            {formatValue(sample.value, 5)}
            {sample.half !== undefined && (
              <span className="inspector-half">{halfText(sample.half, sample.atMost)}</span>
            )}
          </>
        ) : (
          "–"
        )}
      </td>
    </tr>
  );
}

function FocusName({ run, color }: { readonly run: string; readonly color: string }) {
  return (
    <p className="panel-name inspector-place" title={run}>
      <span className="swatch" style={{ background: color }} />
      <ElidedName name={run} />
    </p>
  );
}

function Readings({ panel }: { readonly panel: PanelSlice }) {
  const { slice, channel, focusPoint } = panel;
  const found = useMemo(
    () => measuredReadings(slice, channel, focusPoint).filter(({ value }) => !Number.isNaN(value)),
    [slice, channel, focusPoint],
  );
  return (
    <dl className="inspector-readings" data-testid="inspector-readings">
      {found.map(({ label, value }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{Number.isInteger(value) ? formatStep(value) : formatValue(value, 5)}</dd>
        </div>
      ))}
    </dl>
  );
}
