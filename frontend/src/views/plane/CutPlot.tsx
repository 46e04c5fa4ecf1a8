import { useCallback, useMemo } from "react";
import { crisp, line } from "../../plot/axes";
import { axisLabel } from "../../plot/axisLabel";
import { contains, type Size } from "../../plot/chart";
import { formatCoordinate } from "../../plot/format";
import type { Scale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { sampleAt, stepAlong } from "../line/lineModel";
import type { PanelSlice } from "../view";
import type { Cut } from "./cutModel";
import { drawCut, layOutCut } from "./drawCut";

interface CutPlotProps {
  readonly panel: PanelSlice;
  readonly cut: Cut;
  /** Where it was pinned, on the axis that it runs along. */
  readonly at: number;
  readonly scale: Scale;
  readonly size: Size;
  readonly onEscape: () => boolean;
}

/** One of the two cross-sections of a plane through the pinned point. */
export function CutPlot({ panel, cut, at, scale, size, onEscape }: CutPlotProps) {
  const theme = themeFor(useDark());
  const [cursor, setCursor] = useCursor();
  const { color } = panel.style;
  const chart = useMemo(() => layOutCut(size, cut, scale), [size, cut, scale]);
  const names = useMemo(() => {
    const { axes } = panel.slice;
    return [axisLabel(axes[cut.axis], 28), axisLabel(axes[1 - cut.axis], 20)] as const;
  }, [panel, cut.axis]);
  const draw = useCallback(
    (surface: Surface2D) => drawCut(surface, chart, { cut, names, at, color, theme }),
    [chart, cut, names, at, color, theme],
  );
  const here = cursor && (cut.axis === 0 ? cursor.x : cursor.y);
  const overlay = useMemo(
    () =>
      here === null
        ? null
        : (surface: Surface2D) => {
            const { box } = chart;
            const sample = sampleAt(cut, here);
            const [x, y] = [crisp(chart.toX(sample.x)), chart.toY(sample.value)];
            line(surface, x, box.y, x, box.y + box.height, theme.muted, [3, 3]);
            if (contains(box, x, y))
              surface.circle(x, y, 3.5, color, { color: theme.text, width: 1.5 });
          },
    [here, cut, chart, color, theme],
  );
  const moveTo = (to: number, byKeyboard: boolean) => {
    const [x, y] = cut.axis === 0 ? [to, cut.other] : [cut.other, to];
    setCursor({ x, y, line: null, byKeyboard });
  };
  return (
    <Plot
      size={size}
      draw={draw}
      overlay={overlay}
      label={`Cross-section along ${names[0]} where ${names[1]} is ${formatCoordinate(cut.other)}.`}
      onMove={(px, py) => {
        if (contains(chart.box, px, py)) moveTo(sampleAt(cut, chart.fromX(px)).x, false);
        else setCursor(null);
      }}
      onLeave={() => setCursor(null)}
      onArrow={(dx) => moveTo(stepAlong(cut, here ?? at, dx), true)}
      onEscape={onEscape}
    />
  );
}
