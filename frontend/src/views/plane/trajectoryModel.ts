import { positionAtOrBefore } from "../../data/align";
import type { Slice, Trajectory } from "../../data/slice";
import { extent } from "../../data/slice";
import { formatStep } from "../../plot/format";
import type { Measured } from "../view";

/** From here on a point's distance from the plane is drawn. */
export const VISIBLY_OFF = 0.02;

/** The path of the parameters as a plane shows it. */
export interface Path {
  readonly xs: Float32Array;
  readonly ys: Float32Array;
  readonly steps: readonly number[];
  /** How far each point lies off the plane: 0 on it, 1 as far as the plane reaches, or farther. */
  readonly off: Float32Array;
  /** Position of the plane's own step, or of the last one before it; -1 where all came later. */
  readonly now: number;
}

/** The path on a plane; it is seen from the first focus point and no other. */
export function pathOf({ slice, focusPoint }: Pick<Measured, "slice" | "focusPoint">): Path | null {
  const [xs, ys] = slice.trajectory?.coordinates ?? [];
  if (!slice.trajectory || !xs || !ys || focusPoint !== 0) return null;
  const { steps } = slice.trajectory;
  return {
    ...{ xs, ys, steps, off: offPlane(slice, slice.trajectory) },
    now: positionAtOrBefore(steps, slice.step),
  };
}

/** Distances from the plane in shares of the plane's own reach; 0 where they are not known. */
function offPlane({ axes }: Slice, { distances, steps }: Trajectory): Float32Array {
  const reach = Math.max(
    ...axes.map((axis) => {
      const [low, high] = extent(axis);
      return ((high - low) / 2) * axis.length;
    }),
  );
  return Float32Array.from(steps, (_, i) => {
    const share = (distances[i] ?? NaN) / reach;
    return Number.isFinite(share) ? Math.min(share, 1) : 0;
  });
}

/** What a picture of the path leaves out: how much of its motion, and how many of its points. */
export function trajectorySentences({ slice, focusPoint }: Measured): string[] {
  const { trajectory } = slice;
  if (!trajectory) return [];
  if (focusPoint !== 0) return ["The path of the parameters is seen from the first focus point."];
  const { explained, steps } = trajectory;
  const outside = outsideOf(slice, trajectory);
  const off = offPlane(slice, trajectory).some((share) => share >= VISIBLY_OFF);
  const rings = off ? ["Rings grow with the distance from the plane."] : [];
  const clipped =
    outside > 0
      ? ` ${formatStep(outside)} of its ${formatStep(steps.length)} points ${outside === 1 ? "lies" : "lie"} outside.`
      : "";
  if (Number.isNaN(explained)) {
    return [...(clipped ? [`The path of the parameters:${clipped}`] : []), ...rings];
  }
  // Rounded down, so that 100 % is said of nothing less.
  const percent = Math.floor(100 * explained + 1e-9);
  const share = percent === 0 && explained > 0 ? "less than 1" : String(percent);
  const explains = `The plane explains ${share} % of the path\u2019s motion.${clipped}`;
  return [explains, ...rings];
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
