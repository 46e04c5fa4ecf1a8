import type { Series } from "../data/catalog";
import { atFocusPoint, channelOf, type Slice } from "../data/slice";
import { enclose, summarize, type Interval } from "../data/stats";
import type { RangeScope, ScaleKind } from "./store";

interface Ranged {
  readonly slice: Slice;
  readonly series: Series;
}

/** The interval that a panel's scale spans; nothing where no value is finite. */
export function valueDomain(
  scope: RangeScope,
  shown: readonly Ranged[],
  channel: string,
  focusPoint: number,
  all: Interval | null,
): Interval | null {
  if (scope === "all" || scope === "fixed") return all;
  if (scope === "run") return enclose(shown.map(({ series }) => series.ranges.get(channel)));
  return enclose(
    shown.map(({ slice }) => {
      const measured = channelOf(slice, channel);
      const { low, high } = summarize(measured ? atFocusPoint(slice, measured, focusPoint) : []);
      return low <= high ? ([low, high] as const) : null;
    }),
  );
}

// Below this share of the largest value a logarithmic scale would show little but its own bottom.
const DEEPEST = 1e-6;

/** A domain that the scale can show: a logarithmic one has to begin above zero. */
export function fittedDomain(kind: ScaleKind, [low, high]: Interval): Interval | null {
  if (kind !== "log") return [low, high];
  if (!(high > 0)) return null;
  return [low > 0 ? low : high * DEEPEST, high];
}

interface Clipping {
  readonly domain: Interval;
  readonly clipped: { readonly below: boolean; readonly above: boolean };
}

/** A range that was typed, and at which ends it leaves values out. */
export function fixedDomain(typed: Interval, whole: Interval): Clipping {
  return { domain: typed, clipped: { below: whole[0] < typed[0], above: whole[1] > typed[1] } };
}

/** A domain without outliers, and at which ends it leaves values out. */
export function withoutOutliers(whole: Interval, usual: Interval | null): Clipping {
  const low = Math.max(whole[0], usual?.[0] ?? -Infinity);
  const high = Math.min(whole[1], usual?.[1] ?? Infinity);
  // Where most values are the same, what is left would be no scale.
  if (!(low < high)) return { domain: whole, clipped: { below: false, above: false } };
  return { domain: [low, high], clipped: { below: whole[0] < low, above: whole[1] > high } };
}
