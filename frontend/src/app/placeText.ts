import { formatSeconds, formatStep, formatValue } from "../plot/format";
import type { StepUnit } from "../state/store";

/** A place on the step bar in its unit. */
export function formatPlace(unit: StepUnit, place: number): string {
  if (unit === "epoch") return formatValue(place, 4);
  return unit === "time" ? formatSeconds(Math.max(0, place)) : formatStep(Math.round(place));
}

/** The same behind a step, where steps are not what is counted. */
export function placeText(unit: StepUnit, place: number): string {
  if (unit === "step") return "";
  return unit === "epoch"
    ? `, epoch ${formatPlace(unit, place)}`
    : `, ${formatPlace(unit, place)} after the first slice`;
}
