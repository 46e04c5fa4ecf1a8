import { lazy, useCallback, useMemo } from "react";
import { evaluatedAt, extent } from "../../data/slice";
import { contains } from "../../plot/chart";
import { drawCrossHair } from "../../plot/marks/crossHair";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useMoving, useSettled } from "../../ui/moving";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { Readout } from "../shared/Readout";
import { allowedError, recordSentences } from "../shared/recordSentences";
import { useChoice } from "../shared/useChoice";
import { useValueScale } from "../shared/useValueScale";
import { useZoom } from "../shared/useZoom";
import { ZoomReset } from "../shared/ZoomReset";
import type { PanelSlice, ViewProps } from "../view";
import { cutsThrough, uphillAt, layOutPinned, pointDetail } from "./cutModel";
import { Cuts } from "./Cuts";
import { axisNames, drawAround, drawInside, drawPlane, planeLevels } from "./drawPlane";
import { drawUphill } from "./drawPin";
import { useContours } from "../shared/useContours";
import {
  aboveTolerance,
  describePlane,
  gridOf,
  layOutPlane,
  neighbor,
  planeSampleAt,
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
  const { slice, channel, focusPoint } = panel;
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const [element, room] = useSize();
  const [pin, choosePin] = useChoice("pin");
  const pinned = pin !== null;
  const { parts, size } = useMemo(() => {
    const layout = pinned ? layOutPinned(room) : null;
    return { parts: layout, size: layout?.plane ?? room };
  }, [pinned, room]);
  const [cursor, setCursor] = useCursor();
  const grid = useMemo(() => gridOf(slice, channel, focusPoint), [slice, channel, focusPoint]);
  const [first, second] = slice.axes;
  const part = useZoom(extent(first), extent(second));
  const [left, right] = part.x;
  const [bottom, top] = part.y;
  // The same for all slices that cover the same coordinates: what stands around them stays.
  const plane = useMemo(
    () => layOutPlane([left, right], [bottom, top], size, scale),
    [left, right, bottom, top, size, scale],
  );
  const pinAt = useMemo(() => pin && sampleAt(grid, pin.x, pin.y), [pin, grid]);
  const cuts = useMemo(() => pinAt && cutsThrough(grid, pinAt), [pinAt, grid]);
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
      pin: pinAt,
      evaluated: evaluatedAt(slice, focusPoint),
      allowed,
      theme,
    }),
    [slice, channel, focusPoint, drawn, allowed, scale, colorMap, smooth, clipped, pinAt, theme],
  );
  const moving = useMoving();
  const draw = useCallback(
    (surface: Surface2D) => drawInside(surface, plane, { ...drawing, contours: found, moving }),
    [plane, drawing, found, moving],
  );
  const { xLabel, yLabel } = axisNames(plane, first, second);
  const { below, above } = clipped;
  const under = useCallback(
    (surface: Surface2D) => {
      const look = { scale, colorMap, theme, clipped: { below, above } };
      drawAround(surface, plane, { ...look, xLabel, yLabel });
    },
    [plane, scale, colorMap, theme, below, above, xLabel, yLabel],
  );
  // A file is written once: it waits for no worker.
  const whole = useCallback(
    (surface: Surface2D) => drawPlane(surface, plane, drawing),
    [plane, drawing],
  );
  const sample = cursor && sampleAt(grid, cursor.x, cursor.y);
  // Of a difference one wants to know; of one slice the inspector says it.
  const bound = cursor && channel.atMost ? planeSampleAt(panel, cursor) : null;
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const at = sampleAt(grid, cursor.x, cursor.y);
        drawCrossHair(surface, plane.chart, at.x, at.y);
        const { box, toX, toY } = plane.chart;
        const uphill = uphillAt(grid, at);
        // Where a part is shown, the nearest sample may lie beside it.
        if (uphill && contains(box, toX(at.x), toY(at.y)))
          drawUphill(surface, plane.chart, at, uphill);
      }),
    [cursor, grid, plane],
  );
  const said = useSettled(panel);
  const label = useMemo(
    () =>
      [
        describePlane(said, gridOf(said.slice, said.channel, said.focusPoint)),
        ...trajectorySentences(said),
        ...recordSentences(said, true, scale.kind),
      ].join(" "),
    [said, scale],
  );
  const { chart } = plane;
  const pinTo = ({ x, y }: { x: number; y: number }) =>
    choosePin(pinAt?.x === x && pinAt.y === y ? null : { x, y });
  const unpin = () => {
    if (pinned) choosePin(null);
    return pinned;
  };
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        under={under}
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
        onClick={(px, py) => {
          if (contains(chart.box, px, py)) {
            pinTo(sampleAt(grid, chart.fromX(px), chart.fromY(py)));
          }
        }}
        onEnter={() => pinTo(sampleAt(grid, cursor?.x ?? 0, cursor?.y ?? 0))}
        onEscape={unpin}
        onZoom={(pinch) => part.zoom(chart, pinch, cursor)}
        onArrow={(dx, dy) => {
          const { x, y } = neighbor(grid, cursor?.x ?? 0, cursor?.y ?? 0, dx, dy);
          setCursor({ x, y, line: null, byKeyboard: true });
        }}
      />
      {!pinned && <ZoomReset reset={part.reset} />}
      {parts && pinAt && cuts && (
        <Cuts panel={panel} cuts={cuts} at={pinAt} boxes={parts.cuts} scale={scale} unpin={unpin} />
      )}
      {sample && (
        <Readout
          value={sample.value}
          coordinates={[sample.x, sample.y]}
          {...bound}
          detail={pointDetail(slice, grid, sample)}
          interpolated={evaluatedAt(slice, focusPoint)?.[sample.index] === 0}
        />
      )}
    </div>
  );
}
