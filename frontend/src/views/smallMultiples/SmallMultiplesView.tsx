import { useMemo, useState } from "react";
import type { Interval } from "../../data/stats";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { curveOf, sampleAt } from "../line/lineModel";
import { Readout } from "../shared/Readout";
import { useChoice } from "../shared/useChoice";
import type { ScaleKind } from "../../plot/scale";
import type { PanelSlice, ViewProps } from "../view";
import { CellPlot } from "./CellPlot";
import { ScoreBrush } from "./ScoreBrush";
import { ShapeStrip } from "./ShapeStrip";
import {
  domainOf,
  filterCells,
  groupCells,
  histogram,
  largestScore,
  orderCells,
  sharedDomain,
} from "./smallMultiplesModel";
import { useShapes } from "./useShapes";

const PAGE = 24;
const LEAST_WIDTH = 180;
const GAP = 12;
const HEIGHT = 116;
const BINS = 24;
const ALL: Interval = [0, 1];

export function SmallMultiplesView({ panels, value }: ViewProps) {
  const [panel] = panels;
  return panel ? <Cells panel={panel} kind={value.kind} /> : null;
}

function Cells({ panel, kind }: { panel: PanelSlice; kind: ScaleKind }) {
  const [ranking] = useChoice("ranking");
  const [grouping] = useChoice("grouping");
  const [find] = useChoice("find");
  const [everyFocusPoint, chooseEvery] = useChoice("everyFocusPoint");
  const [within, brush] = useState(ALL);
  const [shape, chooseShape] = useState<string | null>(null);
  const [shared, setShared] = useState(true);
  const [shown, setShown] = useState(PAGE);
  const [cursor] = useCursor();
  const [element, { width }] = useSize();
  // Whole columns of the same width, none of them empty.
  const columns = Math.max(1, Math.floor((width + GAP) / (LEAST_WIDTH + GAP)));
  const cellWidth = Math.max(1, Math.floor((width - GAP * (columns - 1)) / columns));
  const size = useMemo(() => ({ width: cellWidth, height: HEIGHT }), [cellWidth]);
  const { slice, channel, focusPoint } = panel;
  const several = slice.shape[0] > 1;
  const every = everyFocusPoint && several;
  const all = useMemo(
    () => orderCells(slice, channel, focusPoint, ranking, every),
    [slice, channel, focusPoint, ranking, every],
  );
  const cells = useMemo(() => filterCells(all, find, within), [all, find, within]);
  const shapes = useShapes(panel, grouping === "shape");
  const groups = useMemo(() => groupCells(cells, grouping, shapes), [cells, grouping, shapes]);
  const counts = useMemo(() => histogram(all, BINS), [all]);
  const common = useMemo(() => sharedDomain(all, kind), [all, kind]);
  const chosen = groups.some(({ key }) => key === shape) && grouping === "shape" ? shape : null;
  const visible = chosen === null ? groups : groups.filter(({ key }) => key === chosen);
  const count = visible.reduce((sum, group) => sum + group.cells.length, 0);
  const pages = visible.map((group, i) => {
    const before = visible.slice(0, i).reduce((sum, other) => sum + other.cells.length, 0);
    return { ...group, page: group.cells.slice(0, Math.max(0, shown - before)) };
  });
  const most = largestScore(all);
  const pointed = cursor?.line ?? null;
  const sample =
    cursor && pointed !== null && pointed < slice.axes.length
      ? sampleAt(curveOf(slice, channel, focusPoint, pointed), cursor.x)
      : null;
  return (
    <div className="view view-cells">
      <div className="cells-bar">
        <span className="muted" data-testid="cell-count">
          {count === all.length ? `${count} lines` : `${count} of ${all.length} lines`}
        </span>
        {ranking !== "logged" && <ScoreBrush counts={counts} within={within} onChange={brush} />}
        <label>
          <input
            type="checkbox"
            checked={shared}
            onChange={(event) => setShared(event.target.checked)}
          />
          <span>Same scale in all</span>
        </label>
        {several && (
          <label>
            <input
              type="checkbox"
              checked={everyFocusPoint}
              onChange={(event) => chooseEvery(event.target.checked)}
            />
            <span>All focus points</span>
          </label>
        )}
        {sample && pointed !== null && (
          <Readout {...sample} coordinates={[sample.x]} name={slice.axes[pointed]?.name ?? ""} />
        )}
      </div>
      {grouping === "shape" && (
        <ShapeStrip panel={panel} groups={groups} chosen={chosen} onChoose={chooseShape} />
      )}
      <div ref={element}>
        {pages.map(({ key, title, cells: own, page }) => (
          <section key={key} aria-label={title || undefined}>
            {title !== "" && page.length > 0 && (
              <h2 className="cells-title">
                {title} <span className="muted">{own.length}</span>
              </h2>
            )}
            <div
              className="cells"
              style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
            >
              {page.map((cell) => {
                const domain = shared ? common : domainOf(cell, kind);
                return (
                  domain && (
                    <CellPlot
                      key={cell.line}
                      panel={panel}
                      cell={cell}
                      share={ranking === "logged" ? null : cell.score / most}
                      every={every}
                      domain={domain}
                      kind={kind}
                      size={size}
                    />
                  )
                );
              })}
            </div>
          </section>
        ))}
      </div>
      {count === 0 && <p className="muted">No line has such a name and such a score.</p>}
      {count > shown && (
        <button type="button" className="button more" onClick={() => setShown(shown + PAGE)}>
          Show {Math.min(PAGE, count - shown)} more of {count}
        </button>
      )}
    </div>
  );
}
