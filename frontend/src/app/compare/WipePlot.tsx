import { useCallback, useMemo } from "react";
import { extent } from "../../data/slice";
import { contains, createChart, fitted, innerBox, linear } from "../../plot/chart";
import { colorBarBeside, colorBarRoom, drawColorBar } from "../../plot/marks/colorBar";
import { drawCrossHair } from "../../plot/marks/crossHair";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useAppState, useDark, useServices } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { describePlane, gridOf, neighbor, sampleAt } from "../../views/plane/planeModel";
import { Readout } from "../../views/shared/Readout";
import { useValueScale } from "../../views/shared/useValueScale";
import type { Facet, PanelSlice, ValueScale } from "../../views/view";
import { WipeDivider } from "./WipeDivider";

const MARGINS = { top: 8, bottom: 40, left: 62 };

interface WipePlotProps {
  readonly a: PanelSlice;
  readonly b: PanelSlice;
  readonly value: ValueScale;
  readonly facet: Facet;
}

/** Both pictures in one, the right one over the left one up to the divider. */
export function WipePlot({ a, b, value, facet }: WipePlotProps) {
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
  const draw = useCallback(
    (surface: Surface2D) => {
      const look = { scale, extent: null, colorMap, smooth, theme, left: true, bottom: true };
      facet.draw(surface, box, a, look);
      const right = { ...box, x: split, width: Math.max(0, box.x + box.width - split) };
      surface.clip(right, () => facet.draw(surface, box, b, look));
      surface.rect({ x: split - 1, y: box.y, width: 2, height: box.height }, theme.playHead);
      drawColorBar(surface, colorBarBeside(box), scale, { colorMap, theme }, clipped);
    },
    [a, b, facet, box, split, scale, colorMap, smooth, theme, clipped],
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
  const describe = (panel: PanelSlice) =>
    describePlane(panel, gridOf(panel.slice, panel.channel, panel.focusPoint));
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
      {size.width > 0 && (
        <WipeDivider
          box={box}
          percent={percent}
          left={a.run}
          right={b.run}
          onChange={(wipe) => store.setState({ wipe })}
        />
      )}
      {read && (
        <Readout value={read.value} coordinates={[read.x, read.y]} name={sideAt(read.x).run} />
      )}
    </div>
  );
}
