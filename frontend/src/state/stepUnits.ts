import { seriesNamed, type Series } from "../data/catalog";
import type { Selection } from "./selection";
import { STEP_UNITS, type StepUnit } from "./store";

/** Where a step stands, in epochs or seconds; increasing, and linear between logged steps. */
export type StepPlaces = (step: number) => number;

/** The run in focus tells epochs and times: two runs may reach the same step at different ones. */
function leadOf({ focus, visible, seriesName }: Selection): Series | undefined {
  const runs = [...(focus ? [focus] : []), ...visible];
  return runs.flatMap(({ run }) => seriesNamed(run, seriesName) ?? [])[0];
}

function pointsOf(series: Series | undefined, unit: StepUnit): [number, number][] {
  if (!series || unit === "step") return [];
  const points: [number, number][] = [];
  for (const [i, step] of series.steps.entries()) {
    const found = unit === "epoch" ? series.epochs?.[i] : series.seconds[i];
    if (typeof found !== "number" || !Number.isFinite(found)) continue;
    // A resumed run logs again what it had logged before: its clock must not run backward.
    points.push([step, Math.max(found, points.at(-1)?.[1] ?? -Infinity)]);
  }
  const start = unit === "time" ? (points[0]?.[1] ?? 0) : 0;
  return points.map(([step, place]) => [step, place - start]);
}

/** The units that the logged steps can be counted in. */
export function unitsOf(selection: Selection): StepUnit[] {
  const lead = leadOf(selection);
  return STEP_UNITS.filter((unit) => unit === "step" || placesOf(pointsOf(lead, unit)) !== null);
}

/** The chosen unit where it was logged, else steps. */
export function unitFor(selection: Selection, chosen: StepUnit): StepUnit {
  return unitsOf(selection).includes(chosen) ? chosen : "step";
}

export function stepPlaces(selection: Selection, unit: StepUnit): StepPlaces {
  return placesOf(pointsOf(leadOf(selection), unit)) ?? ((step) => step);
}

/** Straight lines through points, drawn on beyond both ends; nothing where that is no axis. */
export function placesOf(points: readonly (readonly [number, number])[]): StepPlaces | null {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || !(last[1] > first[1])) return null;
  return (step) => {
    let above = 1;
    while (above < points.length - 1 && (points[above]?.[0] ?? Infinity) < step) above += 1;
    // Beyond the ends the average pace goes on: that of two neighbors may be none.
    const beyond = step < first[0] || step > last[0];
    const from = beyond ? (step < first[0] ? first : last) : (points[above - 1] ?? first);
    const [x0, y0] = beyond ? first : from;
    const [x1, y1] = beyond ? last : (points[above] ?? last);
    return from[1] + ((step - from[0]) / (x1 - x0)) * (y1 - y0);
  };
}
