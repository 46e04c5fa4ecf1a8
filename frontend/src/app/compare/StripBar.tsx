import { useState, type ReactNode } from "react";
import type { StripColumns } from "../../state/compareChoices";
import { useAppState, useServices } from "../../ui/context";
import { Segmented } from "../../ui/Segmented";
import { readSteps } from "./stripModel";

interface StripBarProps {
  readonly by: StripColumns;
  readonly steps: readonly number[];
  readonly children: ReactNode;
}

/** What stands in the columns of a film strip. */
export function StripBar({ by, steps, children }: StripBarProps) {
  const { store } = useServices();
  const asked = useAppState((state) => state.stripSteps);
  const [typed, setTyped] = useState<string | null>(null);
  const commit = () => {
    if (typed !== null) store.setState({ stripSteps: readSteps(typed) });
    setTyped(null);
  };
  return (
    <div className="mode-bar">
      <Segmented
        label="Columns"
        testId="strip-columns"
        options={[
          { value: "step", label: "Steps" },
          { value: "series", label: "Series" },
        ]}
        value={by}
        onChange={(stripColumns) => store.setState({ stripColumns })}
      />
      {by === "step" && (
        <label className="choice">
          <span className="legend">Steps</span>
          <input
            type="text"
            className="text-field mode-input"
            data-testid="strip-steps"
            title="Steps with spaces between; each snaps to the nearest logged one. Empty: spread evenly."
            value={typed ?? steps.join(" ")}
            onChange={(event) => setTyped(event.target.value)}
            onBlur={commit}
            onKeyDown={(event) => {
              if (event.key === "Enter") commit();
              if (event.key === "Escape") setTyped(null);
            }}
          />
          {asked && (
            <button
              type="button"
              className="link"
              onClick={() => store.setState({ stripSteps: null })}
            >
              Spread evenly
            </button>
          )}
        </label>
      )}
      <span className="panel-space" />
      {children}
    </div>
  );
}
