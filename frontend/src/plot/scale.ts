import { nice, ticks } from "d3-array";
import type { Interval } from "../data/stats";
import { formatLogTick, formatTick } from "./format";

export type ScaleKind = "linear" | "log" | "symlog";

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
  /** Up to where a symmetric logarithmic scale is linear. */
  readonly threshold?: number;
}

export function createScale(kind: ScaleKind, domain: Interval, threshold?: number): Scale {
  if (kind === "log") return logScale(domain);
  return kind === "symlog" ? symlogScale(domain, threshold) : linearScale(domain);
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

const SYMLOG_DECADES = 3;

/** Up to where a symmetric logarithmic scale is linear: a power of ten, three decades below its end. */
export function linearThreshold([low, high]: Interval): number {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  return largest > 0 ? 10 ** (Math.ceil(Math.log10(largest) - 1e-9) - SYMLOG_DECADES) : 1;
}

/** Linear within the threshold, a decade beyond it as wide as from zero to the threshold. */
export function toSymlog(value: number, threshold: number): number {
  const share = value / threshold;
  const size = Math.abs(share);
  return size <= 1 ? share : Math.sign(share) * (1 + Math.log10(size));
}

export function fromSymlog(place: number, threshold: number): number {
  const size = Math.abs(place);
  return threshold * (size <= 1 ? place : Math.sign(place) * 10 ** (size - 1));
}

function symlogScale(domain: Interval, threshold = linearThreshold(domain)): Scale {
  const [low, high] = widened(domain);
  const from = toSymlog(low, threshold);
  const span = toSymlog(high, threshold) - from;
  return {
    kind: "symlog",
    domain: [low, high],
    toShare: (value) => (toSymlog(value, threshold) - from) / span,
    fromShare: (share) => fromSymlog(from + share * span, threshold),
    ticks: (count) => symlogTicks([low, high], threshold, count),
    threshold,
  };
}

/** Zero and powers of ten on both sides, thinned where there is no room; else evenly spaced ones. */
function symlogTicks(domain: Interval, threshold: number, count: number): Tick[] {
  const values = symlogValues(domain, threshold, [1]);
  if (values.length < 3) {
    const [low, high] = domain;
    const even = ticks(low, high, Math.min(count, 5));
    const step = Math.abs((even[1] ?? 0) - (even[0] ?? 0));
    return even.map((value) => ({ value, label: formatTick(value, step) }));
  }
  const every = Math.max(1, Math.ceil(values.length / Math.max(2, count)));
  const powers = values.map((value) => Math.round(Math.log10(Math.abs(value))));
  const last = Math.max(...powers);
  return values
    .filter((value, i) => value === 0 || (last - (powers[i] ?? last)) % every === 0)
    .map((value) => ({ value, label: formatSignedLog(value) }));
}

/** Zero, and digits times powers of ten from the threshold outward on both sides, increasing. */
function symlogValues([low, high]: Interval, threshold: number, digits: readonly number[]) {
  const first = Math.round(Math.log10(threshold));
  const last = Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high), threshold)));
  const positive: number[] = [];
  for (let power = first; power <= last; power += 1) {
    // Read from text, so that 3e-3 is 0.003 and not its neighbor.
    for (const digit of digits) positive.push(Number(`${digit}e${power}`));
  }
  const negative = positive.map((value) => -value).reverse();
  return [...negative, 0, ...positive].filter((value) => value >= low && value <= high);
}

function formatSignedLog(value: number): string {
  if (value === 0) return "0";
  return value < 0 ? `\u2212${formatLogTick(-value)}` : formatLogTick(value);
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

/** The same scale with air at both ends, linear up to the same threshold. */
export function withAir({ kind, domain, threshold }: Scale): Scale {
  return createScale(kind, airy(kind, domain), threshold);
}

/** An interval for an axis: some air at both ends, then round numbers. */
export function airy(kind: ScaleKind, [low, high]: Interval): Interval {
  if (kind === "log") {
    const decades = Math.log10(high / low || 1);
    // More below than above: a valley's number stands under its lowest point.
    return [low / 10 ** (0.1 * decades + 0.02), high * 10 ** (0.04 * decades + 0.02)];
  }
  if (kind === "symlog") {
    const threshold = linearThreshold([low, high]);
    const [from, to] = [toSymlog(low, threshold), toSymlog(high, threshold)];
    const air = (to - from || 1) * 0.04;
    const start = low >= 0 ? Math.max(0, from - air) : from - air;
    return [fromSymlog(start, threshold), fromSymlog(to + air, threshold)];
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

const levelsOf = new WeakMap<Scale, Map<number, readonly ContourLevel[]>>();

/** Round values at which contours are drawn, about `count` of them, strictly inside the domain. */
export function contourLevels(scale: Scale, count: number): readonly ContourLevel[] {
  const known = levelsOf.get(scale) ?? new Map<number, readonly ContourLevel[]>();
  const levels = known.get(count) ?? findContourLevels(scale, count);
  levelsOf.set(scale, known.set(count, levels));
  return levels;
}

function findContourLevels(scale: Scale, count: number): ContourLevel[] {
  const [low, high] = scale.domain;
  if (scale.kind === "log") {
    for (const digits of DIGITS) {
      const levels = logLevels(low, high, digits);
      if (levels.length > 2 * count) return logTicks(scale.domain, count).map(toMajor);
      if (levels.length >= 0.75 * count) return levels;
    }
  }
  if (scale.kind === "symlog") {
    const { threshold = linearThreshold(scale.domain) } = scale;
    return symlogValues(scale.domain, threshold, [1, 3])
      .filter((value) => value > low && value < high)
      .map((value) => ({
        value,
        label: formatSignedLog(value),
        major: value === 0 || Number.isInteger(Math.log10(Math.abs(value))),
      }));
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
