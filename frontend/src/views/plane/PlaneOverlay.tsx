import { useCallback, useMemo } from "react";
import { axisLabel } from "../../plot/axisLabel";
import { drawAxes, drawFrame } from "../../plot/axes";
import { contains, createChart, fitted, innerBox, linear, placement } from "../../plot/chart";
import { contours } from "../../plot/contours";
import { drawCenter, drawCrossHair } from "../../plot/marks/crossHair";
import { labelSpot } from "../../plot/marks/contourLines";
import { sharesOf } from "../../plot/raster";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { RunReadouts } from "../shared/RunReadouts";
import { useValueScale } from "../shared/useValueScale";
import { useZoom } from "../shared/useZoom";
import { ZoomReset } from "../shared/ZoomReset";
import type { ViewProps } from "../view";
import { overlayExtent, overlayLevels } from "./overlayModel";
import { describePlane, gridOf, neighbor, sampleAt } from "./planeModel";

const MARGINS = { top: 12, right: 16, bottom: 40, left: 62 };

/** Contours of several runs at the same levels, each set in its run’s color and stroke. */
export function PlaneOverlay({ panels, value }: Pick<ViewProps, "panels" | "value">) {
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const grids = useMemo(
    () => panels.map(({ slice, channel, focusPoint }) => gridOf(slice, channel, focusPoint)),
    [panels],
  );
  const part = useZoom(overlayExtent(panels, 0), overlayExtent(panels, 1));
  const chart = useMemo(() => {
    const { x, y } = part;
    const box = fitted(innerBox(size, MARGINS), x[1] - x[0], y[1] - y[0]);
    return createChart(box, linear(x), linear(y));
  }, [part, size]);
  const [first] = panels;
  const draw = useCallback(
    (surface: Surface2D) => {
      const levels = overlayLevels(scale);
      const taken = [{ x: chart.toX(0), y: chart.toY(0) }];
      const place = placement(chart);
      drawAxes(surface, chart, theme, {
        xLabel: axisLabel(first?.slice.axes[0]),
        yLabel: axisLabel(first?.slice.axes[1]),
      });
      surface.clip(chart.box, () => {
        for (const [i, { style }] of panels.entries()) {
          const grid = grids[i];
          if (!grid) continue;
          const shares = levels.map((level) => scale.toShare(level.value));
          const found = contours({ ...grid, values: sharesOf(grid.values, scale) }, shares);
          for (const [k, { shape }] of found.entries()) {
            const width = levels[k]?.major ? 2 : 1.25;
            // Pale colors on white and dark ones on gray need an edge.
            surface.stroke(shape, place, {
              color: theme.background,
              width: width + 2,
              opacity: 0.7,
            });
            surface.stroke(shape, place, { color: style.color, width, dash: style.dash });
          }
          for (const [k, { shape }] of found.entries()) {
            const longest = [...shape.lines].sort((a, b) => b.length - a.length)[0];
            const spot = longest && labelSpot(longest, place, chart, taken);
            if (!spot) continue;
            taken.push(spot);
            surface.text(spot.x, spot.y, levels[k]?.label ?? "", {
              color: theme.text,
              halo: theme.background,
              size: 10,
              align: "center",
              angle: spot.angle,
            });
          }
        }
        drawCenter(surface, chart);
      });
      drawFrame(surface, chart.box, theme);
    },
    [chart, panels, grids, scale, theme, first],
  );
  const [grid] = grids;
  const overlay = useMemo(
    () => cursor && ((surface: Surface2D) => drawCrossHair(surface, chart, cursor.x, cursor.y)),
    [cursor, chart],
  );
  if (!grid) return null;
  const label = panels.map((panel, i) => describePlane(panel, grids[i] ?? grid)).join(" ");
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={label}
        onMove={(px, py) => {
          const inside = contains(chart.box, px, py);
          const { x, y } = sampleAt(grid, chart.fromX(px), chart.fromY(py));
          setCursor(inside ? { x, y, line: null, byKeyboard: false } : null);
        }}
        onLeave={() => setCursor(null)}
        onZoom={(pinch) => part.zoom(chart, pinch, cursor)}
        onArrow={(dx, dy) => {
          const { x, y } = neighbor(grid, cursor?.x ?? 0, cursor?.y ?? 0, dx, dy);
          setCursor({ x, y, line: null, byKeyboard: true });
        }}
      />
      <ZoomReset reset={part.reset} />
      {cursor && <RunReadouts panels={panels} grids={grids} cursor={cursor} />}
    </div>
  );
}
