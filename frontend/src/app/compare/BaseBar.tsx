import { formatStep } from "../../plot/format";
import { baseOf } from "../../state/base";
import type { Selection } from "../../state/selection";
import { useAppState, useServices } from "../../ui/context";
import { Segmented, Select } from "../../ui/Segmented";

interface BaseBarProps {
  readonly selection: Selection;
  readonly step: number;
  /** Whether a step can be the base, too. */
  readonly steps?: boolean;
  readonly note?: string;
}

/** What others are compared with: a run, or a step of each run itself. */
export function BaseBar({ selection, step, steps = false, note }: BaseBarProps) {
  const { store } = useServices();
  const baseRun = useAppState((state) => state.baseRun);
  const baseStep = useAppState((state) => state.baseStep);
  const base = baseOf(selection, baseRun);
  const set = store.setState;
  const byStep = steps && baseStep !== null;
  return (
    <div className="mode-bar" data-testid="base-bar">
      {steps && (
        <Segmented
          label="Compared with"
          testId="base-kind"
          options={[
            { value: "run", label: "Base run" },
            { value: "step", label: "Base step" },
          ]}
          value={byStep ? "step" : "run"}
          onChange={(kind) => set({ baseStep: kind === "step" ? step : null })}
        />
      )}
      {byStep ? (
        <>
          <span>
            step <b data-testid="base-step">{formatStep(baseStep)}</b> of each run
          </span>
          <button
            type="button"
            className="button"
            title="Compare with the step that is shown (S)"
            onClick={() => set({ baseStep: step })}
          >
            Use step {formatStep(step)}
          </button>
        </>
      ) : (
        <Select
          label="Base run"
          testId="base-run"
          options={selection.visible.map(({ run }) => ({ value: run.name, label: run.name }))}
          value={base?.run.name ?? null}
          onChange={(name) => set({ baseRun: name })}
          title="The star in the list of runs, or S, makes the run in focus the base"
        />
      )}
      {note && <span className="muted">{note}</span>}
    </div>
  );
}
