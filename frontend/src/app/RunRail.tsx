import { memo, useMemo, useState, type RefObject } from "react";
import { compileFilter } from "../state/runFilter";
import { orderRuns, RUN_ORDERS, type RunOrder } from "../state/runOrder";
import { setVisible, toggleRange } from "../state/actions";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { VirtualRows } from "../ui/VirtualRows";
import { Details } from "./Details";
import { RunRow } from "./RunRow";
import { useNow } from "./useNow";

const CLOCK_MS = 10_000;
// As in chrome.css.
const ROW = 30;

const ORDER_NAMES: Record<RunOrder, string> = {
  tensorboard: "As in TensorBoard",
  name: "By name",
  first: "By first value",
  last: "By last value",
};

interface RunRailProps {
  readonly selection: Selection;
  readonly filterRef: RefObject<HTMLInputElement | null>;
}

export const RunRail = memo(function RunRail({ selection, filterRef }: RunRailProps) {
  const { store } = useServices();
  const pattern = useAppState((state) => state.runFilter);
  const filter = useMemo(() => compileFilter(pattern), [pattern]);
  const order = useAppState((state) => state.runOrder);
  const ordered = useMemo(() => orderRuns(selection.runs, order, selection), [selection, order]);
  const listed = ordered.filter(({ run }) => filter.matches(run.name));
  const visible = new Set(selection.visible.map(({ run }) => run.name));
  const show = (names: readonly string[]) => setVisible(store, selection, names);
  const now = useNow(CLOCK_MS) / 1000;
  // The run that was clicked last: with Shift, all up to the next one follow it.
  const [anchor, setAnchor] = useState<string | null>(null);
  const toggle = (name: string, range: boolean) => {
    const names = listed.map(({ run }) => run.name);
    toggleRange(store, selection, names, range ? anchor : null, name);
    setAnchor(name);
  };
  const withData = listed.filter(({ run }) => run.series.length > 0).map(({ run }) => run.name);
  return (
    <aside className="rail" aria-label="Runs">
      <div className="rail-head">
        <input
          ref={filterRef}
          type="search"
          className="filter"
          placeholder="Filter runs (regex)"
          aria-label="Filter runs by regular expression"
          aria-invalid={filter.error !== null}
          aria-describedby="filter-error"
          data-testid="run-filter"
          value={pattern}
          spellCheck={false}
          onChange={(event) => store.setState({ runFilter: event.target.value })}
        />
        <p id="filter-error" className="filter-error" role="status">
          {filter.error}
        </p>
        <div className="rail-actions">
          <span className="muted">
            {visible.size} of {selection.runs.length} runs
          </span>
          <select
            className="rail-order"
            aria-label="Order of the runs"
            title="Order of the runs"
            data-testid="run-order"
            value={order}
            onChange={({ target }) => {
              const runOrder = RUN_ORDERS.find((one) => one === target.value);
              if (runOrder) store.setState({ runOrder });
            }}
          >
            {RUN_ORDERS.map((one) => (
              <option key={one} value={one}>
                {ORDER_NAMES[one]}
              </option>
            ))}
          </select>
          <button type="button" className="link" onClick={() => show([...visible, ...withData])}>
            All
          </button>
          <button
            type="button"
            className="link"
            onClick={() => {
              const hidden = new Set(listed.map(({ run }) => run.name));
              show([...visible].filter((name) => !hidden.has(name)));
            }}
          >
            None
          </button>
        </div>
      </div>
      <VirtualRows
        className="runs"
        count={listed.length}
        rowHeight={ROW}
        current={listed.findIndex(({ run }) => run.name === selection.focus?.run.name)}
        row={(i) => {
          const placed = listed[i];
          return placed ? (
            <RunRow
              key={placed.run.name}
              placed={placed}
              selection={selection}
              visible={visible.has(placed.run.name)}
              now={now}
              toggle={toggle}
            />
          ) : null;
        }}
        empty={<li className="runs-none">No run matches this filter.</li>}
      />
      <Details selection={selection} />
    </aside>
  );
});
