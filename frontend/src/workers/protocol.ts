import { cluster, type Clustering } from "../data/cluster";
import { quantilesAcross } from "../data/stats";
import { contours, type Grid } from "../plot/contours";
import { packContours, type PackedContours } from "../plot/packedContours";

/** What can be computed beside the page: one entry drives both ends of the worker. */
export interface Tasks {
  readonly contours: {
    readonly asked: { readonly grid: Grid; readonly levels: readonly number[] };
    readonly answer: PackedContours;
  };
  readonly quantiles: {
    readonly asked: {
      readonly curves: readonly Float32Array[];
      readonly shares: readonly number[];
    };
    readonly answer: readonly Float64Array<ArrayBuffer>[];
  };
  readonly clusters: {
    readonly asked: { readonly curves: readonly Float32Array[] };
    readonly answer: Clustering;
  };
}

export type TaskName = keyof Tasks;

type Compute = { readonly [K in TaskName]: (asked: Tasks[K]["asked"]) => Tasks[K]["answer"] };

/** Pure functions, the same in the worker and where there is none. */
export const COMPUTE: Compute = {
  contours: ({ grid, levels }) => packContours(contours(grid, levels)),
  quantiles: ({ curves, shares }) => quantilesAcross(curves, shares),
  clusters: ({ curves }) => cluster(curves),
};

/** What is handed over to the page instead of being copied. */
export const BUFFERS: {
  readonly [K in TaskName]: (answer: Tasks[K]["answer"]) => ArrayBuffer[];
} = {
  contours: ({ points, lines, levels }) => [points.buffer, lines.buffer, levels.buffer],
  quantiles: (found) => found.map(({ buffer }) => buffer),
  clusters: ({ members }) => [members.buffer],
};

export interface Request<K extends TaskName = TaskName> {
  readonly id: number;
  readonly task: K;
  readonly asked: Tasks[K]["asked"];
}

export type Reply<K extends TaskName = TaskName> =
  | { readonly id: number; readonly answer: Tasks[K]["answer"] }
  | { readonly id: number; readonly error: string };

/** Answers one request; what goes wrong is an answer as well. */
export function reply<K extends TaskName>({
  id,
  task,
  asked,
}: Request<K>): {
  readonly message: Reply<K>;
  readonly transfer: ArrayBuffer[];
} {
  try {
    const answer = COMPUTE[task](asked);
    return { message: { id, answer }, transfer: BUFFERS[task](answer) };
  } catch (error) {
    const sentence = error instanceof Error ? error.message : "The worker failed.";
    return { message: { id, error: sentence }, transfer: [] };
  }
}
