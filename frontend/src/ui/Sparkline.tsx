import { useMemo } from "react";

interface SparklineProps {
  readonly values: Float32Array;
  readonly color: string;
  readonly label: string;
}

const WIDTH = 32;
const HEIGHT = 16;

/** The course of a value, logarithmic where it never reaches zero. */
export function Sparkline({ values, color, label }: SparklineProps) {
  const points = useMemo(() => sparklinePoints(values), [values]);
  return (
    <svg className="sparkline" width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <polyline points={points} fill="none" stroke={color} strokeWidth="1.25" />
    </svg>
  );
}

export function sparklinePoints(values: Float32Array): string {
  const finite = [...values].filter(Number.isFinite);
  const logarithmic = finite.every((value) => value > 0);
  const scaled = (value: number) => (logarithmic ? Math.log(value) : value);
  const low = finite.reduce((least, value) => Math.min(least, scaled(value)), Infinity);
  const high = finite.reduce((most, value) => Math.max(most, scaled(value)), -Infinity);
  const every = Math.max(1, Math.floor(values.length / WIDTH));
  const points: string[] = [];
  for (let i = 0; i < values.length; i += every) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) continue;
    const x = 1 + (i / Math.max(1, values.length - 1)) * (WIDTH - 2);
    const share = high > low ? (scaled(value) - low) / (high - low) : 0.5;
    points.push(`${x.toFixed(1)},${(HEIGHT - 2 - share * (HEIGHT - 4)).toFixed(1)}`);
  }
  return points.join(" ");
}
