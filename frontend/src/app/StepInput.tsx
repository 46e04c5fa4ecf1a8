import { useMemo, useState } from "react";
import { nearestPosition } from "../data/align";
import { formatStep, formatValue } from "../plot/format";
import { seek } from "../state/actions";
import type { Selection } from "../state/selection";
import { stepPlaces, unitFor, unitsOf } from "../state/stepUnits";
import type { StepUnit } from "../state/store";
import { useAppState, useServices } from "../ui/context";
import { placeText } from "./placeText";

const NAMES: Record<StepUnit, string> = { step: "Step", epoch: "Epoch", time: "Seconds" };

interface StepInputProps {
  readonly step: number;
  readonly selection: Selection;
}

/** The step as a number that can be typed; it snaps to a logged one and says so. */
export function StepInput({ step, selection }: StepInputProps) {
  const { store } = useServices();
  const { steps } = selection;
  const [typed, setTyped] = useState<string | null>(null);
  const [typedAt, setTypedAt] = useState(step);
  // What was begun at another step is forgotten.
  if (typedAt !== step) {
    setTypedAt(step);
    setTyped(null);
  }
  const units = unitsOf(selection);
  const unit = unitFor(
    selection,
    useAppState((state) => state.stepUnit),
  );
  const places = useMemo(() => stepPlaces(selection, unit), [selection, unit]);
  const commit = () => {
    const text = (typed ?? "").replaceAll(/[\s,_]/g, "");
    const wanted = Number(text);
    setTyped(null);
    if (typed === null || text === "") return;
    if (!Number.isFinite(wanted)) {
      store.setState({ notice: `“${typed}” is no number; the step stays as it is.` });
      return;
    }
    const nearest = steps[nearestPosition(steps.map(places), wanted)];
    if (nearest === undefined) return;
    seek(store, steps, nearest);
    // What is typed in epochs or seconds has as many digits as are shown.
    if (Math.abs(places(nearest) - wanted) > (unit === "step" ? 0 : 0.005 * Math.abs(wanted))) {
      const name = unit === "step" ? `Step ${formatStep(wanted)}` : `${NAMES[unit]} ${text}`;
      const reached = `${formatStep(nearest)}${placeText(unit, places(nearest))}`;
      const noun = unit === "step" ? "" : "step ";
      store.setState({ notice: `${name} was not logged; this is the nearest, ${noun}${reached}.` });
    }
  };
  const shown = unit === "step" ? formatStep(step) : formatValue(places(step), 4);
  return (
    <label className="step-input">
      {units.length > 1 ? (
        <select
          data-testid="step-unit"
          aria-label="What the step bar counts"
          value={unit}
          onChange={(event) => {
            const chosen = units.find((one) => one === event.target.value);
            if (chosen) store.setState({ stepUnit: chosen });
          }}
        >
          {units.map((one) => (
            <option key={one} value={one}>
              {NAMES[one]}
            </option>
          ))}
        </select>
      ) : (
        <span>Step</span>
      )}
      <input
        type="text"
        inputMode="decimal"
        data-testid="step-input"
        aria-label={`Go to ${NAMES[unit].toLowerCase()}`}
        value={typed ?? shown}
        size={Math.max(5, formatStep(steps.at(-1) ?? 0).length)}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
          if (event.key === "Escape") setTyped(null);
        }}
      />
      <output data-testid="step-readout" data-step={step} className="visually-hidden">
        {step}
      </output>
    </label>
  );
}
