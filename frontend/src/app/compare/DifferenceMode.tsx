import { useMemo } from "react";
import { baseOf } from "../../state/base";
import { useAppState } from "../../ui/context";
import { columnsFor } from "../panelGrid";
import { BaseBar } from "./BaseBar";
import { DifferencePanel } from "./DifferencePanel";
import { pairDifference, reached, type Pair } from "./differenceModel";
import { gridStyle } from "./GridMode";
import type { ModeProps } from "./mode";

const BAR = 44;

/** Every run minus the base run, or minus itself at the base step. */
export function DifferenceMode(props: ModeProps) {
  const { panels, scenes, view, selection, step, revision, size } = props;
  const baseRun = useAppState((state) => state.baseRun);
  const focusPoint = useAppState((state) => state.focusPoint);
  const base = baseOf(selection, baseRun);
  const [scene] = scenes;
  const pairs = useMemo((): Pair[] => {
    const nameOf = (panel: Pair["a"]) => panel.placed.run.name;
    if (scene) {
      return panels.flatMap((b) => {
        const a = scene.panels.find((panel) => nameOf(panel) === nameOf(b));
        return a ? [{ a, b }] : [];
      });
    }
    const a = panels.find((panel) => nameOf(panel) === base?.run.name);
    return a ? panels.filter((panel) => panel !== a).map((b) => ({ a, b })) : [];
  }, [panels, scene, base]);
  const all = useMemo(
    () =>
      pairs.flatMap((pair) => {
        const { found } = pairDifference(pair, selection.channel, focusPoint);
        return found ? [reached(found, view?.colors ?? false)] : [];
      }),
    [pairs, selection.channel, focusPoint, view],
  );
  const scale = selection.scale === "linear" ? "" : "Symlog around zero. ";
  const note = view?.colors ? `${scale}Orange: higher than the base; purple: lower.` : scale;
  const columns = columnsFor(pairs.length, size.width, size.height - BAR);
  const room = { ...size, height: size.height - BAR };
  return (
    <div className="mode">
      <BaseBar selection={selection} step={step} steps note={note} />
      <div
        className="panels"
        style={gridStyle(
          pairs.map(({ b }) => b),
          columns,
          room,
          view,
        )}
      >
        {view &&
          pairs.map((pair) => (
            <DifferencePanel
              key={pair.b.placed.run.name}
              pair={pair}
              all={all}
              view={view}
              selection={selection}
              step={step}
              revision={revision}
            />
          ))}
      </div>
      {pairs.length === 0 && panels.length > 0 && (
        <p className="stage-none">
          Only the base run is shown. Check another one in the list on the left, or compare with a
          base step.
        </p>
      )}
    </div>
  );
}
