import { lazy, useCallback, useMemo } from "react";
import { evaluatedAt } from "../../data/slice";
import { contains } from "../../plot/chart";
import { drawCrossHair } from "../../plot/marks/crossHair";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { Readout } from "../shared/Readout";
import { allowedError, recordSentences } from "../shared/recordSentences";
import { useValueScale } from "../shared/useValueScale";
import type { PanelSlice, ViewProps } from "../view";
import { useContours } from "../shared/useContours";
import { drawPlane, planeLevels } from "./drawPlane";
import {
  aboveTolerance,
  describePlane,
  gridOf,
  layOutPlane,
  neighbor,
  sampleAt,
} from "./planeModel";
import { pathOf, trajectorySentences } from "./trajectoryModel";

// Few people overlay planes: what draws that is loaded when somebody does.
const PlaneOverlay = lazy(async () => ({
  default: (await import("./PlaneOverlay")).PlaneOverlay,
}));

export function PlaneView({ panels, ...props }: ViewProps) {
  const [panel] = panels;
  if (!panel) return null;
  if (panels.length > 1) return <PlaneOverlay panels={panels} {...props} />;
  return <Plane panel={panel} {...props} />;
}

interface PlaneProps extends Omit<ViewProps, "panels"> {
  readonly panel: PanelSlice;
}

function Plane({ panel, value, colorMap, smooth }: PlaneProps) {
  const { slice, channel, focusPoint, run } = panel;
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const grid = useMemo(() => gridOf(slice, channel, focusPoint), [slice, channel, focusPoint]);
  const plane = useMemo(() => layOutPlane(slice, size, scale), [slice, size, scale]);
  const allowed = allowedError({ slice, channel });
  const drawn = useMemo(
    () => (scale.kind === "log" ? aboveTolerance(grid, allowed) : grid),
    [grid, allowed, scale],
  );
  const { clipped } = value;
  const levels = useMemo(() => planeLevels(scale, allowed), [scale, allowed]);
  const found = useContours(drawn, scale, levels);
  const drawing = useMemo(
    () => ({
      slice,
      channel,
      grid: drawn,
      scale,
      colorMap,
      smooth,
      clipped,
      path: pathOf({ slice, focusPoint }),
      evaluated: evaluatedAt(slice, focusPoint),
      allowed,
      theme,
    }),
    [slice, channel, focusPoint, drawn, allowed, scale, colorMap, smooth, clipped, theme],
  );
  const draw = useCallback(
    (surface: Surface2D) => drawPlane(surface, plane, { ...drawing, contours: found }),
    [plane, drawing, found],
  );
  // A file is written once: it waits for no worker.
  const whole = useCallback(
    (surface: Surface2D) => drawPlane(surface, plane, drawing),
    [plane, drawing],
  );
  const sample = cursor && sampleAt(grid, cursor.x, cursor.y);
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const { x, y } = sampleAt(grid, cursor.x, cursor.y);
        drawCrossHair(surface, plane.chart, x, y);
      }),
    [cursor, grid, plane],
  );
  const label = useMemo(
    () =>
      [
        describePlane(slice, channel, grid, run),
        ...trajectorySentences({ slice, channel, focusPoint }),
        ...recordSentences({ slice, channel, focusPoint }, true, scale.kind),
      ].join(" "),
    [slice, channel, grid, run, focusPoint, scale],
  );
  const { chart } = plane;
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        whole={whole}
        overlay={overlay}
        label={label}
        onMove={(px, py) => {
          if (!contains(chart.box, px, py)) {
            setCursor(null);
            return;
          }
          const { x, y } = sampleAt(grid, chart.fromX(px), chart.fromY(py));
          setCursor({ x, y, line: null, byKeyboard: false });
        }}
        onLeave={() => setCursor(null)}
        onArrow={(dx, dy) => {
          const { x, y } = neighbor(grid, cursor?.x ?? 0, cursor?.y ?? 0, dx, dy);
          setCursor({ x, y, line: null, byKeyboard: true });
        }}
      />
      {sample && (
        <Readout
          value={sample.value}
          coordinates={[sample.x, sample.y]}
          interpolated={evaluatedAt(slice, focusPoint)?.[sample.index] === 0}
        />
      )}
    </div>
  );
}
