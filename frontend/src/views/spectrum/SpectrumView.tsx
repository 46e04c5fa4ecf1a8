import { useCallback, useMemo } from "react";
import { crisp, line } from "../../plot/axes";
import { axisLabel } from "../../plot/axisLabel";
import { contains, createChart, innerBox, linear } from "../../plot/chart";
import { formatValue } from "../../plot/format";
import { airy, createScale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { extent } from "../../data/slice";
import { curveOf, sampleAt, stepAlong } from "../line/lineModel";
import { Readout } from "../shared/Readout";
import { useValueScale } from "../shared/useValueScale";
import type { ViewProps } from "../view";
import { drawSpectra, type StyledSpectrum } from "./drawSpectrum";
import { describeSpectrum, eigenvaluesOf } from "./spectrumModel";

const MARGINS = { top: 12, right: 14, bottom: 40, left: 62 };

export function SpectrumView({ panels, value, extent: shared }: ViewProps) {
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const axis = panels[0]?.slice.axes[0];
  const spectra = useMemo<StyledSpectrum[]>(
    () =>
      panels.map((panel) => ({
        ...curveOf(panel.slice, panel.channel, panel.focusPoint),
        ...panel.style,
        eigenvalues: eigenvaluesOf(panel),
      })),
    [panels],
  );
  const chart = useMemo(() => {
    const y = createScale(scale.kind, airy(scale.kind, scale.domain));
    return createChart(innerBox(size, MARGINS), linear(shared ?? extent(axis)), y);
  }, [shared, axis, scale, size]);
  const draw = useCallback(
    (surface: Surface2D) => {
      drawSpectra(surface, chart, { spectra, xLabel: axisLabel(axis), theme });
    },
    [chart, spectra, axis, theme],
  );
  const overlay = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const { box } = chart;
        for (const spectrum of spectra) {
          const sample = sampleAt(spectrum, cursor.x);
          const x = crisp(chart.toX(sample.x));
          line(surface, x, box.y, x, box.y + box.height, theme.muted, [3, 3]);
          const y = chart.toY(sample.value);
          if (!contains(box, x, y)) continue;
          surface.circle(x, y, 3.5, spectrum.color, { color: theme.text, width: 1.5 });
        }
      }),
    [cursor, chart, spectra, theme],
  );
  const [spectrum] = spectra;
  if (!spectrum) return null;
  return (
    <div className="view" ref={element}>
      <Plot
        size={size}
        draw={draw}
        overlay={overlay}
        label={panels.map(describeSpectrum).join(" ")}
        onMove={(px, py) => {
          const inside = contains(chart.box, px, py);
          const { x } = sampleAt(spectrum, chart.fromX(px));
          setCursor(inside ? { x, y: 0, line: null, byKeyboard: false } : null);
        }}
        onLeave={() => setCursor(null)}
        onArrow={(dx) => {
          const x = stepAlong(spectrum, cursor?.x ?? 0, dx);
          setCursor({ x, y: 0, line: null, byKeyboard: true });
        }}
      />
      {cursor && (
        <div className={chart.x.toShare(cursor.x) > 0.5 ? "readouts readouts-left" : "readouts"}>
          {panels.map((panel, i) => {
            const sample = sampleAt(spectra[i] ?? spectrum, cursor.x);
            return (
              <Readout
                key={panel.run}
                {...sample}
                coordinates={[sample.x]}
                place={`at ${formatValue(sample.x)}`}
                {...(panels.length > 1 && { name: panel.run, color: panel.style.color })}
              />
            );
          })}
        </div>
      )}
    </div>
  );
}
