import type { Axis } from "../data/slice";
import { elideMiddle } from "./format";

/** What an axis is called where it is drawn: its name. Coordinates count multiples of it. */
export function axisLabel(axis: Axis | undefined, longest = 36): string {
  return axis ? elideMiddle(axis.name, longest) : "";
}
