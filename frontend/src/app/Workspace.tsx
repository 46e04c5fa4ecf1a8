import { lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import type { Catalog } from "../data/catalog";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { Moving } from "../ui/moving";
import { StagePicturesContext, type Picture } from "../ui/plotRegistry";
import { chooseView } from "../views/registry";
import { Banners, bannersFor } from "./Banners";
import { copyLink } from "./copyLink";
import { ExportDialog } from "./lazyExports";
import { LiveRegion, Notice } from "./LiveRegion";
import { useNoteNewData } from "./NewData";
import { RunRail } from "./RunRail";
import { handleKey, keyIsTaken } from "./shortcuts";
import { ShortcutSheet } from "./ShortcutSheet";
import { Stage } from "./Stage";
import { StepBar } from "./StepBar";
import { Toolbar } from "./Toolbar";
import { useHealth, useVisible } from "./useCatalog";
import { usePlayback } from "./usePlayback";
import { useSelection, useStep } from "./useSelection";

// Off at first: whoever wants it waits a moment.
const Inspector = lazy(async () => ({
  default: (await import("./inspector/Inspector")).Inspector,
}));

interface WorkspaceProps {
  readonly catalog: Catalog;
  readonly failure: Error | null;
}

/** The page once there are slices: runs, selectors, panels, steps. */
export function Workspace({ catalog, failure }: WorkspaceProps) {
  const { store, host } = useServices();
  const selection = useSelection(catalog);
  const railOpen = useAppState((state) => state.railOpen);
  const inspected = useAppState((state) => state.inspectorOpen);
  const helpOpen = useAppState((state) => state.helpOpen);
  const exporting = useAppState((state) => state.exporting);
  const [pictures] = useState(() => new Set<Picture>());
  const viewId = useAppState((state) => state.view);
  const filter = useRef<HTMLInputElement>(null);
  const view = chooseView(selection.layout, viewId);
  const health = useHealth(catalog.generation);
  usePlayback(selection, useVisible());
  useNoteNewData(catalog);

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (keyIsTaken(event)) return;
      const focusFilter = () => setTimeout(() => filter.current?.focus());
      const copy = () => void copyLink(host, store);
      const context = { store, selection, focusFilter, copyLink: copy };
      if (handleKey(event.key, event.shiftKey, context)) event.preventDefault();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [host, store, selection]);

  return (
    <StagePicturesContext value={pictures}>
      <MovingSteps selection={selection}>
        <div
          className={`workspace ${railOpen ? "" : "workspace-wide"} ${inspected ? "workspace-inspected" : ""}`}
        >
          {railOpen && <RunRail selection={selection} filterRef={filter} />}
          <div className="main">
            <Toolbar selection={selection} view={view} />
            {view?.Controls && <view.Controls />}
            <Banners banners={bannersFor(health, failure, catalog.version)} />
            <Stage selection={selection} view={view} />
            <StepBar selection={selection} />
          </div>
          {inspected && (
            <Suspense fallback={<aside className="inspector" aria-label="Inspector" aria-busy />}>
              <Inspector selection={selection} view={view} />
            </Suspense>
          )}
          <Notice />
          <LiveRegion selection={selection} />
          {exporting && (
            <Suspense fallback={null}>
              <ExportDialog exporting={exporting} selection={selection} />
            </Suspense>
          )}
          {helpOpen && <ShortcutSheet onClose={() => store.setState({ helpOpen: false })} />}
        </div>
      </MovingSteps>
      <LatestStep latest={selection.steps.at(-1)} />
    </StagePicturesContext>
  );
}

/** The newest step is where one starts; from then on it moves only for those who follow it. */
function LatestStep({ latest }: { readonly latest: number | undefined }) {
  const { store } = useServices();
  const following = useAppState((state) => state.followLatest);
  // A part of its own, so that a new step draws no list and no toolbar again.
  const unset = useAppState((state) => state.step === null);
  useEffect(() => {
    if (latest !== undefined && (following || unset)) store.setState({ step: latest });
  }, [latest, following, unset, store]);
  return null;
}

/** Knows the step, so that the workspace need not. */
function MovingSteps({ selection, children }: { selection: Selection; children: ReactNode }) {
  return <Moving step={useStep(selection)}>{children}</Moving>;
}
