import { useMemo, useState } from "react";
import { runStyle } from "../data/runColors";
import type { Interval } from "../data/stats";
import { formatStep, formatValue } from "../plot/format";
import { seek } from "../state/actions";
import type { Panel } from "../state/panels";
import type { Selection } from "../state/selection";
import { useAppState, useDark, useServices } from "../ui/context";
import { ElidedName } from "../ui/ElidedName";
import { ReadoutSlot } from "../ui/readoutSlot";
import { PicturesContext, type Picture } from "../ui/plotRegistry";
import type { View } from "../views/view";
import { ErrorBoundary } from "./ErrorBoundary";
import { PanelMenu } from "./PanelMenu";
import { PanelMessage } from "./PanelMessage";
import { PanelNote } from "./PanelNote";
import { usePanelValues, type UsualRange } from "./usePanelValues";

interface PanelFrameProps {
  readonly panel: Panel;
  readonly view: View | null;
  readonly selection: Selection;
  readonly step: number;
  readonly revision: number;
  readonly extent: Interval | null;
  readonly alone: boolean;
  readonly usual: UsualRange | null;
}

/** One run: its name, the step it really shows, its picture. */
export function PanelFrame({
  panel,
  view,
  selection,
  step,
  revision,
  extent,
  alone,
  usual,
}: PanelFrameProps) {
  const { store } = useServices();
  const { run, place } = panel.placed;
  const { color } = runStyle(place, useDark());
  const colorMap = useAppState((state) => state.colorMap);
  const smooth = useAppState((state) => state.smooth);
  const range = useAppState((state) => state.range);
  const [pictures] = useState(() => new Set<Picture>());
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const own = useMemo(() => [panel], [panel]);
  const { slices, value, hasNone } = usePanelValues(own, selection, usual);
  const pending = panel.content.state === "ready" && panel.content.pending;
  const focused = !alone && selection.focus?.run.name === run.name;
  const [slice] = slices;
  const center = slice?.channel.center[slice.focusPoint];
  return (
    <section
      className={`panel ${focused ? "panel-focused" : ""}`}
      aria-label={run.name}
      aria-busy={pending || panel.content.state === "loading"}
      data-testid="panel"
      data-run={run.name}
      data-step={pending ? "" : (panel.step ?? "")}
      data-state={pending ? "pending" : panel.content.state}
    >
      <header className="panel-head">
        <button
          type="button"
          className="panel-run"
          title={`${run.name}: show its details`}
          onClick={() => store.setState({ focusRun: run.name })}
        >
          <span className="swatch" style={{ background: color }} />
          <ElidedName name={run.name} />
        </button>
        {panel.step !== null && (
          <span
            className={`panel-step ${panel.outdated ? "panel-outdated" : ""}`}
            title={
              panel.outdated ? `Nothing newer was logged up to step ${formatStep(step)}` : undefined
            }
          >
            step {formatStep(panel.step)}
            {panel.outdated && " (older)"}
          </span>
        )}
        <span className="panel-space" />
        <span className="panel-readout" ref={setSlot} />
        {center !== undefined && (
          <span className="panel-center" title={`${selection.channel ?? ""} at the focus point`}>
            {formatValue(center)}
          </span>
        )}
        {slice && <PanelMenu panel={panel} slice={slice} pictures={pictures} />}
      </header>
      <div className={`panel-body ${pending ? "panel-pending" : ""}`}>
        <ErrorBoundary where={run.name}>
          {slice && value && view && panel.content.state === "ready" ? (
            <PicturesContext value={pictures}>
              <ReadoutSlot value={slot}>
                <view.Component
                  panels={slices}
                  value={value}
                  extent={range === "panel" ? null : extent}
                  colorMap={colorMap}
                  smooth={smooth}
                  step={step}
                  revision={revision}
                  seek={(to) => seek(store, selection.steps, to)}
                />
              </ReadoutSlot>
            </PicturesContext>
          ) : (
            <PanelMessage panel={panel} selection={selection} sentence={slice ? hasNone : null} />
          )}
        </ErrorBoundary>
      </div>
      {slice && value && <PanelNote slice={slice} value={value} />}
    </section>
  );
}
