import { useMemo } from "react";
import { crisp, line } from "../../plot/axes";
import { contains, type Chart } from "../../plot/chart";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import type { Cursor } from "../../state/store";
import { useCursor } from "../../ui/useCursor";
import { sampleAt, stepAlong, type Curve } from "../line/lineModel";

interface ColoredCurve extends Curve {
  readonly color: string;
}

interface Pointing {
  readonly overlay: ((surface: Surface2D) => void) | null;
  readonly onMove: (px: number, py: number) => void;
  readonly onLeave: () => void;
  readonly onArrow: (dx: number) => void;
}

/** The cursor of a chart in which all curves are read at one place: a hair, and a dot on each. */
export function useCurveCursor(
  chart: Chart,
  curves: readonly ColoredCurve[],
  theme: Theme,
): [Cursor | null, Pointing] {
  const [cursor, setCursor] = useCursor();
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const { box } = chart;
        for (const curve of curves) {
          const sample = sampleAt(curve, cursor.x);
          const x = crisp(chart.toX(sample.x));
          // Where a part is shown, the nearest sample may lie beside it.
          if (x < box.x - 1 || x > box.x + box.width + 1) continue;
          line(surface, x, box.y, x, box.y + box.height, theme.muted, [3, 3]);
          const y = chart.toY(sample.value);
          if (y >= box.y && y <= box.y + box.height) {
            surface.circle(x, y, 3.5, curve.color, { color: theme.text, width: 1.5 });
          }
        }
      }),
    [cursor, chart, curves, theme],
  );
  const [first] = curves;
  const point = (x: number | undefined, byKeyboard: boolean) => {
    setCursor(x === undefined ? null : { x, y: 0, line: null, byKeyboard });
  };
  return [
    cursor,
    {
      overlay,
      onMove: (px, py) => {
        const inside = first && contains(chart.box, px, py);
        point(inside ? sampleAt(first, chart.fromX(px)).x : undefined, false);
      },
      onLeave: () => {
        setCursor(null);
      },
      onArrow: (dx) => {
        if (first) point(stepAlong(first, cursor?.x ?? 0, dx), true);
      },
    },
  ];
}
