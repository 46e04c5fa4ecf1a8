import type { ScaleKind } from "../../plot/scale";
import { lineOf, type Channel, type Slice } from "../../data/slice";
import { enclose, summarize, type Interval } from "../../data/stats";

export type Order = "logged" | "range";

export interface Cell {
  /** Its place in the bundle. */
  readonly line: number;
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly lowestPositive: number;
}

/** The lines of a bundle, as they were logged or those that move the value most first. */
export function orderCells(
  slice: Slice,
  channel: Channel,
  focusPoint: number,
  order: Order,
): Cell[] {
  const cells = slice.axes.map((axis, line) => {
    const { low, high, lowestPositive } = summarize(lineOf(slice, channel, line, focusPoint));
    return { line, name: axis.name, low, high, lowestPositive };
  });
  if (order === "logged") return cells;
  const range = ({ low, high }: Cell) => (low <= high ? high - low : -1);
  return cells.sort((a, b) => range(b) - range(a) || a.line - b.line);
}

/** The interval around all cells; on a logarithmic scale around what is above zero. */
export function sharedDomain(cells: readonly Cell[], kind: ScaleKind): Interval | null {
  return enclose(cells.map((cell) => domainOf(cell, kind)));
}

export function domainOf(cell: Cell, kind: ScaleKind): Interval | null {
  const low = kind === "log" ? cell.lowestPositive : cell.low;
  return low <= cell.high ? [low, cell.high] : null;
}
