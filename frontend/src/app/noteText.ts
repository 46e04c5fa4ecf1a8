import type { PlainValue } from "../data/notes";
import { formatStep, formatValue } from "../plot/format";

/** A note in a line: `eigenvalue 3.21, residual 0.0012`. */
export function noteText(value: PlainValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return numberText(value);
  if (isNumbers(value)) return `(${value.map(numberText).join(", ")})`;
  return value.map(([name, below]) => `${name} ${noteText(below)}`).join(", ");
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return `${value < 0 ? "\u2212" : ""}${formatStep(Math.abs(value))}`;
  // Nobody rounded it to these digits: zeros at its end would say so.
  return formatValue(value).replace(/(\.\d*?)0+$/, "$1");
}

function isNumbers(value: readonly unknown[]): value is readonly number[] {
  return typeof value[0] === "number";
}
