import {
  Suspense,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { useShallow } from "zustand/react/shallow";
import { seriesNamed, type Layout } from "../data/catalog";
import type { Wish } from "../data/frameLoader";
import { keepingValleys, OutlierRanges, sampleOf } from "../state/outliers";
import { createPanels, wishesFor, type Panel } from "../state/panels";
import type { PlacedRun, Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { useSize } from "../ui/useSize";
import type { View } from "../views/view";
import type { CompareMode, Scene } from "./compare/mode";
import { chooseMode } from "./compare/modes";
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
  const mode = useMemo(() => chooseMode(compare, view, selection), [compare, view, selection]);
  const scenes = useScenes(mode, selection, view, step, revision);
  const samples = useSamples(selection, view);
  const usual = useUsualRange(samples, selection, view, revision);
  const wish = useCallback(() => {
    const most = view?.needsAllSteps ? ALL_STEPS : PREFETCHED;
    const { wishes, urgent } = wishesFor(panels, most);
    // First what is on screen, then what its scale depends on, then the neighborhood.
    const scaled = [...samples.values()].flat();
    const own = wishes.slice(0, urgent);
    const others = scenes.flatMap((scene) => wishesFor(scene.panels, scene.panels.length).wishes);
    const now = [...own, ...others];
    loader.want([...now, ...scaled, ...wishes.slice(urgent)], now.length);
  }, [panels, scenes, samples, view, loader]);
  useWishes(wish, [...panels, ...scenes.flatMap((scene) => scene.panels)].every(isDrawn));

  const extent = useMemo(() => sharedExtent(panels), [panels]);
  const focusPoint = useAppState((state) => state.focusPoint);
  const shown = useMemo(
    () => measuredOf(panels, selection.channel, focusPoint),
    [panels, selection.channel, focusPoint],
  );
  return (
    <main className="stage" ref={element}>
      <Suspense fallback={<div className="skeleton" role="status" aria-label="Loading" />}>
        <mode.Component
          panels={panels}
          scenes={scenes}
          view={view}
          selection={selection}
          step={step}
          revision={revision}
          extent={extent}
          usual={usual}
          shown={shown}
          size={size}
        />
      </Suspense>
      {panels.length === 0 && (
        <p className="stage-none">No run is selected. Check one in the list on the left.</p>
      )}
    </main>
  );
}

/** What a mode draws besides the slices of the chosen step. */
function useScenes(
  mode: CompareMode,
  selection: Selection,
  view: View | null,
  step: number,
  revision: number,
): readonly Scene[] {
  const { fields } = useServices();
  const choices = useAppState(
    useShallow(
      ({ compare, baseRun, baseStep, wipe, stripColumns, stripSteps, onlyDifferences }) => ({
        compare,
        baseRun,
        baseStep,
        wipe,
        stripColumns,
        stripSteps,
        onlyDifferences,
      }),
    ),
  );
  const wished = useMemo(
    () => mode.scenes?.(choices, selection, step, view) ?? [],
    [mode, choices, selection, step, view],
  );
  return useMemo(() => {
    if (revision < 0) return [];
    const supports = (layout: Layout) => view?.supports(layout) ?? false;
    return wished.map((scene) => ({
      ...scene,
      panels: createPanels(scene.selection, scene.step, supports, fields),
    }));
  }, [wished, view, fields, revision]);
}

function isDrawn({ content }: Panel): boolean {
  return content.state === "ready" && !content.pending;
}

const UNHURRIED_MS = 1000;

/** Wishes at once where something is missing, else now and then: most stay the same. */
function useWishes(wish: () => void, complete: boolean): void {
  const newest = useRef(wish);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    newest.current = wish;
    if (!complete) {
      wish();
      return;
    }
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      newest.current();
    }, UNHURRIED_MS);
  }, [wish, complete]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
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
