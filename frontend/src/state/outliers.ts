import { frameKey, layoutAt, strideFor, type Layout, type Series } from "../data/catalog";
import { fieldKey, type FieldStore } from "../data/fieldStore";
import type { Wish } from "../data/frameLoader";
import { atFocusPoint, channelOf, type Slice } from "../data/slice";
import { quantileRange, summarize, type Interval } from "../data/stats";

/** Shares of the values below and above which lie outliers. */
export const USUAL = [0.02, 0.98] as const;

const MOST_STEPS = 16;

/**
 * Steps that stand for all: every one, or every 2nd, 4th, ... Never more than `most`, and the same
 * ones while a run goes on, so that a scale does not move with each new slice.
 */
export function samplePositions(count: number, most = MOST_STEPS): number[] {
  let every = 1;
  while (Math.ceil(count / every) > most) every *= 2;
  return Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
}

/** The slices whose values say what is usual in a series. */
export function sampleOf(
  series: Series,
  channel: string,
  samples: number | null,
  supports: (layout: Layout) => boolean,
): Wish[] {
  return samplePositions(series.steps.length).flatMap((position) => {
    const layout = layoutAt(series, position);
    const key = frameKey(series, position);
    if (!layout || key === undefined) return [];
    if (!supports(layout) || !layout.channels.includes(channel)) return [];
    return [{ key, stride: strideFor(layout, samples) }];
  });
}

/** The values of a slice at a focus point, or at its last one. */
function valuesOf(slice: Slice, channel: string, focusPoint: number): ArrayLike<number> {
  const measured = channelOf(slice, channel);
  return measured ? atFocusPoint(slice, measured, Math.min(focusPoint, slice.shape[0] - 1)) : [];
}

export function usualRange(
  slices: readonly Slice[],
  channel: string,
  focusPoint: number,
): Interval | null {
  return quantileRange(
    slices.map((slice) => valuesOf(slice, channel, focusPoint)),
    USUAL,
  );
}

/**
 * The range, open below where the model's own value is lower still: a valley is what one looks for,
 * and never an outlier.
 */
export function keepingValleys(
  range: Interval | null,
  centers: Iterable<ArrayLike<number> | undefined>,
): Interval | null {
  if (!range) return null;
  let lowest = Infinity;
  for (const values of centers) lowest = Math.min(lowest, summarize(values ?? []).low);
  return lowest < range[0] ? [-Infinity, range[1]] : range;
}

/**
 * Ranges without outliers, each computed once, when all slices of its sample have arrived. Until
 * then the last one for the same choices holds, so that a scale changes once and not with each slice.
 */
export class OutlierRanges {
  private readonly known = new Map<string, Interval | null>();

  constructor(private readonly fields: FieldStore) {}

  /** `choices` names what the range is of; `sample` holds the slices that make it up. */
  range(
    choices: string,
    sample: readonly Wish[],
    channel: string,
    focusPoint: number,
  ): Interval | null {
    const keys = sample.map(({ key, stride }) => fieldKey(key, stride));
    const name = [choices, channel, focusPoint].join("\n");
    const exact = `${name}\n${keys.join(" ")}`;
    const known = this.known.get(exact);
    if (known !== undefined) return known;
    if (!keys.every((key) => this.fields.has(key))) return this.known.get(name) ?? null;
    const slices = keys.flatMap((key) => {
      const entry = this.fields.get(key);
      return entry && "slice" in entry ? [entry.slice] : [];
    });
    const range = usualRange(slices, channel, focusPoint);
    if (this.known.size >= 64) this.known.clear();
    // What failed may come when it is asked for again.
    if (slices.length === keys.length) this.known.set(exact, range);
    this.known.set(name, range);
    return range;
  }
}
