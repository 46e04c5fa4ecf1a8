import type { StepMode } from "../../state/viewChoices";
import { Segmented, Select } from "../../ui/Segmented";
import { useChoice } from "../shared/useChoice";

const MODES: readonly { value: StepMode; label: string }[] = [
  { value: "current", label: "Current" },
  { value: "onion", label: "Onion" },
  { value: "ridgeline", label: "Ridgeline" },
];

const SKINS = [1, 2, 3, 5, 10, 20].map((count) => ({
  value: `${count}`,
  label: `\u00b1 ${count}`,
}));

/** How a line shows the other steps. */
export function LineControls() {
  const [mode, chooseMode] = useChoice("stepMode");
  const [skins, chooseSkins] = useChoice("skins");
  return (
    <>
      <Segmented
        label="Steps"
        testId="step-mode"
        options={MODES}
        value={mode}
        onChange={chooseMode}
        title="Only the chosen step, faint ones around it, or all of them one behind the other"
      />
      {mode === "onion" && (
        <Select
          label="Around"
          testId="skins"
          options={SKINS}
          value={SKINS.find(({ value }) => Number(value) >= skins)?.value ?? "20"}
          onChange={(count) => chooseSkins(Number(count))}
          title="How many steps before and after"
        />
      )}
    </>
  );
}
