import { align, subtract, type Found } from "../../data/difference";
import { channelOf, type Channel } from "../../data/slice";
import { quantileRange, summarize, type Interval } from "../../data/stats";
import type { ScaleKind } from "../../plot/scale";
import type { Panel } from "../../state/panels";
import type { RangeScope } from "../../state/store";
import { BOUND_SENTENCE, HALF_WIDTH } from "../../views/shared/errors";
import type { ValueScale } from "../../views/view";

/** What a panel of differences sets against each other: B minus A. */
export interface Pair {
  readonly a: Panel;
  readonly b: Panel;
}

export type Difference =
  | { readonly found: Found; readonly resampled: string | null }
  | { readonly refused: string; readonly why: string };

/** The slice of a panel that has it. */
export function foundIn(
  panel: Panel,
  channelName: string | null,
  focusPoint: number,
): Found | null {
  if (panel.content.state !== "ready" || channelName === null) return null;
  const { slice } = panel.content;
  const channel = channelOf(slice, channelName);
  return channel ? { slice, channel, focusPoint: Math.min(focusPoint, slice.shape[0] - 1) } : null;
}

const known = new WeakMap<Channel, WeakMap<Channel, { focusPoint: number; made: Difference }>>();

/** B minus A, made once for each pair of slices. */
export function differenceOf(a: Found, b: Found): Difference {
  const ofB =
    known.get(b.channel) ?? new WeakMap<Channel, { focusPoint: number; made: Difference }>();
  known.set(b.channel, ofB);
  const old = ofB.get(a.channel);
  if (old?.focusPoint === b.focusPoint) return old.made;
  const aligned = align(a, b);
  const made: Difference =
    "refused" in aligned
      ? aligned
      : { found: subtract(aligned.a, aligned.b), resampled: aligned.resampled };
  ofB.set(a.channel, { focusPoint: b.focusPoint, made });
  return made;
}

/** The difference of two panels once both have their slices. */
export function pairDifference(
  { a, b }: Pair,
  channel: string | null,
  focusPoint: number,
): { readonly difference: Difference | null; readonly found: Found | null } {
  const [before, after] = [foundIn(a, channel, focusPoint), foundIn(b, channel, focusPoint)];
  const difference = before && after && differenceOf(before, after);
  return { difference, found: difference && "found" in difference ? difference.found : null };
}

const USUAL = 0.98;

interface Choice {
  readonly scope: RangeScope;
  readonly fixed: Interval | null;
  readonly clip: boolean;
  readonly scale: ScaleKind;
}

/** What a picture of a difference has to have room for: its values, or the band around its line. */
export function reached({ channel: { values, errors } }: Found, colors: boolean): Float32Array {
  if (colors || !errors) return values;
  // What the band adds, away from zero.
  return values.map((value, i) => {
    const half = HALF_WIDTH * (errors[i] ?? NaN);
    return Number.isFinite(half) ? value + Math.sign(value || 1) * half : value;
  });
}

/** A scale with zero in its middle; nothing where no difference is finite. */
export function symmetricScale(
  own: Float32Array,
  all: readonly Float32Array[],
  { scope, fixed, clip, scale }: Choice,
): ValueScale | null {
  const shared = scope === "all" ? all : [own];
  const largest = Math.max(...shared.map(reachOf));
  if (!(largest >= 0)) return null;
  const sizes = () => shared.map((values) => values.map(Math.abs));
  const usual = clip ? (quantileRange(sizes(), [0, USUAL])?.[1] ?? largest) : largest;
  const typed =
    scope === "fixed" && fixed ? Math.max(Math.abs(fixed[0]), Math.abs(fixed[1])) : null;
  const reach = typed ?? (usual > 0 ? usual : largest);
  // Where nothing differs there is still a scale: all of it is the middle.
  const end = reach > 0 ? reach : 1;
  return {
    kind: scale === "linear" ? "linear" : "symlog",
    domain: [-end, end],
    clipped: {
      below: shared.some((values) => summarize(values).low < -end),
      above: shared.some((values) => summarize(values).high > end),
    },
    ...(typed !== null && { fixed: true }),
  };
}

/** The largest finite distance from zero, minus infinity where there is none. */
function reachOf(values: Float32Array): number {
  const { low, high } = summarize(values);
  return low <= high ? Math.max(Math.abs(low), Math.abs(high)) : -Infinity;
}

/** What has to be said of a difference. */
export function differenceNotes(
  difference: Extract<Difference, { found: Found }>,
  value: ValueScale,
  colors: boolean,
): string[] {
  const { values } = difference.found.channel;
  const { low, high, nonfinite } = summarize(values);
  const [, end] = value.domain;
  const beyond = values.filter((one) => Number.isFinite(one) && Math.abs(one) > end).length;
  return [
    ...(low === 0 && high === 0 ? ["No difference at all."] : []),
    ...(difference.resampled === null ? [] : [difference.resampled]),
    ...(beyond > 0 && colors
      ? [`${beyond} of ${values.length} values lie beyond the colors.`]
      : []),
    ...(difference.found.channel.errors
      ? [`${colors ? "" : "Band and "}±, at most: ${BOUND_SENTENCE}`]
      : []),
    ...(nonfinite > 0 ? [`${nonfinite} values are not finite on one side or both.`] : []),
  ];
}
