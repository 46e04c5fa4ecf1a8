import { useCallback, useMemo } from "react";
import { axisLabel } from "../../plot/axisLabel";
import { contains, createChart, innerBox, linear } from "../../plot/chart";
import { crisp, line } from "../../plot/axes";
import { airy, createScale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { extent } from "../../data/slice";
import { Readout } from "../shared/Readout";
import { useValueScale } from "../shared/useValueScale";
import type { ViewProps } from "../view";
import { barrierOf, markOf } from "./barrierModel";
import { drawLines, type StyledCurve } from "./drawLines";
import { curveOf, describeLine, envelope, sampleAt, stepAlong } from "./lineModel";

const MARGINS = { top: 12, right: 14, bottom: 40, left: 62 };

export function LineView({ panels, value, extent: shared, revision }: ViewProps) {
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
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
  const chart = useMemo(() => {
    const x = linear(shared ?? extent(first?.slice.axes[0]));
    const y = createScale(scale.kind, airy(scale.kind, scale.domain));
    return createChart(innerBox(size, MARGINS), x, y);
  }, [shared, first, scale, size]);
  // The range of the other steps stays the same until another slice arrives.
  const overSteps = useMemo(
    () => (revision >= 0 && first && panels.length === 1 ? envelope(first) : null),
    [revision, first, panels.length],
  );
  const draw = useCallback(
    (surface: Surface2D) =>
      drawLines(surface, chart, {
        curves,
        envelope: overSteps,
        xLabel: axisLabel(first?.slice.axes[0]),
        yLabel: first?.channel.name ?? "",
        theme,
      }),
    [chart, curves, overSteps, first, theme],
  );
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const { box } = chart;
        for (const curve of curves) {
          const sample = sampleAt(curve, cursor.x);
          const x = crisp(chart.toX(sample.x));
          line(surface, x, box.y, x, box.y + box.height, theme.muted, [3, 3]);
          const y = chart.toY(sample.value);
          if (y >= box.y && y <= box.y + box.height) {
            surface.circle(x, y, 3.5, curve.color, { color: theme.text, width: 1.5 });
          }
        }
      }),
    [cursor, chart, curves, theme],
  );
  const [curve] = curves;
  if (!curve) return null;
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={panels.map(describeLine).join(" ")}
        onMove={(px, py) => {
          if (!contains(chart.box, px, py)) {
            setCursor(null);
            return;
          }
          const { x } = sampleAt(curve, chart.fromX(px));
          setCursor({ x, y: 0, line: null, byKeyboard: false });
        }}
        onLeave={() => setCursor(null)}
        onArrow={(dx) => {
          const x = stepAlong(curve, cursor?.x ?? 0, dx);
          setCursor({ x, y: 0, line: null, byKeyboard: true });
        }}
      />
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
