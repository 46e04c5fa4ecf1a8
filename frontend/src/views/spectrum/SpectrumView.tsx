import { useCallback, useMemo } from "react";
import { axisLabel } from "../../plot/axisLabel";
import { createChart, innerBox, linear } from "../../plot/chart";
import { formatValue } from "../../plot/format";
import { withAir } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { useSize } from "../../ui/useSize";
import { extent } from "../../data/slice";
import { curveOf, sampleAt } from "../line/lineModel";
import { Readout } from "../shared/Readout";
import { useCurveCursor } from "../shared/useCurveCursor";
import { useValueScale } from "../shared/useValueScale";
import type { ViewProps } from "../view";
import { drawSpectra, type StyledSpectrum } from "./drawSpectrum";
import { describeSpectrum, eigenvaluesOf } from "./spectrumModel";

const MARGINS = { top: 12, right: 14, bottom: 40, left: 62 };

export function SpectrumView({ panels, value, extent: shared }: ViewProps) {
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const { fixed = false } = value;
  const [element, size] = useSize();
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
    const y = fixed ? scale : withAir(scale);
    return createChart(innerBox(size, MARGINS), linear(shared ?? extent(axis)), y);
  }, [shared, axis, scale, fixed, size]);
  const draw = useCallback(
    (surface: Surface2D) => {
      drawSpectra(surface, chart, { spectra, xLabel: axisLabel(axis), theme });
    },
    [chart, spectra, axis, theme],
  );
  const [cursor, pointing] = useCurveCursor(chart, spectra, theme);
  const [spectrum] = spectra;
  if (!spectrum) return null;
  return (
    <div className="view" ref={element}>
      <Plot size={size} draw={draw} label={panels.map(describeSpectrum).join(" ")} {...pointing} />
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
