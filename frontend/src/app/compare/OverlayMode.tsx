import { OverlayFrame } from "../OverlayFrame";
import type { ModeProps } from "./mode";

/** All runs in one chart. */
export function OverlayMode({ view, panels, selection, step, revision, extent, shown }: ModeProps) {
  if (!view) return null;
  return (
    <div className="panels" style={{ gridTemplateColumns: "minmax(0, 1fr)" }}>
      <OverlayFrame
        panels={panels}
        view={view}
        selection={selection}
        step={step}
        revision={revision}
        extent={extent}
        shown={shown}
      />
    </div>
  );
}
