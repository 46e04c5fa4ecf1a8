import { positionAtOrBefore } from "../../data/align";
import type { Slice, Trajectory } from "../../data/slice";
import { extent } from "../../data/slice";
import { formatStep } from "../../plot/format";
import type { Measured } from "../view";

/** The path of the parameters as a plane shows it. */
export interface Path {
  readonly xs: Float32Array;
  readonly ys: Float32Array;
  readonly steps: readonly number[];
  /** Position of the plane's own step, or of the last one before it; -1 where all came later. */
  readonly now: number;
}

/** The path on a plane; it is seen from the first focus point and no other. */
export function pathOf({ slice, focusPoint }: Pick<Measured, "slice" | "focusPoint">): Path | null {
  const [xs, ys] = slice.trajectory?.coordinates ?? [];
  if (!slice.trajectory || !xs || !ys || focusPoint !== 0) return null;
  const { steps } = slice.trajectory;
  return { xs, ys, steps, now: positionAtOrBefore(steps, slice.step) };
}

/** What a picture of the path leaves out: how much of its motion, and how many of its points. */
export function trajectorySentences({ slice, focusPoint }: Measured): string[] {
  const { trajectory } = slice;
  if (!trajectory) return [];
  if (focusPoint !== 0) return ["The path of the parameters is seen from the first focus point."];
  const { explained, steps } = trajectory;
  const outside = outsideOf(slice, trajectory);
  const clipped =
    outside > 0
      ? ` ${formatStep(outside)} of its ${formatStep(steps.length)} points ${outside === 1 ? "lies" : "lie"} outside.`
      : "";
  if (Number.isNaN(explained)) return clipped ? [`The path of the parameters:${clipped}`] : [];
  // Rounded down, so that 100 % is said of nothing less.
  const percent = Math.floor(100 * explained + 1e-9);
  const share = percent === 0 && explained > 0 ? "less than 1" : String(percent);
  return [`The plane explains ${share} % of the path\u2019s motion.${clipped}`];
}

function outsideOf(slice: Slice, { coordinates, steps }: Trajectory): number {
  const intervals = slice.axes.map(extent);
  return steps.filter((_, point) =>
    intervals.some(([low, high], axis) => {
      const place = coordinates[axis]?.[point] ?? NaN;
      return !(place >= low && place <= high);
    }),
  ).length;
}
