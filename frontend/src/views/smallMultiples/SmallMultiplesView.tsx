import { useMemo, useState } from "react";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { curveOf, sampleAt } from "../line/lineModel";
import { Readout } from "../shared/Readout";
import type { ScaleKind } from "../../plot/scale";
import type { PanelSlice, ViewProps } from "../view";
import { domainOf, orderCells, sharedDomain, type Order } from "./smallMultiplesModel";
import { CellPlot } from "./CellPlot";

const PAGE = 24;
const LEAST_WIDTH = 180;
const GAP = 12;
const HEIGHT = 116;

export function SmallMultiplesView({ panels, value }: ViewProps) {
  const [panel] = panels;
  return panel ? <Cells panel={panel} kind={value.kind} /> : null;
}

function Cells({ panel, kind }: { panel: PanelSlice; kind: ScaleKind }) {
  const [order, setOrder] = useState<Order>("range");
  const [shared, setShared] = useState(true);
  const [shown, setShown] = useState(PAGE);
  const [cursor] = useCursor();
  const [element, { width }] = useSize();
  // Whole columns of the same width, none of them empty.
  const columns = Math.max(1, Math.floor((width + GAP) / (LEAST_WIDTH + GAP)));
  const cellWidth = Math.max(1, Math.floor((width - GAP * (columns - 1)) / columns));
  const size = useMemo(() => ({ width: cellWidth, height: HEIGHT }), [cellWidth]);
  const { slice, channel, focusPoint } = panel;
  const cells = useMemo(
    () => orderCells(slice, channel, focusPoint, order),
    [slice, channel, focusPoint, order],
  );
  const common = useMemo(() => sharedDomain(cells, kind), [cells, kind]);
  const pointed = cursor?.line ?? null;
  const sample =
    cursor && pointed !== null && pointed < slice.axes.length
      ? sampleAt(curveOf(slice, channel, focusPoint, pointed), cursor.x)
      : null;
  return (
    <div className="view view-cells">
      <div className="cells-bar">
        <label>
          <span>Sort</span>
          <select value={order} onChange={(event) => setOrder(event.target.value as Order)}>
            <option value="range">largest range first</option>
            <option value="logged">as logged</option>
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            checked={shared}
            onChange={(event) => setShared(event.target.checked)}
          />
          <span>Same scale in all</span>
        </label>
        {sample && pointed !== null && (
          <Readout {...sample} coordinates={[sample.x]} name={slice.axes[pointed]?.name ?? ""} />
        )}
      </div>
      <div
        className="cells"
        ref={element}
        style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
      >
        {cells.slice(0, shown).map((cell) => {
          const domain = shared ? common : domainOf(cell, kind);
          return (
            domain && (
              <CellPlot
                key={cell.line}
                panel={panel}
                cell={cell}
                domain={domain}
                kind={kind}
                size={size}
              />
            )
          );
        })}
      </div>
      {cells.length > shown && (
        <button type="button" className="button more" onClick={() => setShown(shown + PAGE)}>
          Show {Math.min(PAGE, cells.length - shown)} more of {cells.length}
        </button>
      )}
    </div>
  );
}
