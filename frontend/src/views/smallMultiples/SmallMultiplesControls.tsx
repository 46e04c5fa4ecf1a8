import { useId } from "react";
import type { Grouping, Ranking } from "../../state/viewChoices";
import { Segmented, Select } from "../../ui/Segmented";
import { useChoice } from "../shared/useChoice";

const RANKED: readonly { value: Ranking; label: string }[] = [
  { value: "range", label: "range" },
  { value: "curvature", label: "curvature at 0" },
  { value: "asymmetry", label: "asymmetry" },
  { value: "logged", label: "as logged" },
];

const GROUPED: readonly { value: Grouping; label: string }[] = [
  { value: "none", label: "None" },
  { value: "layer", label: "Layer" },
  { value: "shape", label: "Shape" },
];

/** What the lines of a bundle are ordered by. */
export function RankingControl() {
  const [ranking, rank] = useChoice("ranking");
  return (
    <Select
      label="Rank by"
      testId="ranking"
      options={RANKED}
      value={ranking}
      onChange={rank}
      title="How strongly the value depends on each line"
    />
  );
}

/** How small multiples are ordered, grouped and found. */
export function SmallMultiplesControls() {
  const id = useId();
  const [grouping, group] = useChoice("grouping");
  const [find, search] = useChoice("find");
  return (
    <>
      <div className="choice">
        <label className="legend" htmlFor={id}>
          Find
        </label>
        <input
          id={id}
          type="search"
          className="filter find"
          data-testid="find"
          placeholder="name"
          value={find}
          onChange={(event) => search(event.target.value)}
        />
      </div>
      <RankingControl />
      <Segmented
        label="Group"
        testId="grouping"
        options={GROUPED}
        value={grouping}
        onChange={group}
        title="By layer, or by the shape of the curve"
      />
    </>
  );
}
