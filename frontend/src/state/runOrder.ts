import { seriesNamed } from "../data/catalog";
import type { PlacedRun, Selection } from "./selection";

/** What the list of runs is ordered by. */
export const RUN_ORDERS = ["tensorboard", "name", "first", "last"] as const;
export type RunOrder = (typeof RUN_ORDERS)[number];

const collator = new Intl.Collator(undefined, { numeric: true });

/** The runs in an order; those that have no such value stand at the end, as they stood before. */
export function orderRuns(
  runs: readonly PlacedRun[],
  order: RunOrder,
  { seriesName, channel }: Pick<Selection, "seriesName" | "channel">,
): readonly PlacedRun[] {
  if (order === "tensorboard") return runs;
  if (order === "name") return [...runs].sort((a, b) => collator.compare(a.run.name, b.run.name));
  const valued = runs.map((placed) => {
    const centers = seriesNamed(placed.run, seriesName)?.centers.get(channel ?? "");
    const value = centers?.at(order === "first" ? 0 : -1) ?? NaN;
    return { placed, value: Number.isNaN(value) ? Infinity : value };
  });
  // Equal ones keep their places; the difference of two infinities is no order.
  valued.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  return valued.map(({ placed }) => placed);
}
