import type { CSSProperties } from "react";
import type { Size } from "../../plot/chart";
import type { Panel } from "../../state/panels";
import { useAppState } from "../../ui/context";
import type { View } from "../../views/view";
import { columnsFor, rowHeightFor } from "../panelGrid";
import { PanelFrame } from "../PanelFrame";
import type { ModeProps } from "./mode";

/** A panel a run. */
export function GridMode({ panels: all, view, size, ...props }: ModeProps) {
  const alone = useAppState((state) => state.alone);
  const focus = props.selection.focus?.run.name;
  const panels = alone ? all.filter(({ placed }) => placed.run.name === focus) : all;
  const columns = columnsFor(panels.length, size.width, size.height);
  const { selection, step, revision, extent, usual, shown } = props;
  return (
    <div className="panels" style={gridStyle(panels, columns, size, view)}>
      {panels.map((panel) => (
        <PanelFrame
          key={panel.placed.run.name}
          panel={panel}
          view={view}
          selection={selection}
          step={step}
          revision={revision}
          extent={extent}
          alone={panels.length === 1}
          usual={usual}
          shown={shown}
        />
      ))}
    </div>
  );
}

/** Columns, and rows no higher than what stands in them can use. */
export function gridStyle(
  panels: readonly Panel[],
  columns: number,
  size: Size,
  view: View | null,
): CSSProperties {
  const gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  const { heightFor } = view ?? {};
  if (!heightFor || size.height === 0 || panels.length === 0) return { gridTemplateColumns };
  const most = (width: number) =>
    Math.max(
      ...panels.map(({ content }) =>
        heightFor(content.state === "ready" ? content.slice : null, width),
      ),
    );
  const gridAutoRows = rowHeightFor(panels.length, columns, size, most);
  return { gridTemplateColumns, gridAutoRows, alignContent: "start" };
}
