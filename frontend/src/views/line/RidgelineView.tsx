import { useCallback, useMemo } from "react";
import { moveStep } from "../../data/align";
import { extent } from "../../data/slice";
import { nearestIndex } from "../../data/stats";
import { axisLabel } from "../../plot/axisLabel";
import { contains, createChart, innerBox, linear } from "../../plot/chart";
import { IN_PLACE } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { Readout } from "../shared/Readout";
import { useValueScale } from "../shared/useValueScale";
import type { PanelSlice, ViewProps } from "../view";
import { drawRidges, layOutRidges, ridgeShape } from "./drawRidges";
import { sampleAt, stepAlong } from "./lineModel";
import { ridgesOf } from "./otherSteps";

const MARGINS = { top: 12, right: 58, bottom: 40, left: 62 };

interface RidgelineProps extends Omit<ViewProps, "panels"> {
  readonly panel: PanelSlice;
}

/** One run's line at all steps, one behind the other, the oldest behind. */
export function RidgelineView({ panel, value, extent: shared, revision, seek }: RidgelineProps) {
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const { slice, series, channel, style, run } = panel;
  const ridges = useMemo(() => (revision >= 0 ? ridgesOf(panel) : []), [panel, revision]);
  const chart = useMemo(
    () =>
      createChart(innerBox(size, MARGINS), linear(shared ?? extent(slice.axes[0])), linear([0, 1])),
    [size, shared, slice],
  );
  const draw = useCallback(
    (surface: Surface2D) =>
      drawRidges(surface, chart, {
        ridges,
        total: series.steps.length,
        step: slice.step,
        scale,
        color: style.color,
        xLabel: axisLabel(slice.axes[0]),
        yLabel: channel.name,
        theme,
      }),
    [chart, ridges, series, slice, scale, style, channel, theme],
  );
  const steps = useMemo(() => ridges.map((ridge) => ridge.step), [ridges]);
  const layout = layOutRidges(chart.box, ridges.length);
  const place = cursor ? nearestIndex(steps, cursor.y) : -1;
  const ridge = ridges[place];
  const overlay = useMemo(() => {
    if (!ridge || !cursor) return null;
    return (surface: Surface2D) => {
      const within = layOutRidges(chart.box, ridges.length);
      const shape = ridgeShape(chart, scale, within, ridge, place);
      surface.stroke(shape, IN_PLACE, { color: theme.background, width: 5 });
      surface.stroke(shape, IN_PLACE, { color: theme.text, width: 2 });
      const share = scale.toShare(sampleAt(ridge, cursor.x).value);
      const y = within.baseline(place) - Math.max(share, 0) * within.height;
      const x = chart.toX(sampleAt(ridge, cursor.x).x);
      if (Number.isFinite(y)) surface.circle(x, y, 3.5, style.color, { color: theme.text });
    };
  }, [ridge, place, cursor, chart, ridges.length, scale, style, theme]);
  const at = (px: number, py: number) => {
    const x = chart.fromX(px);
    // The curve that is pointed at, and not the line that it stands on.
    const heights = ridges.map((one, i) => {
      const share = scale.toShare(sampleAt(one, x).value);
      return layout.baseline(i) - Math.max(share, 0) * layout.height;
    });
    const near = ridges[nearestIndex(heights, py)];
    return near && { x: sampleAt(near, x).x, y: near.step };
  };
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={`${channel.name} of ${run}: ${ridges.length} of ${series.steps.length} steps, the oldest behind; shown is step ${slice.step}.`}
        onMove={(px, py) => {
          const near = contains(chart.box, px, py) ? at(px, py) : undefined;
          setCursor(near ? { ...near, line: null, byKeyboard: false } : null);
        }}
        onLeave={() => setCursor(null)}
        onClick={(px, py) => {
          const near = contains(chart.box, px, py) ? at(px, py) : undefined;
          if (near) seek(near.y);
        }}
        onArrow={(dx, dy) => {
          const here = ridge ?? ridges.at(-1);
          if (!here) return;
          // Later steps stand lower.
          const y = moveStep(steps, ridge ? ridge.step : slice.step, -dy);
          setCursor({ x: stepAlong(here, cursor?.x ?? 0, dx), y, line: null, byKeyboard: true });
        }}
      />
      {ridge && cursor && (
        <Readout
          {...sampleAt(ridge, cursor.x)}
          coordinates={[sampleAt(ridge, cursor.x).x, ridge.step]}
        />
      )}
    </div>
  );
}
