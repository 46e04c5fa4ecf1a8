import { useEffect, useMemo, useState, useSyncExternalStore, type CSSProperties } from "react";
import { seriesNamed } from "../data/catalog";
import type { Wish } from "../data/frameLoader";
import type { Size } from "../plot/chart";
import { keepingValleys, OutlierRanges, sampleOf } from "../state/outliers";
import { createPanels, wishesFor, type Panel } from "../state/panels";
import type { PlacedRun, Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { useSize } from "../ui/useSize";
import type { View } from "../views/view";
import { columnsFor, rowHeightFor } from "./panelGrid";
import { PanelFrame } from "./PanelFrame";
import { OverlayFrame } from "./OverlayFrame";
import { measuredOf, sharedExtent } from "./panelSlices";
import type { UsualRange } from "./usePanelValues";
import { useStep } from "./useSelection";

interface StageProps {
  readonly selection: Selection;
  readonly view: View | null;
}

const PREFETCHED = 1500;
const ALL_STEPS = 20_000;

/** The panels of the visible runs, and the wishes for what they show. */
export function Stage({ selection, view }: StageProps) {
  const { fields, loader } = useServices();
  const step = useStep(selection);
  const revision = useSyncExternalStore(fields.subscribe, fields.version);
  const compare = useAppState((state) => state.compare);
  const [element, size] = useSize();
  const panels = useMemo(
    () =>
      revision >= 0
        ? createPanels(selection, step, (layout) => view?.supports(layout) ?? false, fields)
        : [],
    [revision, selection, step, view, fields],
  );
  const samples = useSamples(selection, view);
  const usual = useUsualRange(samples, selection, view, revision);
  useEffect(() => {
    const most = view?.needsAllSteps ? ALL_STEPS : PREFETCHED;
    const { wishes, urgent } = wishesFor(panels, most);
    // First what is on screen, then what its scale depends on, then the neighborhood.
    const scaled = [...samples.values()].flat();
    loader.want([...wishes.slice(0, urgent), ...scaled, ...wishes.slice(urgent)], urgent);
  }, [panels, samples, view, loader]);

  const extent = useMemo(() => sharedExtent(panels), [panels]);
  const focusPoint = useAppState((state) => state.focusPoint);
  const shown = useMemo(
    () => measuredOf(panels, selection.channel, focusPoint),
    [panels, selection.channel, focusPoint],
  );
  const overlaid = compare === "overlay" && view?.overlays && panels.length > 1;
  const columns = overlaid ? 1 : columnsFor(panels.length, size.width, size.height);
  return (
    <main className="stage" ref={element}>
      <div className="panels" style={gridStyle(panels, columns, size, overlaid ? null : view)}>
        {overlaid ? (
          <OverlayFrame
            panels={panels}
            view={view}
            selection={selection}
            step={step}
            revision={revision}
            extent={extent}
            shown={shown}
          />
        ) : (
          panels.map((panel) => (
            <PanelFrame
              key={panel.placed.run.name}
              panel={panel}
              view={view}
              selection={selection}
              step={step}
              revision={revision}
              extent={extent}
              alone={panels.length === 1}
              usual={usual}
              shown={shown}
            />
          ))
        )}
      </div>
      {panels.length === 0 && (
        <p className="stage-none">No run is selected. Check one in the list on the left.</p>
      )}
    </main>
  );
}

type Samples = ReadonlyMap<string, readonly Wish[]>;

const NO_SAMPLES: Samples = new Map();

/** Of each visible run, the slices that say what is usual; none where nothing is clipped by them. */
function useSamples(selection: Selection, view: View | null): Samples {
  const clip = useAppState((state) => state.clip && state.range !== "panel");
  return useMemo(() => {
    const { channel, visible, seriesName, samples } = selection;
    if (!clip || !view?.colors || channel === null) return NO_SAMPLES;
    return new Map(
      visible.map(({ run }) => {
        const series = seriesNamed(run, seriesName);
        return [run.name, series ? sampleOf(series, channel, samples, view.supports) : []];
      }),
    );
  }, [clip, view, selection]);
}

/** The range without outliers of each run's panel, or nothing where outliers are shown. */
function useUsualRange(
  samples: Samples,
  selection: Selection,
  view: View | null,
  revision: number,
): UsualRange | null {
  const { fields } = useServices();
  const [ranges] = useState(() => new OutlierRanges(fields));
  const clip = useAppState((state) => state.clip);
  const scope = useAppState((state) => state.range);
  const focusPoint = useAppState((state) => state.focusPoint);
  return useMemo(() => {
    const { channel, visible, seriesName, samples: resolution } = selection;
    if (!clip || !view?.colors || channel === null || revision < 0) return null;
    const rangeOf = (placed: readonly PlacedRun[]) => {
      const runs = placed.map(({ run }) => run.name);
      const sample = runs.flatMap((run) => samples.get(run) ?? []);
      const choices = JSON.stringify([scope, seriesName, resolution, ...runs]);
      const centers = placed.map(({ run }) => seriesNamed(run, seriesName)?.centers.get(channel));
      return keepingValleys(ranges.range(choices, sample, channel, focusPoint), centers);
    };
    if (scope === "run") {
      const own = new Map(visible.map((placed) => [placed.run.name, rangeOf([placed])]));
      return (run: string) => own.get(run) ?? null;
    }
    const all = rangeOf(visible);
    return () => all;
  }, [clip, view, selection, scope, samples, ranges, focusPoint, revision]);
}

/** Columns, and rows no higher than what stands in them can use. */
function gridStyle(
  panels: readonly Panel[],
  columns: number,
  size: Size,
  view: View | null,
): CSSProperties {
  const gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  const { heightFor } = view ?? {};
  if (!heightFor || size.height === 0 || panels.length === 0) return { gridTemplateColumns };
  const most = (width: number) =>
    Math.max(
      ...panels.map(({ content }) =>
        heightFor(content.state === "ready" ? content.slice : null, width),
      ),
    );
  const gridAutoRows = rowHeightFor(panels.length, columns, size, most);
  return { gridTemplateColumns, gridAutoRows, alignContent: "start" };
}
