import { Segmented } from "../../ui/Segmented";
import { useChoice } from "../shared/useChoice";

const OPTIONS = [
  { value: "outliers", label: "Outliers" },
  { value: "all", label: "All" },
] as const;

/** Which curves of a bundle are drawn one by one. */
export function BundleControls() {
  const [every, choose] = useChoice("everyCurve");
  return (
    <Segmented
      label="Curves"
      testId="curves"
      options={OPTIONS}
      value={every ? "all" : "outliers"}
      onChange={(value) => choose(value === "all")}
      title="Draw only the curves beyond the widest band, or all of them"
    />
  );
}
