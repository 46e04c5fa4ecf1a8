import { memo } from "react";
import { layoutAt, seriesNamed } from "../data/catalog";
import { elideMiddle } from "../plot/format";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { IconButton } from "../ui/IconButton";
import { Choice, Segmented } from "../ui/Segmented";
import { viewsFor } from "../views/registry";
import type { View } from "../views/view";
import { chooseMode, modesFor } from "./compare/modes";
import { DisplayMenu } from "./DisplayMenu";
import { ExportMenu } from "./ExportMenu";

interface ToolbarProps {
  readonly selection: Selection;
  readonly view: View | null;
}

export const Toolbar = memo(function Toolbar({ selection, view }: ToolbarProps) {
  const { store } = useServices();
  const compare = useAppState((state) => state.compare);
  const focusPoint = useAppState((state) => state.focusPoint);
  const inspected = useAppState((state) => state.inspectorOpen);
  const set = store.setState;
  const views = viewsFor(selection.layout);
  const modes = modesFor(view, selection);
  return (
    <header className="toolbar" aria-label="What is shown">
      <h1 className="visually-hidden">Loss Slicer</h1>
      <IconButton
        icon="rail"
        label="Runs"
        shortcut="["
        onClick={() => set(({ railOpen }) => ({ railOpen: !railOpen }))}
      />
      <Choice
        label="Method"
        testId="method"
        options={selection.methods.map(option)}
        value={selection.method}
        onChange={(method) => set({ method, series: null, view: null, cursor: null })}
      />
      <Choice
        label="Series"
        testId="direction"
        options={selection.seriesNames.map(option)}
        value={selection.seriesName}
        onChange={(series) => set({ series, method: selection.method, cursor: null })}
        title={axesOf(selection)}
      />
      <Choice
        label="Resolution"
        testId="resolution"
        options={selection.resolutions.map((n) => ({ value: `${n}`, label: `${n}` }))}
        value={`${selection.samples ?? ""}`}
        onChange={(samples) => set({ samples: Number(samples) })}
      />
      <Choice
        label="Channel"
        testId="channel"
        options={selection.channels.map(option)}
        value={selection.channel}
        onChange={(channel) => set({ channel })}
      />
      {selection.focusPoints > 1 && !view?.allFocusPoints && (
        <Choice
          label="Focus point"
          testId="focus-point"
          options={Array.from({ length: selection.focusPoints }, (_, i) => option(`${i + 1}`))}
          value={`${Math.min(focusPoint, selection.focusPoints - 1) + 1}`}
          onChange={(point) => set({ focusPoint: Number(point) - 1 })}
        />
      )}
      <div className="toolbar-end">
        {view?.ToolbarChoices && <view.ToolbarChoices />}
        {views.length > 1 && (
          <Segmented
            label="View"
            testId="view"
            options={views.map(({ id, label }) => ({ value: id, label }))}
            value={view?.id ?? null}
            onChange={(id) => set({ view: id, cursor: null })}
          />
        )}
        <Choice
          label="Compare"
          testId="compare"
          options={modes.map(({ id, label }) => ({ value: id, label }))}
          value={chooseMode(compare, view, selection).id}
          onChange={(next) => set({ compare: next })}
        />
        <Segmented
          label="Scale"
          testId="scale"
          options={[
            { value: "linear", label: "Linear" },
            { value: "log", label: "Log" },
            { value: "symlog", label: "Symlog" },
          ]}
          value={selection.scale}
          onChange={(scale) => set({ scale })}
          title={SCALE_TITLE}
        />
        <div className="toolbar-menus">
          <DisplayMenu colors={view?.colors ?? false} selection={selection} />
          <ExportMenu selection={selection} />
          <IconButton
            icon="inspector"
            label="Inspector"
            shortcut="I"
            data-testid="inspector-toggle"
            aria-expanded={inspected}
            onClick={() => set({ inspectorOpen: !inspected })}
          />
          <button
            type="button"
            className="icon-button"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts (?)"
            onClick={() => set({ helpOpen: true })}
          >
            ?
          </button>
        </div>
      </div>
    </header>
  );
});

const SCALE_TITLE =
  "Symlog: linear around zero, logarithmic on both sides; panels say up to where (Y changes the scale)";

function option(value: string) {
  return { value, label: elideMiddle(value, 36) };
}

function axesOf({ focus, seriesName }: Selection): string {
  const series = focus && seriesNamed(focus.run, seriesName);
  return (series && layoutAt(series, series.steps.length - 1)?.axes.join(", ")) ?? "";
}
