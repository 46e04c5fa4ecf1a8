import { useCallback, useMemo } from "react";
import { axisLabel } from "../../plot/axisLabel";
import { createChart, innerBox, linear } from "../../plot/chart";
import { withAir } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useSize } from "../../ui/useSize";
import { extent } from "../../data/slice";
import { Readout } from "../shared/Readout";
import { useChoice } from "../shared/useChoice";
import { useCurveCursor } from "../shared/useCurveCursor";
import { useValueScale } from "../shared/useValueScale";
import { useZoom } from "../shared/useZoom";
import { ZoomReset } from "../shared/ZoomReset";
import type { ViewProps } from "../view";
import { barrierOf, markOf } from "./barrierModel";
import { drawLines, type StyledCurve, type StyledSkin } from "./drawLines";
import { curveOf, describeLine, envelope, sampleAt } from "./lineModel";
import { skinsOf } from "./otherSteps";
import { RidgelineView } from "./RidgelineView";

const MARGINS = { top: 12, right: 14, bottom: 40, left: 62 };

/** One run's line in the chosen mode; several runs in one chart are never ridges. */
export function LineView(props: ViewProps) {
  const [mode] = useChoice("stepMode");
  const [panel] = props.panels;
  return mode === "ridgeline" && panel && props.panels.length === 1 ? (
    <RidgelineView {...props} panel={panel} />
  ) : (
    <Lines {...props} onion={mode === "onion"} />
  );
}

interface LinesProps extends ViewProps {
  readonly onion: boolean;
}

function Lines({ panels, value, extent: shared, revision, onion }: LinesProps) {
  const [count] = useChoice("skins");
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const { fixed = false } = value;
  const [element, size] = useSize();
  const [first] = panels;
  const curves = useMemo<StyledCurve[]>(
    () =>
      panels.map((panel) => {
        const { slice, channel, focusPoint, style } = panel;
        const curve = curveOf(slice, channel, focusPoint);
        const center = channel.center[focusPoint] ?? NaN;
        const barrier = barrierOf(panel);
        return { ...curve, ...style, center, barrier: barrier && markOf(barrier, curve, center) };
      }),
    [panels],
  );
  const part = useZoom(shared ?? extent(first?.slice.axes[0]), null);
  const chart = useMemo(() => {
    const x = linear(part.x);
    const y = fixed ? scale : withAir(scale);
    return createChart(innerBox(size, MARGINS), x, y);
  }, [part, scale, fixed, size]);
  // The range of the other steps stays the same until another slice arrives.
  const overSteps = useMemo(
    () => (revision >= 0 && first && panels.length === 1 && !onion ? envelope(first) : null),
    [revision, first, panels.length, onion],
  );
  const skins = useMemo<StyledSkin[]>(
    () =>
      onion && revision >= 0
        ? panels.flatMap((panel) =>
            skinsOf(panel, count).map((skin) => ({ ...skin, color: panel.style.color })),
          )
        : [],
    [onion, revision, panels, count],
  );
  const draw = useCallback(
    (surface: Surface2D) =>
      drawLines(surface, chart, {
        curves,
        envelope: overSteps,
        skins,
        xLabel: axisLabel(first?.slice.axes[0]),
        yLabel: first?.channel.name ?? "",
        theme,
      }),
    [chart, curves, overSteps, skins, first, theme],
  );
  const [cursor, pointing] = useCurveCursor(chart, curves, theme);
  const [curve] = curves;
  if (!curve) return null;
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        label={panels.map(describeLine).join(" ")}
        onZoom={(pinch) => part.zoom(chart, pinch, cursor)}
        {...pointing}
      />
      <ZoomReset reset={part.reset} />
      {cursor && (
        <div className={chart.x.toShare(cursor.x) > 0.5 ? "readouts readouts-left" : "readouts"}>
          {panels.map((panel, i) => {
            const sample = sampleAt(curves[i] ?? curve, cursor.x);
            const named = panels.length > 1 && { name: panel.run, color: panel.style.color };
            return (
              <Readout key={panel.run} {...sample} coordinates={[sample.x]} {...(named || {})} />
            );
          })}
        </div>
      )}
    </div>
  );
}
