import { useCallback, useMemo } from "react";
import { moveStep } from "../../data/align";
import { contains, createChart, innerBox, linear } from "../../plot/chart";
import { formatStep } from "../../plot/format";
import { IN_PLACE } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { stepDomain } from "../line/overStepsModel";
import { Readout } from "../shared/Readout";
import { useChoice } from "../shared/useChoice";
import type { PanelSlice, ViewProps } from "../view";
import { drawRanks, rankShape } from "./drawRanks";
import { lineAtRank, ranksOver, shownRanks } from "./ranksModel";

const MARGINS = { top: 16, right: 156, bottom: 40, left: 50 };

export function RanksView({ panels, ...props }: ViewProps) {
  const [panel] = panels;
  return panel ? <Ranks panel={panel} {...props} /> : null;
}

interface RanksProps extends Omit<ViewProps, "panels"> {
  readonly panel: PanelSlice;
}

function Ranks({ panel, step, revision, seek }: RanksProps) {
  const theme = themeFor(useDark());
  const [ranking] = useChoice("ranking");
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const { slice, series, style, run } = panel;
  const names = useMemo(() => slice.axes.map(({ name }) => name), [slice]);
  const history = useMemo(
    () => (revision >= 0 ? ranksOver(panel, ranking) : []),
    [panel, ranking, revision],
  );
  const chart = useMemo(() => {
    // The first rank is the highest.
    const y = linear([-shownRanks(names.length) - 0.5, -0.5]);
    const upright = createChart(innerBox(size, MARGINS), linear(stepDomain(series.steps)), y);
    const { toY, fromY } = upright;
    return { ...upright, toY: (v: number) => toY(-v), fromY: (p: number) => -fromY(p) };
  }, [size, series, names]);
  const draw = useCallback(
    (surface: Surface2D) =>
      drawRanks(surface, chart, { history, names, step, color: style.color, theme }),
    [chart, history, names, step, style, theme],
  );
  const line = cursor?.line ?? null;
  const sample = cursor && lineAtRank(history, cursor.x, cursor.y);
  const overlay = useMemo(() => {
    if (line === null || line >= names.length) return null;
    return (surface: Surface2D) => {
      const shape = rankShape(chart, history, line);
      surface.clip(chart.box, () => {
        surface.stroke(shape, IN_PLACE, { color: theme.background, width: 5 });
        surface.stroke(shape, IN_PLACE, { color: theme.text, width: 2.25 });
      });
    };
  }, [line, names.length, chart, history, theme]);
  const point = (at: ReturnType<typeof lineAtRank>, byKeyboard: boolean) =>
    setCursor(at && { x: at.step, y: at.rank, line: at.line, byKeyboard });
  const steps = history.map((at) => at.step);
  const leader = lineAtRank(history, step, 1);
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={`Ranks of ${names.length} lines of ${run} over ${history.length} steps by ${ranking}; first is ${names[leader?.line ?? 0] ?? ""}.`}
        onMove={(px, py) => {
          const inside = contains(chart.box, px, py);
          point(inside ? lineAtRank(history, chart.fromX(px), chart.fromY(py)) : null, false);
        }}
        onLeave={() => setCursor(null)}
        onClick={(px, py) => {
          const at = contains(chart.box, px, py) && lineAtRank(history, chart.fromX(px), 1);
          if (at) seek(at.step);
        }}
        onArrow={(dx, dy) => {
          const to = moveStep(steps, cursor?.x ?? step, dx);
          const followed = history.find((at) => at.step === to)?.ranks[line ?? -1];
          point(lineAtRank(history, to, (followed ?? 1) - dy), true);
        }}
      />
      {sample && (
        <Readout
          value={sample.rank}
          digits={1}
          coordinates={[sample.step]}
          place={`step ${formatStep(sample.step)}, rank`}
          name={names[sample.line] ?? ""}
        />
      )}
    </div>
  );
}
