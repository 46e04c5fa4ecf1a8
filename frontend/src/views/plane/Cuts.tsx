import type { Box } from "../../plot/geometry";
import type { Scale } from "../../plot/scale";
import { IconButton } from "../../ui/IconButton";
import type { PanelSlice } from "../view";
import type { Cut } from "./cutModel";
import { CutPlot } from "./CutPlot";
import type { PlaneSample } from "./planeModel";

interface CutsProps {
  readonly panel: PanelSlice;
  readonly cuts: readonly [Cut, Cut];
  readonly at: PlaneSample;
  readonly boxes: readonly [Box, Box];
  readonly scale: Scale;
  readonly unpin: () => boolean;
}

/** Both cross-sections through the pinned point, and how to be rid of them. */
export function Cuts({ panel, cuts, at, boxes, scale, unpin }: CutsProps) {
  return (
    <div data-testid="cuts" data-coordinates={`${at.x},${at.y}`}>
      {cuts.map((cut, i) => {
        const box = boxes[i === 0 ? 0 : 1];
        return (
          <div key={cut.axis} className="plane-part" style={{ left: box.x, top: box.y }}>
            <CutPlot
              panel={panel}
              cut={cut}
              at={cut.axis === 0 ? at.x : at.y}
              scale={scale}
              size={box}
              onEscape={unpin}
            />
          </div>
        );
      })}
      <div className="plane-unpin" style={{ top: boxes[0].y, right: 4 }}>
        <IconButton icon="close" label="Unpin" shortcut="Esc" onClick={unpin} />
      </div>
    </div>
  );
}
