import { useCallback, useMemo, useState } from "react";
import type { Interval } from "../data/stats";
import { formatStep, formatValue } from "../plot/format";
import { seek } from "../state/actions";
import type { Panel } from "../state/panels";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { ElidedName } from "../ui/ElidedName";
import { Paced, Settled } from "../ui/moving";
import { ReadoutSlot } from "../ui/readoutSlot";
import { PanelInfoContext, PicturesContext, type Picture } from "../ui/plotRegistry";
import { useLatest } from "../ui/useLatest";
import { WhileSeen } from "../ui/WhileSeen";
import { useRunStyle } from "../ui/useRunStyle";
import type { Headline, Measured, PanelSlice, View } from "../views/view";
import { ErrorBoundary } from "./ErrorBoundary";
import { panelInfo } from "./panelInfo";
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
  /** What shares a scale where all runs do. */
  readonly shown: readonly Measured[];
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
  shown,
}: PanelFrameProps) {
  const { store } = useServices();
  const { run, place } = panel.placed;
  const { color } = useRunStyle()(place);
  const colorMap = useAppState((state) => state.colorMap);
  const smooth = useAppState((state) => state.smooth);
  const range = useAppState((state) => state.range);
  const [pictures] = useState(() => new Set<Picture>());
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const own = useMemo(() => [panel], [panel]);
  const { slices, value, hasNone } = usePanelValues(own, selection, view, usual, shown);
  const pending = panel.content.state === "ready" && panel.content.pending;
  const focused = !alone && selection.focus?.run.name === run.name;
  const [slice] = slices;
  const latest = useLatest({ panel, slices, view, value });
  const info = useCallback(() => {
    const now = latest();
    return panelInfo(run.name, now.slices, now.view, now.value);
  }, [latest, run]);
  const headline = slice ? (view?.headline?.(slice) ?? centerOf(slice)) : null;
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
        <Paced>
          {panel.step !== null && (
            <span
              className={`panel-step ${panel.outdated ? "panel-outdated" : ""}`}
              title={
                panel.outdated
                  ? `Nothing newer was logged up to step ${formatStep(step)}`
                  : undefined
              }
            >
              step {formatStep(panel.step)}
              {panel.outdated && " (older)"}
            </span>
          )}
        </Paced>
        <span className="panel-space" />
        <span className="panel-readout" ref={setSlot} />
        <Paced>
          {headline && (
            <span className="panel-center" title={headline.title}>
              {headline.label && <span className="panel-center-label">{headline.label}</span>}
              {formatValue(headline.value)}
            </span>
          )}
        </Paced>
        {slice && view && value && <PanelMenu run={run.name} latest={latest} pictures={pictures} />}
      </header>
      <WhileSeen className={`panel-body ${pending ? "panel-pending" : ""}`}>
        <ErrorBoundary where={run.name}>
          {slice && value && view && panel.content.state === "ready" ? (
            <PanelInfoContext value={info}>
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
            </PanelInfoContext>
          ) : (
            <PanelMessage panel={panel} selection={selection} sentence={slice ? hasNone : null} />
          )}
        </ErrorBoundary>
      </WhileSeen>
      <Settled>
        {slice && value && view && <PanelNote slice={slice} value={value} view={view} />}
      </Settled>
    </section>
  );
}

function centerOf({ slice, channel, focusPoint }: PanelSlice): Headline | null {
  const value = channel.center[focusPoint];
  // A spectrum's center is no value of its picture.
  if (value === undefined || slice.kind === "spectrum") return null;
  return { label: "", value, title: `${channel.name} at the focus point` };
}
