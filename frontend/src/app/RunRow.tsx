import type { CSSProperties } from "react";
import { seriesNamed } from "../data/catalog";
import { formatStep, formatValue } from "../plot/format";
import { setVisible } from "../state/actions";
import type { PlacedRun, Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { ElidedName } from "../ui/ElidedName";
import { Sparkline } from "../ui/Sparkline";
import { useRunStyle } from "../ui/useRunStyle";
import { WritingBadge } from "./WritingBadge";

interface RunRowProps {
  readonly placed: PlacedRun;
  readonly selection: Selection;
  readonly visible: boolean;
  /** Seconds since 1970. */
  readonly now: number;
  /** With `range`, all rows since the last one that was toggled. */
  readonly toggle: (name: string, range: boolean) => void;
}

export function RunRow(props: RunRowProps) {
  const { selection, visible, now, toggle } = props;
  const { run, place } = props.placed;
  const { store } = useServices();
  const { color } = useRunStyle()(place);
  const series = seriesNamed(run, selection.seriesName);
  const centers = series?.centers.get(selection.channel ?? "");
  const last = centers?.at(-1);
  const isBase = useAppState((state) => state.baseRun) === run.name;
  const focused = selection.focus?.run.name === run.name;
  return (
    <li
      className={`run ${focused ? "run-focused" : ""} ${series ? "" : "run-without"}`}
      data-testid="run-row"
      data-run={run.name}
    >
      <label className="run-label" title={run.name}>
        <input
          type="checkbox"
          checked={visible}
          onChange={(event) => toggle(run.name, holdsShift(event.nativeEvent))}
          style={{ "--run-color": color } as CSSProperties}
        />
        <ElidedName name={run.name} />
      </label>
      <button
        type="button"
        className="link run-only"
        onClick={() => setVisible(store, selection, [run.name])}
        aria-label={`Show only ${run.name}`}
      >
        only
      </button>
      <button
        type="button"
        className="run-star"
        data-testid="run-star"
        aria-pressed={isBase}
        aria-label={`Compare others with ${run.name}`}
        title="Base run: others are compared with it (S)"
        onClick={() => store.setState({ baseRun: isBase ? null : run.name, baseStep: null })}
      >
        {isBase ? "★" : "☆"}
      </button>
      <WritingBadge run={run} now={now} />
      {series && centers && last !== undefined ? (
        <span className="run-facts">
          <Sparkline
            values={centers}
            color={color}
            label={`${selection.channel ?? "value"} over ${series.steps.length} steps`}
          />
          <span
            className="run-value"
            title={`${selection.channel ?? ""} at step ${formatStep(series.steps.at(-1) ?? 0)}`}
          >
            {formatValue(last, 3)}
          </span>
        </span>
      ) : (
        <span className="badge">{run.series.length === 0 ? "no slices" : "not this series"}</span>
      )}
    </li>
  );
}

// A click that changes a checkbox is its change event's own; a key press is never a range.
function holdsShift(event: Event): boolean {
  return event instanceof MouseEvent && event.shiftKey;
}
