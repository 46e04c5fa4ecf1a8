import { nice, ticks } from "d3-array";
import type { Interval } from "../data/stats";
import { formatLogTick, formatTick } from "./format";

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
  const fitting = decades * 3 <= count ? [1, 2, 5] : decades * 2 <= count ? [1, 3] : [1];
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const among = (factors: readonly number[]) => {
    const found: number[] = [];
    for (let power = first; power <= last; power += 1) {
      if (power % every !== 0) continue;
      for (const factor of factors) {
        const value = factor * 10 ** power;
        if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) found.push(value);
      }
    }
    return found;
  };
  // One number does not say how far it is to the next.
  const enough = [fitting, [1, 3], [1, 2, 5]].map(among).find((found) => found.length > 1);
  const values = enough ?? [];
  // Less than a decade may hold no such tick: then evenly spaced ones serve better.
  if (values.length < 2) {
    const even = ticks(low, high, Math.min(count, 4)).filter((value) => value > 0);
    const step = Math.abs((even[1] ?? 0) - (even[0] ?? 0));
    return even.map((value) => ({ value, label: formatTick(value, step) }));
  }
  return values.map((value) => ({ value, label: formatLogTick(value) }));
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

export interface ContourLevel extends Tick {
  /** Drawn stronger and labeled first, so that the eye has something to count from. */
  readonly major: boolean;
}

// Digits at which contours stand within a decade, from few to many.
const DIGITS = [
  [1],
  [1, 3],
  [1, 2, 5],
  [1, 1.5, 2, 3, 5, 7],
  [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8],
] as const;

/** Round values at which contours are drawn, about `count` of them, strictly inside the domain. */
export function contourLevels(scale: Scale, count: number): ContourLevel[] {
  const [low, high] = scale.domain;
  if (scale.kind === "log") {
    for (const digits of DIGITS) {
      const levels = logLevels(low, high, digits);
      if (levels.length > 2 * count) return logTicks(scale.domain, count).map(toMajor);
      if (levels.length >= 0.75 * count) return levels;
    }
  }
  const values = ticks(low, high, count);
  const step = Math.abs((values[1] ?? 0) - (values[0] ?? 0));
  return values
    .filter((value) => value > low && value < high)
    .map((value) => ({
      value,
      label: formatTick(value, step),
      major: Math.round(value / step) % 2 === 0,
    }));
}

function logLevels(low: number, high: number, digits: readonly number[]): ContourLevel[] {
  const levels: ContourLevel[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const digit of digits) {
      // Read from text, so that 3e-3 is 0.003 and not its neighbor.
      const value = Number(`${digit}e${power}`);
      if (value > low && value < high) {
        levels.push({ value, label: formatLogTick(value), major: digit === 1 });
      }
    }
  }
  return levels;
}

function toMajor(tick: Tick): ContourLevel {
  return { ...tick, major: true };
}
