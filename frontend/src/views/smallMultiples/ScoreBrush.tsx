import type { Interval } from "../../data/stats";

interface ScoreBrushProps {
  readonly counts: readonly number[];
  /** Shares of the largest score between which cells are shown. */
  readonly within: Interval;
  readonly onChange: (within: Interval) => void;
}

const WIDTH = 132;
const HEIGHT = 24;
const SMALLEST = 0.02;

/** How the scores are distributed, with a handle at each end of what is shown. */
export function ScoreBrush({ counts, within: [from, to], onChange }: ScoreBrushProps) {
  const most = Math.max(1, ...counts);
  const width = WIDTH / counts.length;
  return (
    <div className="brush" data-testid="brush" title="Show only scores between the two handles">
      <svg width={WIDTH} height={HEIGHT} aria-hidden="true">
        {counts.map((count, i) => {
          const height = count === 0 ? 0 : 2 + (HEIGHT - 2) * Math.sqrt(count / most);
          const middle = (i + 0.5) / counts.length;
          return (
            <rect
              key={i}
              className={middle >= from && middle <= to ? "brush-in" : "brush-out"}
              x={i * width}
              y={HEIGHT - height}
              width={width - 1}
              height={height}
            />
          );
        })}
      </svg>
      {[from, to].map((share, i) => (
        <input
          key={i}
          type="range"
          min={0}
          max={1}
          step={SMALLEST}
          value={share}
          aria-label={i === 0 ? "Least score shown" : "Largest score shown"}
          aria-valuetext={`${Math.round(100 * share)} % of the largest`}
          onChange={(event) => {
            const next = Number(event.target.value);
            onChange(i === 0 ? [Math.min(next, to), to] : [from, Math.max(next, from)]);
          }}
        />
      ))}
    </div>
  );
}
