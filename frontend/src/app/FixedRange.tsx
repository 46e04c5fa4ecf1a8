import { useState } from "react";
import { formatValue } from "../plot/format";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";

/** A scale from one typed number to another; at first the range of all visible runs. */
export function FixedRange({ selection }: { readonly selection: Selection }) {
  const { store } = useServices();
  const range = useAppState((state) => state.range);
  const fixed = useAppState((state) => state.fixedRange);
  const ends = fixed ?? selection.range ?? [0, 1];
  const [typed, setTyped] = useState<readonly [string, string] | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const texts = typed ?? [`${ends[0]}`, `${ends[1]}`];
  const commit = () => {
    if (!typed) return;
    const [low, high] = typed.map((text) => (text.trim() === "" ? NaN : Number(text.trim())));
    if (low === undefined || high === undefined || !Number.isFinite(high - low)) {
      setWrong("Type two numbers, such as 0.1 and 3.");
    } else if (!(low < high)) {
      setWrong(`${formatValue(low)} is not below ${formatValue(high)}.`);
    } else if (selection.scale === "log" && high <= 0) {
      setWrong("A logarithmic scale needs an end above zero.");
    } else {
      store.setState({ range: "fixed", fixedRange: [low, high] });
      setTyped(null);
      setWrong(null);
    }
  };
  const end = (place: 0 | 1, label: string) => (
    <input
      type="text"
      inputMode="decimal"
      className="text-field menu-number"
      aria-label={label}
      aria-invalid={wrong !== null}
      data-testid={place === 0 ? "fixed-low" : "fixed-high"}
      value={texts[place]}
      onChange={(event) => {
        const { value } = event.target;
        setTyped(place === 0 ? [value, texts[1]] : [texts[0], value]);
      }}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
      }}
    />
  );
  return (
    <>
      <div className="menu-row menu-fixed">
        <label>
          <input
            type="radio"
            name="range"
            checked={range === "fixed"}
            onChange={() => store.setState({ range: "fixed", fixedRange: [ends[0], ends[1]] })}
          />
          Fixed
        </label>
        {end(0, "Lower end of the scale")}–{end(1, "Upper end of the scale")}
      </div>
      <p className="filter-error menu-wrong" role="status">
        {wrong}
      </p>
    </>
  );
}
