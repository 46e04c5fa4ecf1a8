import { useEffect, useMemo, useSyncExternalStore } from "react";
import { createPanels, wishesFor } from "../state/panels";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { useSize } from "../ui/useSize";
import type { View } from "../views/view";
import { columnsFor } from "./panelGrid";
import { PanelFrame } from "./PanelFrame";
import { OverlayFrame } from "./OverlayFrame";
import { sharedExtent } from "./panelSlices";
import { useStep } from "./useSelection";

interface StageProps {
  readonly selection: Selection;
  readonly view: View | null;
}

const PREFETCHED = 1500;
const ALL_STEPS = 20_000;

/** The panels of the visible runs, and the wishes for what they show. */
export function Stage({ selection, view }: StageProps) {
  const { fields, loader } = useServices();
  const step = useStep(selection);
  const revision = useSyncExternalStore(fields.subscribe, fields.version);
  const compare = useAppState((state) => state.compare);
  const [element, size] = useSize();
  const panels = useMemo(
    () =>
      revision >= 0
        ? createPanels(selection, step, (layout) => view?.supports(layout) ?? false, fields)
        : [],
    [revision, selection, step, view, fields],
  );
  useEffect(() => {
    const most = view?.needsAllSteps ? ALL_STEPS : PREFETCHED;
    const { wishes, urgent } = wishesFor(panels, most);
    loader.want(wishes, urgent);
  }, [panels, view, loader]);

  const extent = useMemo(() => sharedExtent(panels), [panels]);
  const overlaid = compare === "overlay" && view?.overlays && panels.length > 1;
  const columns = overlaid ? 1 : columnsFor(panels.length, size.width, size.height);
  return (
    <main className="stage" ref={element}>
      <div className="panels" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
        {overlaid ? (
          <OverlayFrame
            panels={panels}
            view={view}
            selection={selection}
            step={step}
            revision={revision}
            extent={extent}
          />
        ) : (
          panels.map((panel) => (
            <PanelFrame
              key={panel.placed.run.name}
              panel={panel}
              view={view}
              selection={selection}
              step={step}
              revision={revision}
              extent={extent}
              alone={panels.length === 1}
            />
          ))
        )}
      </div>
      {panels.length === 0 && (
        <p className="stage-none">No run is selected. Check one in the list on the left.</p>
      )}
    </main>
  );
}
