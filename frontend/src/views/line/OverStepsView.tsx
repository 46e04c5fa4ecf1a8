import { useCallback, useMemo } from "react";
import { moveStep } from "../../data/align";
import { crisp, drawAxes, drawFrame, line } from "../../plot/axes";
import { axisLabel } from "../../plot/axisLabel";
import { contains, createChart, innerBox, linear } from "../../plot/chart";
import { colorBarBeside, colorBarRoom, drawColorBar } from "../../plot/marks/colorBar";
import { drawCrossHair } from "../../plot/marks/crossHair";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { extent } from "../../data/slice";
import { Readout } from "../shared/Readout";
import { useValueScale } from "../shared/useValueScale";
import type { PanelSlice, ViewProps } from "../view";
import { curveOf, stepAlong } from "./lineModel";
import { paintSteps, sampleAt, stepDomain } from "./overStepsModel";

const MARGINS = { top: 8, bottom: 40, left: 62 };

export function OverStepsView({ panels, ...props }: ViewProps) {
  const [panel] = panels;
  return panel ? <OverSteps panel={panel} {...props} /> : null;
}

interface OverStepsProps extends Omit<ViewProps, "panels"> {
  readonly panel: PanelSlice;
}

function OverSteps({ panel, value, colorMap, step, revision, seek }: OverStepsProps) {
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const { slice, series, run, channel } = panel;
  const chart = useMemo(() => {
    const right = colorBarRoom(scale, size.height - MARGINS.top - MARGINS.bottom);
    const box = innerBox(size, { ...MARGINS, right });
    return createChart(box, linear(extent(slice.axes[0])), linear(stepDomain(series.steps)));
  }, [size, slice, series, scale]);
  const { clipped } = value;
  const raster = useMemo(() => {
    const [width, height] = [Math.min(chart.box.width, 480), Math.min(chart.box.height, 480)];
    if (revision < 0) return null;
    return paintSteps(panel, width, height, chart.x.domain, scale, { colorMap, theme });
  }, [panel, chart, scale, colorMap, theme, revision]);
  const draw = useCallback(
    (surface: Surface2D) => {
      const { box } = chart;
      if (raster) surface.image(raster, box);
      const now = crisp(Math.min(Math.max(chart.toY(step), box.y), box.y + box.height - 1));
      line(surface, box.x, now, box.x + box.width, now, "rgba(0, 0, 0, 0.6)");
      line(surface, box.x, now - 1, box.x + box.width, now - 1, theme.playHead);
      drawFrame(surface, box, theme);
      drawAxes(surface, chart, theme, {
        xLabel: axisLabel(slice.axes[0]),
        yLabel: "step",
        grid: false,
      });
      drawColorBar(surface, colorBarBeside(box), scale, { colorMap, theme }, clipped);
    },
    [chart, raster, step, theme, slice, scale, colorMap, clipped],
  );
  const sample = cursor && sampleAt(panel, cursor.x, cursor.y);
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const at = sampleAt(panel, cursor.x, cursor.y);
        drawCrossHair(surface, chart, at.x, at.step);
      }),
    [cursor, panel, chart],
  );
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={`${channel.name} of ${run} over ${series.steps.length} steps; the line is at step ${step}.`}
        onMove={(px, py) => {
          if (!contains(chart.box, px, py)) {
            setCursor(null);
            return;
          }
          const at = sampleAt(panel, chart.fromX(px), chart.fromY(py));
          setCursor({ x: at.x, y: at.step, line: null, byKeyboard: false });
        }}
        onLeave={() => setCursor(null)}
        onClick={(px, py) => {
          if (contains(chart.box, px, py)) seek(sampleAt(panel, 0, chart.fromY(py)).step);
        }}
        onEnter={() => seek(cursor?.y ?? step)}
        onArrow={(dx, dy) => {
          const curve = curveOf(slice, channel, panel.focusPoint);
          const x = stepAlong(curve, cursor?.x ?? 0, dx);
          const y = moveStep(series.steps, cursor?.y ?? step, dy);
          setCursor({ x, y, line: null, byKeyboard: true });
        }}
      />
      {sample && <Readout value={sample.value} coordinates={[sample.x, sample.step]} />}
    </div>
  );
}
