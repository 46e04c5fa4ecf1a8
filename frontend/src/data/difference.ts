import { commonCoordinates, resampleAlong, sameCoordinates } from "./resample";
import { atFocusPoint, type Axis, type Channel, type Slice } from "./slice";

/** One channel of a slice at one focus point. */
export interface Found {
  readonly slice: Slice;
  readonly channel: Channel;
  readonly focusPoint: number;
}

/** Two slices on the same grid, or why they have none in common. */
export type Aligned =
  | { readonly a: Found; readonly b: Found; readonly resampled: string | null }
  | { readonly refused: string; readonly why: string };

/** Puts two slices on the same grid: the coarser one of the two, where theirs differ. */
export function align(a: Found, b: Found): Aligned {
  const refused = refusal(a.slice, b.slice);
  if (refused) return refused;
  const mine = axesOf(a.slice);
  const theirs = axesOf(b.slice);
  const common = mine.map((axis, k) =>
    commonCoordinates(axis.coordinates, theirs[k]?.coordinates ?? axis.coordinates),
  );
  if (common.some(({ length }) => length < 2)) {
    return {
      refused: "These slices cover different parts of their directions.",
      why: "They have fewer than two coordinates in common.",
    };
  }
  const same = (axes: readonly Axis[]) =>
    axes.every((axis, k) => sameCoordinates(axis.coordinates, common[k] ?? axis.coordinates));
  return {
    a: onGrid(a, common),
    b: onGrid(b, common),
    resampled: same(mine) && same(theirs) ? null : resampledSentence(common),
  };
}

/** B minus A, as a slice of its own; what is not finite on either side stays so. */
export function subtract(a: Found, b: Found): Found {
  const before = atFocusPoint(a.slice, a.channel, a.focusPoint);
  const after = atFocusPoint(b.slice, b.channel, b.focusPoint);
  const channel: Channel = {
    name: `difference of ${b.channel.name}`,
    center: Float64Array.of(centerOf(b) - centerOf(a)),
    values: after.map((value, i) => value - (before[i] ?? NaN)),
    ...errorBound(a.channel, b.channel),
    replicates: 0,
  };
  return { slice: alone(b, channel), channel, focusPoint: 0 };
}

/**
 * How large the errors of a difference can be at most. Errors are those of differences from the
 * center, and so is this: it bounds how far the change of the difference from the center is off.
 * Squares would add up for independent examples, but runs mostly share theirs, and how their errors
 * are correlated is not recorded. Their sum is no less than the error whatever the correlation.
 */
function errorBound(a: Channel, b: Channel): Pick<Channel, "errors" | "atMost"> {
  const [ofA, ofB] = [a.errors, b.errors];
  if (!ofA || !ofB) return { errors: null };
  return { errors: ofB.map((error, i) => error + (ofA[i] ?? NaN)), atMost: true };
}

function centerOf({ channel, focusPoint }: Found): number {
  return channel.center[focusPoint] ?? NaN;
}

function refusal(a: Slice, b: Slice) {
  if (a.kind !== b.kind) {
    return {
      refused: `A ${b.kind} and a ${a.kind} have no difference.`,
      why: "Their kinds differ.",
    };
  }
  const theirs = axesOf(b);
  const axes = axesOf(a).map((axis, k) => [axis, theirs[k]] as const);
  const unknown = axes.find(([axis, other]) => !axis.fingerprint || !other?.fingerprint);
  if (unknown) {
    return {
      refused: "Nobody knows whether the directions are the same.",
      why: `The record of “${unknown[0].name}” has no fingerprint.`,
    };
  }
  const differing = axes.filter(([axis, other]) => axis.fingerprint !== other?.fingerprint);
  if (differing.length === 0) return null;
  const names = differing.map(([axis, other]) =>
    axis.name === other?.name ? `“${axis.name}”` : `“${axis.name}” and “${other?.name ?? ""}”`,
  );
  return {
    refused: "Different directions: differences are not meaningful.",
    why: `The fingerprints of ${names.join(", ")} differ, so equal coordinates are different places.`,
  };
}

function axesOf({ kind, axes }: Slice): readonly Axis[] {
  return axes.slice(0, kind === "plane" ? 2 : 1);
}

function onGrid(found: Found, common: readonly Float64Array[]): Found {
  const axes = axesOf(found.slice);
  const moved = (all: Float32Array) => {
    let values = atFocusPoint(found.slice, { values: all }, found.focusPoint);
    // The last dimension first: what comes after a dimension is then already on the new grid.
    for (let k = axes.length - 1; k >= 0; k -= 1) {
      const inner = common.slice(k + 1).reduce((product, { length }) => product * length, 1);
      const from = axes[k]?.coordinates ?? new Float64Array();
      values = resampleAlong(values, from, common[k] ?? from, inner);
    }
    return values;
  };
  const values = moved(found.channel.values);
  // Of a spectrum they are errors of a density. Between samples errors are at most those of a line.
  const known = found.slice.kind === "spectrum" ? null : found.channel.errors;
  const errors = known && moved(known);
  const center = Float64Array.of(centerOf(found));
  const channel: Channel = { ...found.channel, center, values, errors, replicates: 0 };
  const placed = axes.map((axis, k) => ({
    ...axis,
    coordinates: common[k] ?? axis.coordinates,
  }));
  return { slice: alone({ ...found.slice, axes: placed }, channel), channel, focusPoint: 0 };
}

/** A slice of this channel and nothing else, at one focus point. */
function alone(of: Found | Slice, channel: Channel): Slice {
  const slice = "slice" in of ? of.slice : of;
  const [first, second] = slice.axes;
  const plane = slice.kind === "plane";
  return {
    ...slice,
    shape: plane
      ? [1, first?.coordinates.length ?? 0, second?.coordinates.length ?? 0]
      : [1, 1, first?.coordinates.length ?? 0],
    axes: slice.axes.slice(0, plane ? 2 : 1),
    channels: [channel],
    focusPoints: slice.focusPoints.slice(0, 1),
    notes: new Map(),
    trajectory: null,
    evaluated: null,
  };
}

function resampledSentence(common: readonly Float64Array[]): string {
  const grid = common.map(({ length }) => length).join(" × ");
  return `The grids differ: both were resampled to ${grid}, linear between samples.`;
}
