import { lineOf } from "../../data/slice";
import type { PanelSlice } from "../view";
import type { Group } from "./smallMultiplesModel";

interface ShapeStripProps {
  readonly panel: PanelSlice;
  readonly groups: readonly Group[];
  /** The only one that is shown, if one was chosen. */
  readonly chosen: string | null;
  readonly onChoose: (key: string | null) => void;
}

const WIDTH = 56;
const HEIGHT = 24;

/** Each shape as the curve that stands for it, with a count; a click shows its cells only. */
export function ShapeStrip({ panel, groups, chosen, onChoose }: ShapeStripProps) {
  return (
    <div className="shapes" role="group" aria-label="Shapes">
      {groups.map(({ key, title, cells, medoid }) => (
        <button
          key={key}
          type="button"
          className="shape"
          data-testid="shape"
          aria-pressed={chosen === key}
          title={`${title}, like ${panel.slice.axes[medoid ?? 0]?.name ?? ""}: ${cells.length} curves`}
          onClick={() => onChoose(chosen === key ? null : key)}
        >
          <svg width={WIDTH} height={HEIGHT} aria-hidden="true">
            <path
              d={medoid === null ? "" : outline(panel, medoid)}
              stroke={panel.style.color}
              fill="none"
              strokeWidth={1.5}
            />
          </svg>
          <span>{cells.length}</span>
        </button>
      ))}
    </div>
  );
}

/** A curve in a box of its own, without what is not finite. */
function outline({ slice, channel, focusPoint }: PanelSlice, line: number): string {
  const values = lineOf(slice, channel, line, focusPoint);
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const last = Math.max(1, values.length - 1);
  const points = [...values].flatMap((value, i) => {
    if (!Number.isFinite(value)) return [];
    const share = high > low ? (value - low) / (high - low) : 0.5;
    return [`${((WIDTH * i) / last).toFixed(1)} ${(HEIGHT - 2 - share * (HEIGHT - 4)).toFixed(1)}`];
  });
  return points.length > 0 ? `M${points.join("L")}` : "";
}
