import { useCallback, useMemo } from "react";
import { crisp, drawFrame, line } from "../../plot/axes";
import { contains, createChart, innerBox, linear, type Size } from "../../plot/chart";
import { formatCoordinate, formatValue } from "../../plot/format";
import { airy, createScale, type ScaleKind } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import type { Interval } from "../../data/stats";
import { useDark } from "../../ui/context";
import { ElidedName } from "../../ui/ElidedName";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { drawCurve, drawFaint } from "../line/drawLines";
import { curveOf, sampleAt, stepAlong } from "../line/lineModel";
import { extent } from "../../data/slice";
import { drawGaps } from "../shared/drawGaps";
import { drawBand } from "../shared/errors";
import type { PanelSlice } from "../view";
import type { Cell } from "./smallMultiplesModel";

const MARGINS = { top: 6, right: 6, bottom: 18, left: 44 };

interface CellPlotProps {
  readonly panel: PanelSlice;
  readonly cell: Cell;
  /** Its score as a share of the largest, nothing where cells are not ranked. */
  readonly share: number | null;
  /** Whether the lines of all focus points are drawn. */
  readonly every: boolean;
  readonly domain: Interval;
  readonly kind: ScaleKind;
  readonly size: Size;
}

/** One line of a bundle, small. */
export function CellPlot({ panel, cell, share, every, domain, kind, size }: CellPlotProps) {
  const theme = themeFor(useDark());
  const [cursor, setCursor] = useCursor();
  const { slice, channel, focusPoint, style } = panel;
  const [low, high] = domain;
  const curve = useMemo(
    () => ({
      ...curveOf(slice, channel, focusPoint, cell.line),
      ...style,
      center: channel.center[focusPoint] ?? NaN,
    }),
    [slice, channel, focusPoint, cell.line, style],
  );
  const others = useMemo(() => {
    if (!every) return [];
    const points = [...Array(slice.shape[0]).keys()].filter((point) => point !== focusPoint);
    return points.map((point) => curveOf(slice, channel, point, cell.line));
  }, [every, slice, channel, focusPoint, cell.line]);
  const chart = useMemo(
    () =>
      createChart(
        innerBox(size, MARGINS),
        linear(extent(slice.axes[cell.line])),
        createScale(kind, airy(kind, [low, high])),
      ),
    [slice, cell.line, kind, low, high, size],
  );
  const draw = useCallback(
    (surface: Surface2D) => {
      const { box } = chart;
      const ticks = { color: theme.muted, size: 10 };
      for (const { value, label } of chart.y.ticks(3)) {
        const y = crisp(chart.toY(value));
        line(surface, box.x, y, box.x + box.width, y, theme.grid);
        surface.text(box.x - 5, y, label, { ...ticks, align: "right" });
      }
      const zero = crisp(chart.toX(0));
      if (contains(box, zero, box.y)) {
        line(surface, zero, box.y, zero, box.y + box.height, theme.frame, [2, 3]);
      }
      for (const value of chart.x.domain) {
        const align = value === chart.x.domain[0] ? "left" : "right";
        const at = { ...ticks, align, baseline: "top" } as const;
        surface.text(chart.toX(value), box.y + box.height + 4, formatCoordinate(value), at);
      }
      surface.clip(box, () => {
        drawGaps(surface, chart, curve, theme);
        for (const other of others) drawFaint(surface, chart, other, curve.color);
        drawBand(surface, chart, curve, curve.color);
        drawCurve(surface, chart, curve, 1.5);
      });
      drawFrame(surface, box, theme);
    },
    [chart, curve, others, theme],
  );
  // The same coordinate in every cell; the value printed is that of the one pointed at.
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const sample = sampleAt(curve, cursor.x);
        const y = chart.toY(sample.value);
        if (!contains(chart.box, chart.toX(sample.x), y)) return;
        surface.circle(chart.toX(sample.x), y, 3, style.color, { color: theme.text });
      }),
    [cursor, curve, chart, style, theme],
  );
  const moveTo = (x: number, byKeyboard: boolean) =>
    setCursor({ x, y: 0, line: cell.line, byKeyboard });
  return (
    <figure className="cell">
      <figcaption>
        <ElidedName name={cell.name} />
      </figcaption>
      {share !== null && (
        <div className="score" title={formatValue(cell.score, 3)}>
          <div style={{ width: `${100 * (share > 0 ? share : 0)}%`, background: style.color }} />
        </div>
      )}
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        title={cell.name}
        label={`${cell.name}: from ${formatValue(cell.low)} to ${formatValue(cell.high)}.`}
        onMove={(px, py) => {
          if (!contains(chart.box, px, py)) {
            setCursor(null);
            return;
          }
          moveTo(sampleAt(curve, chart.fromX(px)).x, false);
        }}
        onLeave={() => setCursor(null)}
        onArrow={(dx) => moveTo(stepAlong(curve, cursor?.x ?? 0, dx), true)}
      />
    </figure>
  );
}
