import { useCallback, useMemo, useState } from "react";
import { dashOf } from "../data/runColors";
import type { Interval } from "../data/stats";
import { formatStep } from "../plot/format";
import { seek } from "../state/actions";
import type { Panel } from "../state/panels";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { ElidedName } from "../ui/ElidedName";
import { PanelInfoContext, PicturesContext, type Picture } from "../ui/plotRegistry";
import { useLatest } from "../ui/useLatest";
import type { Measured, PanelSlice, View } from "../views/view";
import { ErrorBoundary } from "./ErrorBoundary";
import { OverlayMenu } from "./OverlayMenu";
import { panelInfo } from "./panelInfo";
import { PanelMessage } from "./PanelMessage";
import { OverlayNote } from "./PanelNote";
import { usePanelValues } from "./usePanelValues";

interface OverlayFrameProps {
  readonly panels: readonly Panel[];
  readonly view: View;
  readonly selection: Selection;
  readonly step: number;
  readonly revision: number;
  readonly extent: Interval | null;
  readonly shown: readonly Measured[];
}

// Where colors alone would have to tell runs apart, each one has a stroke of its own.
function withOwnStroke(slice: PanelSlice, place: number): PanelSlice {
  return { ...slice, style: { ...slice.style, dash: dashOf(place) } };
}

/** All visible runs in one chart, with a legend that says the step of each. */
export function OverlayFrame({
  panels,
  view,
  selection,
  step,
  revision,
  extent,
  shown,
}: OverlayFrameProps) {
  const { store } = useServices();
  const colorMap = useAppState((state) => state.colorMap);
  const smooth = useAppState((state) => state.smooth);
  const [pictures] = useState(() => new Set<Picture>());
  const most = view.mostOverlaid ?? panels.length;
  const drawn = useMemo(() => panels.slice(0, most), [panels, most]);
  const found = usePanelValues(drawn, selection, view, null, shown);
  const { value, hasNone } = found;
  const slices = useMemo(
    () => (view.mostOverlaid === undefined ? found.slices : found.slices.map(withOwnStroke)),
    [found.slices, view],
  );
  const latest = useLatest({ slices, value });
  const info = useCallback(() => {
    const now = latest();
    return panelInfo("", now.slices, view, now.value);
  }, [latest, view]);
  const steps = new Map(drawn.map((panel) => [panel.placed.run.name, panel]));
  const [first] = panels;
  return (
    <section
      className="panel"
      aria-label="All visible runs"
      data-testid="panel"
      data-run=""
      data-step={step}
    >
      <header className="panel-head panel-legend">
        {slices.map(({ run, style }) => {
          const panel = steps.get(run);
          return (
            <span key={run} className="legend" title={run}>
              <svg width="22" height="8" aria-hidden="true">
                <line
                  x1="0"
                  x2="22"
                  y1="4"
                  y2="4"
                  stroke={style.color}
                  strokeWidth="2"
                  strokeDasharray={style.dash.join(" ")}
                />
              </svg>
              <ElidedName name={run} />
              <span className={`panel-step ${panel?.outdated ? "panel-outdated" : ""}`}>
                {formatStep(panel?.step ?? step)}
              </span>
            </span>
          );
        })}
        {value && slices.length > 0 && (
          <OverlayMenu slices={slices} value={value} view={view} pictures={pictures} info={info} />
        )}
      </header>
      <div className="panel-body">
        <ErrorBoundary where="this chart">
          {value && slices.length > 0 ? (
            <PanelInfoContext value={info}>
              <PicturesContext value={pictures}>
                <view.Component
                  panels={slices}
                  value={value}
                  extent={extent}
                  colorMap={colorMap}
                  smooth={smooth}
                  step={step}
                  revision={revision}
                  seek={(to) => seek(store, selection.steps, to)}
                />
              </PicturesContext>
            </PanelInfoContext>
          ) : (
            first && <PanelMessage panel={first} selection={selection} sentence={hasNone} />
          )}
        </ErrorBoundary>
      </div>
      {drawn.length < panels.length && (
        <p className="panel-note" data-testid="overlay-note">
          The first {drawn.length} of {panels.length} runs are drawn; more could not be told apart.
        </p>
      )}
      {value && <OverlayNote slices={slices} value={value} view={view} />}
    </section>
  );
}
