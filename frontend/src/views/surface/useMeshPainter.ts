import { useCallback, useEffect, useLayoutEffect, useState, useSyncExternalStore } from "react";
import type { Surface2D } from "../../plot/surface";
import type { MeshJob } from "../../plot3d/glRenderer";
import type { Look } from "../../plot3d/look";
import type { Mesh } from "../../plot3d/mesh";
import { paintMeshes } from "../../plot3d/painter";
import type { Projection } from "../../plot3d/projection";
import { Fineness } from "./fineness";
import { renderers } from "./rendererSource";

// Drawn larger and shrunk, which smooths edges; left out while the picture moves.
const SMOOTHING = 2;
// One for all panels: they share what draws them.
const fineness = new Fineness();

interface MeshPicture {
  readonly meshes: readonly Mesh[];
  readonly coarse: readonly Mesh[];
  readonly projection: Projection;
  readonly look: Look;
  /** Whether it stays as it is, so that it may take its time. */
  readonly resting: boolean;
}

/** Paints surfaces on screen: on the graphics card with those of all panels, or cell by cell. */
export function useMeshPainter({ meshes, coarse, projection, look, resting }: MeshPicture) {
  const rendererState = useSyncExternalStore(renderers.subscribe, renderers.getState);
  const drawn = resting || !fineness.coarse ? meshes : coarse;
  const [own] = useState(() => ({}));
  const jobAt = useCallback(
    (density: number): MeshJob => {
      const enlarged = density * (resting ? SMOOTHING : fineness.share);
      return { meshes: drawn, projection, look, density: enlarged };
    },
    [projection, drawn, look, resting],
  );
  const batch = rendererState === "ready" ? renderers.current() : null;
  // Before any panel is painted, so that all of them are drawn at once.
  useLayoutEffect(() => batch?.prepare(own, jobAt(window.devicePixelRatio)), [batch, own, jobAt]);
  useEffect(() => () => batch?.forget(own), [batch, own]);
  const paintSurfaces = useCallback(
    (surface: Surface2D, context: CanvasRenderingContext2D, density: number) => {
      const started = performance.now();
      const image = batch?.take(own, jobAt(density));
      if (image) {
        const { canvas, ...from } = image;
        const { x, y, width, height } = projection.box;
        context.drawImage(canvas, 0, from.y, from.width, from.height, x, y, width, height);
      } else paintMeshes(surface, drawn, projection, look);
      if (!resting) fineness.note(performance.now() - started);
    },
    [projection, drawn, look, resting, batch, own, jobAt],
  );
  return { rendererState, drawn, paintSurfaces };
}
