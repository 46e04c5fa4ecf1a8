import { useCallback, useMemo, useState } from "react";
import { axisLabel } from "../../plot/axisLabel";
import { contains, createChart, innerBox, linear } from "../../plot/chart";
import { IN_PLACE } from "../../plot/geometry";
import { withAir } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { sampleAt, stepAlong } from "../line/lineModel";
import { Readout } from "../shared/Readout";
import { useChoice } from "../shared/useChoice";
import { useValueScale } from "../shared/useValueScale";
import type { ViewProps } from "../view";
import {
  bundleExtent,
  curvesOf,
  describeBundle,
  nearestCurve,
  neighborAt,
  outliersOf,
} from "./bundleModel";
import { drawBundles, drawSelected, shapeOf, type StyledBundle } from "./drawBundle";
import { useSpreads } from "./useSpreads";

const MARGINS = { top: 12, right: 14, bottom: 40, left: 62 };

export function BundleView({ panels, value }: ViewProps) {
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const { fixed = false } = value;
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const [every] = useChoice("everyCurve");
  const [selected, select] = useState<number | null>(null);
  const ofPanels = useMemo(() => panels.map(curvesOf), [panels]);
  const spreads = useSpreads(panels, ofPanels);
  const bundles = useMemo<StyledBundle[]>(
    () =>
      panels.map((panel, i) => {
        const own = ofPanels[i] ?? [];
        const spread = spreads[i] ?? null;
        const outliers = spread ? outliersOf(spread, own) : [];
        return { curves: own, spread, outliers, ...panel.style, centers: panel.channel.center };
      }),
    [panels, ofPanels, spreads],
  );
  // Every curve of every run, so that one number says which one is pointed at.
  const curves = useMemo(
    () =>
      bundles.flatMap((bundle, i) =>
        bundle.curves.map((curve) => ({ ...curve, color: bundle.color, run: panels[i]?.run })),
      ),
    [bundles, panels],
  );
  const chart = useMemo(() => {
    const x = linear(bundleExtent(panels.map(({ slice }) => slice)));
    const y = fixed ? scale : withAir(scale);
    return createChart(innerBox(size, MARGINS), x, y);
  }, [panels, scale, fixed, size]);
  const draw = useCallback(
    (surface: Surface2D) => {
      const axes = panels[0]?.slice.axes ?? [];
      const xLabel = axes.length === 1 ? axisLabel(axes[0]) : "coordinate";
      const yLabel = panels[0]?.channel.name ?? "";
      drawBundles(surface, chart, { bundles, every, xLabel, yLabel, theme });
      const chosen = selected === null ? undefined : curves[selected];
      if (chosen) drawSelected(surface, chart, chosen, theme);
    },
    [chart, bundles, every, curves, selected, panels, theme],
  );
  const pointed = cursor?.line ?? null;
  const curve = pointed === null ? undefined : curves[pointed];
  const overlay = useMemo(
    () =>
      cursor && curve
        ? (surface: Surface2D) => {
            const shape = shapeOf(chart, curve.coordinates, curve.values);
            const sample = sampleAt(curve, cursor.x);
            surface.clip(chart.box, () => {
              surface.stroke(shape, IN_PLACE, { color: theme.background, width: 5 });
              surface.stroke(shape, IN_PLACE, { color: theme.text, width: 2 });
            });
            const [x, y] = [chart.toX(sample.x), chart.toY(sample.value)];
            if (!contains(chart.box, x, y)) return;
            surface.circle(x, y, 4, curve.color, { color: theme.text, width: 1.5 });
          }
        : null,
    [cursor, curve, chart, theme],
  );
  const [first] = curves;
  if (!first) return null;
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={panels
          .map((panel, i) => describeBundle(panel, bundles[i]?.spread ?? null))
          .join(" ")}
        onMove={(px, py) => {
          const inside = contains(chart.box, px, py);
          const x = chart.fromX(px);
          const line = inside ? nearestCurve(curves, x, py, chart.toY) : null;
          const near = line === null ? undefined : curves[line];
          setCursor(near ? { x: sampleAt(near, x).x, y: 0, line, byKeyboard: false } : null);
        }}
        onLeave={() => setCursor(null)}
        onClick={(px, py) => {
          const inside = contains(chart.box, px, py);
          const line = inside ? nearestCurve(curves, chart.fromX(px), py, chart.toY) : null;
          select(line === selected ? null : line);
        }}
        onEnter={() => select(pointed === selected ? null : pointed)}
        onEscape={() => {
          select(null);
          return selected !== null;
        }}
        onArrow={(dx, dy) => {
          const line = pointed !== null && pointed < curves.length ? pointed : 0;
          const x = stepAlong(curves[line] ?? first, cursor?.x ?? 0, dx);
          setCursor({ x, y: 0, line: neighborAt(curves, line, x, dy), byKeyboard: true });
        }}
      />
      {cursor && curve && (
        <div className={chart.x.toShare(cursor.x) > 0.5 ? "readouts readouts-left" : "readouts"}>
          <Readout
            {...sampleAt(curve, cursor.x)}
            coordinates={[sampleAt(curve, cursor.x).x]}
            name={panels.length > 1 ? `${curve.run ?? ""}: ${curve.name}` : curve.name}
            {...(panels.length > 1 && { color: curve.color })}
          />
        </div>
      )}
    </div>
  );
}
