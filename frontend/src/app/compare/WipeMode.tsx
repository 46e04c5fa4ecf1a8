import { useCallback, useMemo, useState } from "react";
import { align } from "../../data/difference";
import { runStyle } from "../../data/runColors";
import { extent } from "../../data/slice";
import { contains, createChart, fitted, innerBox, linear } from "../../plot/chart";
import { formatStep } from "../../plot/format";
import { colorBarBeside, colorBarRoom, drawColorBar } from "../../plot/marks/colorBar";
import { drawCrossHair } from "../../plot/marks/crossHair";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { baseOf, otherOf } from "../../state/base";
import type { Panel } from "../../state/panels";
import { useAppState, useDark, useServices } from "../../ui/context";
import { ElidedName } from "../../ui/ElidedName";
import { Plot } from "../../ui/Plot";
import { PicturesContext, type Picture } from "../../ui/plotRegistry";
import { ReadoutSlot } from "../../ui/readoutSlot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { describePlane, gridOf, neighbor, sampleAt } from "../../views/plane/planeModel";
import { Readout } from "../../views/shared/Readout";
import { useValueScale } from "../../views/shared/useValueScale";
import type { Facet, PanelSlice, ValueScale, View } from "../../views/view";
import { Message, Offer, PanelMessage } from "../PanelMessage";
import { usePanelValues } from "../usePanelValues";
import { BaseBar } from "./BaseBar";
import type { ModeProps } from "./mode";
import { PictureMenu } from "./PictureMenu";
import { WipeDivider } from "./WipeDivider";

const MARGINS = { top: 8, bottom: 40, left: 62 };

/** The base run left of a divider and another run right of it, in one picture. */
export function WipeMode({ panels, view, selection, step, usual, shown }: ModeProps) {
  const { store } = useServices();
  const base = baseOf(selection, useAppState((state) => state.baseRun));
  const other = otherOf(selection, base);
  const both = useMemo(() => {
    const named = (name: string | undefined) =>
      panels.find((panel) => panel.placed.run.name === name);
    const [a, b] = [named(base?.run.name), named(other?.run.name)];
    return a && b ? [a, b] : [];
  }, [panels, base, other]);
  const { slices, value } = usePanelValues(both, selection, view, usual, shown);
  const [a, b] = slices;
  const aligned = useMemo(() => a && b && align(a, b), [a, b]);
  const [pictures] = useState(() => new Set<Picture>());
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const missing = both.find(({ content }) => content.state !== "ready") ?? both[0];
  const resampled = aligned && "a" in aligned ? aligned.resampled : null;
  const names = both.map(({ placed }) => placed.run.name);
  const title = names.join(" | ");
  const pending = both.some(({ content }) => content.state === "ready" && content.pending);
  const refused = aligned && "refused" in aligned ? aligned : null;
  return (
    <div className="mode">
      <BaseBar selection={selection} step={step} />
      <div className="panels mode-alone">
        <section
          className="panel"
          aria-label={`Wipe: ${title}`}
          data-testid="panel"
          data-run={names[1] ?? ""}
          data-base={names[0] ?? ""}
          data-state={refused ? "refused" : aligned && !pending ? "ready" : "pending"}
        >
          <header className="panel-head">
            {both[0] && <Side panel={both[0]} where="left" />}
            {both[1] && <Side panel={both[1]} where="right" />}
            <span className="panel-space" />
            <span className="panel-readout" ref={setSlot} />
            {aligned && !refused && (
              <PictureMenu
                label={`Menu of ${title}`}
                parts={[title, selection.channel ?? "", `step ${step}`]}
                caption={[
                  `${selection.channel ?? ""} at step ${formatStep(step)}: ${names[0] ?? ""} left, ${names[1] ?? ""} right`,
                  ...(resampled === null ? [] : [resampled]),
                ]}
                pictures={pictures}
              />
            )}
          </header>
          <div className="panel-body">
            {refused ? (
              <Message
                title="Different directions: the two sides would show different places."
                detail={refused.why}
              >
                <Offer onClick={() => store.setState({ compare: "grid" })}>
                  Show the runs side by side
                </Offer>
              </Message>
            ) : a && b && aligned && "a" in aligned && value && view?.facet ? (
              <PicturesContext value={pictures}>
                <ReadoutSlot value={slot}>
                  <WipePlot
                    a={{ ...a, ...aligned.a }}
                    b={{ ...b, ...aligned.b }}
                    value={value}
                    view={view}
                    facet={view.facet}
                  />
                </ReadoutSlot>
              </PicturesContext>
            ) : (
              missing && <PanelMessage panel={missing} selection={selection} sentence={null} />
            )}
          </div>
          {resampled !== null && (
            <p className="panel-note" data-testid="panel-note">
              {resampled}
            </p>
          )}
        </section>
      </div>
    </div>
  );
}

function Side({ panel, where }: { readonly panel: Panel; readonly where: "left" | "right" }) {
  const { run, place } = panel.placed;
  const { color } = runStyle(place, useDark());
  return (
    <span className="panel-name" title={run.name}>
      <span className="muted">{where}</span>
      <span className="swatch" style={{ background: color }} />
      <ElidedName name={run.name} />
      <span className={`panel-step ${panel.outdated ? "panel-outdated" : ""}`}>
        step {formatStep(panel.step ?? 0)}
      </span>
    </span>
  );
}

interface WipePlotProps {
  readonly a: PanelSlice;
  readonly b: PanelSlice;
  readonly value: ValueScale;
  readonly view: View;
  readonly facet: Facet;
}

function WipePlot({ a, b, value, facet }: WipePlotProps) {
  const { store } = useServices();
  const theme = themeFor(useDark());
  const colorMap = useAppState((state) => state.colorMap);
  const smooth = useAppState((state) => state.smooth);
  const percent = useAppState((state) => state.wipe);
  const scale = useValueScale(value);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const chart = useMemo(() => {
    const right = colorBarRoom(scale, size.height - MARGINS.top - MARGINS.bottom);
    const room = innerBox(size, { ...MARGINS, right });
    const ratio = facet.ratio(a.slice);
    const box = ratio === null ? room : fitted(room, 1, ratio);
    return createChart(box, linear(extent(a.slice.axes[0])), linear(extent(a.slice.axes[1])));
  }, [a.slice, facet, scale, size]);
  const { box } = chart;
  const split = Math.round(box.x + (percent / 100) * box.width);
  const { clipped } = value;
  // The slices are new objects at each render; what they hold is not.
  const keyA = a.channel.values;
  const keyB = b.channel.values;
  const both = useMemo(() => [a, b] as const, [keyA, keyB]); // eslint-disable-line react-hooks/exhaustive-deps
  const draw = useCallback(
    (surface: Surface2D) => {
      const look = { scale, extent: null, colorMap, smooth, theme, left: true, bottom: true };
      facet.draw(surface, box, both[0], look);
      const right = { ...box, x: split, width: Math.max(0, box.x + box.width - split) };
      surface.clip(right, () => facet.draw(surface, box, both[1], look));
      surface.rect({ x: split - 1, y: box.y, width: 2, height: box.height }, theme.playHead);
      drawColorBar(surface, colorBarBeside(box), scale, { colorMap, theme }, clipped);
    },
    [both, facet, box, split, scale, colorMap, smooth, theme, clipped],
  );
  const overlay = useMemo(
    () => cursor && ((surface: Surface2D) => drawCrossHair(surface, chart, cursor.x, cursor.y)),
    [cursor, chart],
  );
  const sideAt = (x: number) => (chart.toX(x) < split ? a : b);
  const gridAt = (x: number) => {
    const { slice, channel, focusPoint } = sideAt(x);
    return gridOf(slice, channel, focusPoint);
  };
  const describe = ({ slice, channel, focusPoint, run }: PanelSlice) =>
    describePlane(slice, channel, gridOf(slice, channel, focusPoint), run);
  const read = cursor && sampleAt(gridAt(cursor.x), cursor.x, cursor.y);
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={`Left: ${describe(a)} Right: ${describe(b)}`}
        onMove={(px, py) => {
          const at = chart.fromX(px);
          const { x, y } = sampleAt(gridAt(at), at, chart.fromY(py));
          setCursor(contains(box, px, py) ? { x, y, line: null, byKeyboard: false } : null);
        }}
        onLeave={() => setCursor(null)}
        onArrow={(dx, dy) => {
          const { x, y } = neighbor(gridAt(cursor?.x ?? 0), cursor?.x ?? 0, cursor?.y ?? 0, dx, dy);
          setCursor({ x, y, line: null, byKeyboard: true });
        }}
      />
      <WipeDivider
        box={box}
        percent={percent}
        left={a.run}
        right={b.run}
        onChange={(wipe) => store.setState({ wipe })}
      />
      {read && cursor && (
        <Readout value={read.value} coordinates={[read.x, read.y]} name={sideAt(cursor.x).run} />
      )}
    </div>
  );
}
