import { nice, ticks } from "d3-array";
import type { Interval } from "../data/stats";
import { formatTick } from "./format";

export type ScaleKind = "linear" | "log";

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** From values to shares between 0 and 1 and back. */
export interface Scale {
  readonly kind: ScaleKind;
  readonly domain: Interval;
  /** NaN where the scale has no place for the value. */
  readonly toShare: (value: number) => number;
  readonly fromShare: (share: number) => number;
  readonly ticks: (count: number) => readonly Tick[];
}

export function createScale(kind: ScaleKind, domain: Interval): Scale {
  return kind === "log" ? logScale(domain) : linearScale(domain);
}

function linearScale(domain: Interval): Scale {
  const [low, high] = widened(domain);
  return {
    kind: "linear",
    domain: [low, high],
    toShare: (value) => (value - low) / (high - low),
    fromShare: (share) => low + share * (high - low),
    ticks: (count) => {
      const values = ticks(low, high, count);
      const step = Math.abs((values[1] ?? 0) - (values[0] ?? 0));
      return values.map((value) => ({ value, label: formatTick(value, step) }));
    },
  };
}

function logScale([first, last]: Interval): Scale {
  if (!(first > 0)) throw new RangeError("A logarithmic scale begins above zero.");
  const low = Math.log10(first);
  const high = first < last ? Math.log10(last) : low + 1;
  return {
    kind: "log",
    domain: [first, 10 ** high],
    toShare: (value) => (value > 0 ? (Math.log10(value) - low) / (high - low) : NaN),
    fromShare: (share) => 10 ** (low + share * (high - low)),
    ticks: (count) => logTicks([first, 10 ** high], count),
  };
}

/** Powers of ten, with 2 and 5 between them where there is room, thinned where there is none. */
export function logTicks([low, high]: Interval, count: number): Tick[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const decades = Math.log10(high / low);
  const factors = decades * 3 <= count ? [1, 2, 5] : decades * 2 <= count ? [1, 3] : [1];
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const values: number[] = [];
  for (let power = first; power <= last; power += 1) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) values.push(value);
    }
  }
  // Less than a decade may hold no such tick: then evenly spaced ones serve better.
  if (values.length < 2) {
    const even = ticks(low, high, Math.min(count, 4)).filter((value) => value > 0);
    const step = Math.abs((even[1] ?? 0) - (even[0] ?? 0));
    return even.map((value) => ({ value, label: formatTick(value, step) }));
  }
  return values.map((value) => ({ value, label: formatTick(value, value) }));
}

// A constant function still needs room above and below it.
function widened([low, high]: Interval): Interval {
  if (low < high) return [low, high];
  const room = Math.abs(low) * 0.1 || 1;
  return [low - room, high + room];
}

/** An interval for an axis: some air at both ends, then round numbers. */
export function airy(kind: ScaleKind, [low, high]: Interval): Interval {
  if (kind === "log") {
    const decades = Math.log10(high / low || 1);
    // More below than above: a valley's number stands under its lowest point.
    return [low / 10 ** (0.1 * decades + 0.02), high * 10 ** (0.04 * decades + 0.02)];
  }
  const [from, to] = widened([low, high]);
  const air = (to - from) * 0.04;
  // Nothing that stays above zero should seem to fall below it.
  const [start, stop] = nice(low >= 0 ? Math.max(0, from - air) : from - air, to + air, 6);
  return [start, stop];
}

/** Values at which contours are drawn, about `count` of them, strictly inside the domain. */
export function contourLevels(scale: Scale, count: number): number[] {
  const [low, high] = scale.domain;
  const inside = (value: number) => value > low && value < high;
  if (scale.kind === "linear") return ticks(low, high, count).filter(inside);
  return logTicks(scale.domain, count)
    .map((tick) => tick.value)
    .filter(inside);
}
