import { useEffect, useRef } from "react";
import type { Catalog } from "../data/catalog";
import { useAppState, useServices } from "../ui/context";
import { chooseView } from "../views/registry";
import { Banners, bannersFor } from "./Banners";
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
import { useSelection } from "./useSelection";

interface WorkspaceProps {
  readonly catalog: Catalog;
  readonly failure: Error | null;
}

/** The page once there are slices: runs, selectors, panels, steps. */
export function Workspace({ catalog, failure }: WorkspaceProps) {
  const { store } = useServices();
  const selection = useSelection(catalog);
  const railOpen = useAppState((state) => state.railOpen);
  const helpOpen = useAppState((state) => state.helpOpen);
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
      if (handleKey(event.key, event.shiftKey, store, selection, focusFilter)) {
        event.preventDefault();
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [store, selection]);

  return (
    <div className={`workspace ${railOpen ? "" : "workspace-wide"}`}>
      {railOpen && <RunRail selection={selection} filterRef={filter} />}
      <div className="main">
        <Toolbar selection={selection} view={view} />
        <Banners banners={bannersFor(health, failure, catalog.version)} />
        <Stage selection={selection} view={view} />
        <StepBar selection={selection} />
      </div>
      <LatestStep latest={selection.steps.at(-1)} />
      <Notice />
      <LiveRegion selection={selection} />
      {helpOpen && <ShortcutSheet onClose={() => store.setState({ helpOpen: false })} />}
    </div>
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
