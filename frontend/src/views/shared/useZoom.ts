import { useMemo } from "react";
import type { Interval } from "../../data/stats";
import { magnified, shownPart, type Zoom } from "../../data/zoom";
import type { Chart } from "../../plot/chart";
import type { Cursor } from "../../state/store";
import type { Pinch } from "../../ui/usePinch";
import { useChoice } from "./useChoice";

/** The part of a picture that all panels show, and what changes it. */
export interface Zooming {
  readonly x: Interval;
  readonly y: Interval;
  /** Brings back the whole; nothing while that is what is shown. */
  readonly reset: (() => void) | null;
  /** Fingers, wheel or keys over a chart of this part. */
  readonly zoom: (chart: Chart, pinch: Pinch, cursor: Cursor | null) => void;
}

const NO_VALUES: Interval = [0, 1];

/** `height` is nothing where the second axis holds values, which have a scale of their own. */
export function useZoom([left, right]: Interval, height: Interval | null): Zooming {
  const [zoom, choose] = useChoice("zoom");
  const flat = height === null;
  const [bottom, top] = height ?? NO_VALUES;
  return useMemo(() => {
    const whole: Zoom = { x: [left, right], y: flat ? null : [bottom, top] };
    const x = shownPart(whole.x, zoom?.x);
    const y = whole.y ? shownPart(whole.y, zoom?.y) : NO_VALUES;
    return {
      x,
      y,
      reset: zoom
        ? () => {
            choose(null);
          }
        : null,
      zoom: (chart, { factor, from, to }, cursor) => {
        const { box } = chart;
        const share = ([px, py]: readonly [number, number]) =>
          [within((px - box.x) / box.width), within(1 - (py - box.y) / box.height)] as const;
        // Without a place it is around what is looked at.
        const middle = cursor
          ? share([chart.toX(cursor.x), flat ? box.y : chart.toY(cursor.y)])
          : ([0.5, 0.5] as const);
        const start = from ? share(from) : middle;
        const change = { factor, from: start, to: to ? share(to) : start };
        choose(magnified(whole, { x, y: flat ? null : y }, change));
      },
    };
  }, [left, right, flat, bottom, top, zoom, choose]);
}

function within(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}
