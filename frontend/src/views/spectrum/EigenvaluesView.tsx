import { useCallback, useMemo } from "react";
import { moveStep } from "../../data/align";
import { enclose, nearestIndex } from "../../data/stats";
import { contains, createChart, innerBox, linear } from "../../plot/chart";
import { formatStep, formatValue } from "../../plot/format";
import { airy, createScale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { stepDomain } from "../line/overStepsModel";
import { Readout } from "../shared/Readout";
import type { ViewProps } from "../view";
import { drawEigenvalues, drawTraces } from "./drawEigenvalues";
import { describeHistory, eigenvalueAt, eigenvalueDomain, historyOf } from "./eigenvaluesModel";

const MARGINS = { top: 12, right: 24, bottom: 40, left: 62 };
const TRACE_SHARE = 0.3;
const LEAST_HEIGHT = 260;

/** The largest eigenvalues of spectra over their steps, and the trace below them. */
export function EigenvaluesView({ panels, value, revision, step, seek }: ViewProps) {
  const theme = themeFor(useDark());
  const { kind } = value;
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const histories = useMemo(
    () =>
      revision >= 0 ? panels.map((panel) => ({ history: historyOf(panel), ...panel.style })) : [],
    [panels, revision],
  );
  const { main, trace } = useMemo(() => {
    const x = linear(enclose(panels.map(({ series }) => stepDomain(series.steps))) ?? [0, 1]);
    const all = histories.map(({ history }) => history);
    const y = createScale(kind, airy(kind, eigenvalueDomain(kind, all)));
    const traces = all.flat().flatMap((at) => (Number.isFinite(at.trace) ? [at.trace] : []));
    const range = enclose(traces.map((one) => [one, one] as const));
    const whole = innerBox(size, MARGINS);
    if (!range || size.height < LEAST_HEIGHT)
      return { main: createChart(whole, x, y), trace: null };
    const height = Math.round(TRACE_SHARE * size.height);
    const top = { ...whole, height: Math.max(1, whole.height - height) };
    const bottom = { ...whole, y: size.height - height + 8, height: height - 8 - MARGINS.bottom };
    const own = createScale("linear", airy("linear", range));
    return { main: createChart(top, x, y), trace: createChart(bottom, x, own) };
  }, [panels, histories, kind, size]);
  const draw = useCallback(
    (surface: Surface2D) => {
      drawEigenvalues(surface, main, { histories, step, theme });
      if (trace) drawTraces(surface, trace, { histories, step, theme });
    },
    [main, trace, histories, step, theme],
  );
  const rank = cursor?.line ?? 0;
  const samples = cursor
    ? histories.map(({ history }) => eigenvalueAt(history, cursor.x, rank))
    : [];
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        for (const { history, color } of histories) {
          const at = eigenvalueAt(history, cursor.x, rank);
          const [x, y] = [main.toX(at?.step ?? NaN), main.toY(at?.value ?? NaN)];
          if (!contains(main.box, x, y)) continue;
          surface.circle(x, y, 4, color, { color: theme.text, width: 1.5 });
        }
      }),
    [cursor, histories, rank, main, theme],
  );
  const [first] = histories;
  if (!first) return null;
  const steps = first.history.map((at) => at.step);
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={panels.map((p, i) => describeHistory(p, histories[i]?.history ?? [])).join(" ")}
        onMove={(px, py) => {
          const at = contains(main.box, px, py)
            ? eigenvalueAt(first.history, main.fromX(px), 0)
            : null;
          const there = first.history.find((one) => one.step === at?.step);
          const line = nearestIndex((there?.values ?? []).map(main.toY), py);
          setCursor(at && { x: at.step, y: 0, line, byKeyboard: false });
        }}
        onLeave={() => setCursor(null)}
        onClick={(px, py) => {
          if (!contains(main.box, px, py)) return;
          const at = eigenvalueAt(first.history, main.fromX(px), 0);
          if (at) seek(at.step);
        }}
        onArrow={(dx, dy) => {
          const x = moveStep(steps, cursor?.x ?? step, dx);
          // The largest stand highest.
          const line = eigenvalueAt(first.history, x, rank - dy)?.rank ?? 0;
          setCursor({ x, y: 0, line, byKeyboard: true });
        }}
      />
      {cursor && (
        <div className={main.x.toShare(cursor.x) > 0.5 ? "readouts readouts-left" : "readouts"}>
          {samples.map((sample, i) => {
            const panel = panels[i];
            if (!sample || !panel) return null;
            const whole = sample.rank === 0 && sample.value > 0 ? sample.trace / sample.value : NaN;
            return (
              <Readout
                key={panel.run}
                value={sample.value}
                coordinates={[sample.step, sample.rank + 1]}
                place={`\u03bb ${sample.rank + 1} at step ${formatStep(sample.step)}`}
                {...(Number.isFinite(whole) && {
                  detail: `effective rank ${formatValue(whole, 3)}`,
                })}
                {...(panels.length > 1 && { name: panel.run, color: panel.style.color })}
              />
            );
          })}
        </div>
      )}
    </div>
  );
}
