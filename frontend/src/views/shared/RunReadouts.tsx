import type { Grid } from "../../plot/contours";
import type { Cursor } from "../../state/store";
import { sampleAt } from "../plane/planeModel";
import type { PanelSlice } from "../view";
import { Readout } from "./Readout";

interface RunReadoutsProps {
  readonly panels: readonly Pick<PanelSlice, "run" | "style">[];
  /** Of each panel. */
  readonly grids: readonly Grid[];
  readonly cursor: Pick<Cursor, "x" | "y">;
}

/** What each run of a chart has at the sample nearest to the cursor. */
export function RunReadouts({ panels, grids, cursor }: RunReadoutsProps) {
  return (
    <div className="readouts">
      {panels.map(({ run, style }, n) => {
        const grid = grids[n];
        if (!grid) return null;
        const { x, y, value } = sampleAt(grid, cursor.x, cursor.y);
        return (
          <Readout key={run} value={value} coordinates={[x, y]} name={run} color={style.color} />
        );
      })}
    </div>
  );
}
