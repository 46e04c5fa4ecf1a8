import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { PRESETS } from "../../data/camera";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import type { MeshJob } from "../../plot3d/glRenderer";
import { paintMesh } from "../../plot3d/painter";
import { createProjection } from "../../plot3d/projection";
import { hit } from "../../plot3d/sight";
import { useAppState, useDark, useServices } from "../../ui/context";
import { OrbitPlot } from "../../ui/OrbitPlot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { aboveTolerance, describePlane, gridOf, neighbor, sampleAt } from "../plane/planeModel";
import { pathOf, trajectorySentences } from "../plane/trajectoryModel";
import { Readout } from "../shared/Readout";
import { allowedError } from "../shared/recordSentences";
import { useValueScale } from "../shared/useValueScale";
import type { PanelSlice, ViewProps } from "../view";
import { flyTo, orbit, zoom } from "./cameraActions";
import {
  drawBeside,
  drawCursor,
  drawOver,
  drawUnder,
  lookOf,
  type SurfaceDrawing,
} from "./drawSurface";
import { Fineness } from "./fineness";
import { renderers } from "./rendererSource";
import { bodyOf, coordinateAt, createScene, holeSentence, layOutSurface } from "./surfaceModel";
import { useAtRest } from "./useAtRest";

// A whole number of the tenths that the camera is rounded to, or slow motions would be lost.
const DEGREES_PER_PIXEL = 0.5;
// Drawn larger and shrunk, which smooths edges; left out while the picture moves.
const SMOOTHING = 2;
// One for all panels: they share what draws them.
const fineness = new Fineness();

export function SurfaceView({ panels, ...props }: ViewProps) {
  const [panel] = panels;
  return panel ? <SurfacePanel panel={panel} {...props} /> : null;
}

interface SurfacePanelProps extends Omit<ViewProps, "panels"> {
  readonly panel: PanelSlice;
}

function SurfacePanel({ panel, value, colorMap }: SurfacePanelProps) {
  const { store } = useServices();
  const { slice, channel, focusPoint } = panel;
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const camera = useAppState((state) => state.camera);
  const wireframe = useAppState((state) => state.wireframe);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const rendererState = useSyncExternalStore(renderers.subscribe, renderers.getState);
  const grid = useMemo(() => gridOf(slice, channel, focusPoint), [slice, channel, focusPoint]);
  const scene = useMemo(() => {
    const allowed = allowedError({ slice, channel });
    const drawn = scale.kind === "log" ? aboveTolerance(grid, allowed) : grid;
    return createScene(slice, drawn, scale, theme, allowed);
  }, [slice, channel, grid, scale, theme]);
  const { clipped } = value;
  const layout = useMemo(() => layOutSurface(size, scale), [size, scale]);
  const drawing: SurfaceDrawing = useMemo(() => {
    const { box, bar } = layout;
    const projection = createProjection(camera, bodyOf(scene, camera), box);
    return { scene, projection, bar, colorMap, clipped, path: pathOf({ slice, focusPoint }) };
  }, [layout, camera, scene, colorMap, clipped, slice, focusPoint]);
  const resting = useAtRest(drawing);
  const look = useMemo(() => lookOf(drawing, wireframe), [drawing, wireframe]);
  const draw = useCallback(
    (surface: Surface2D) => {
      drawBeside(surface, drawing);
      drawUnder(surface, drawing);
      paintMesh(surface, drawing.scene.mesh, drawing.projection, look);
      drawOver(surface, drawing, drawing.scene.mesh);
    },
    [drawing, look],
  );
  const mesh = resting || !fineness.coarse ? scene.mesh : scene.coarse;
  const [own] = useState(() => ({}));
  const jobAt = useCallback(
    (density: number): MeshJob => {
      const enlarged = density * (resting ? SMOOTHING : fineness.share);
      return { mesh, projection: drawing.projection, look, density: enlarged };
    },
    [drawing, mesh, look, resting],
  );
  const batch = rendererState === "ready" ? renderers.current() : null;
  // Before any panel is painted, so that all of them are drawn at once.
  useLayoutEffect(() => batch?.prepare(own, jobAt(window.devicePixelRatio)), [batch, own, jobAt]);
  useEffect(() => () => batch?.forget(own), [batch, own]);
  const paint = useCallback(
    (surface: Surface2D, context: CanvasRenderingContext2D, density: number) => {
      drawUnder(surface, drawing, !resting);
      const started = performance.now();
      const image = batch?.take(own, jobAt(density));
      if (image) {
        const { canvas, ...from } = image;
        const { x, y, width, height } = drawing.projection.box;
        context.drawImage(canvas, 0, from.y, from.width, from.height, x, y, width, height);
      } else paintMesh(surface, mesh, drawing.projection, look);
      if (!resting) fineness.note(performance.now() - started);
      drawOver(surface, drawing, mesh, !resting);
    },
    [drawing, mesh, look, resting, batch, own, jobAt],
  );
  const beside = useCallback(
    (surface: Surface2D) => drawBeside(surface, { scene, bar: layout.bar, colorMap, clipped }),
    [scene, layout, colorMap, clipped],
  );
  const sample = cursor && sampleAt(grid, cursor.x, cursor.y);
  const paintCursor = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const { x, y } = sampleAt(grid, cursor.x, cursor.y);
        drawCursor(surface, drawing, scene.axes.x.place(x), scene.axes.y.place(y));
      }),
    [cursor, grid, drawing, scene],
  );
  const label = useMemo(
    () =>
      [
        describePlane(panel, grid).replace(/^Plane/, "Surface"),
        ...holeSentence({ slice, channel, focusPoint }),
        ...trajectorySentences({ slice, channel, focusPoint }),
      ].join(" "),
    [panel, slice, channel, grid, focusPoint],
  );
  return (
    <div className="view" ref={element} data-renderer={rendererState}>
      <OrbitPlot
        size={size}
        paint={paint}
        under={beside}
        paintCursor={paintCursor}
        draw={draw}
        label={label}
        onMove={(px, py) => {
          const { projection } = drawing;
          const found = hit(scene.mesh, projection.body.top, projection.ray(px, py));
          if (!found) {
            setCursor(null);
            return;
          }
          const { x, y } = sampleAt(
            grid,
            coordinateAt(slice.axes[0], scene.halfX, found[0]),
            coordinateAt(slice.axes[1], scene.halfY, found[1]),
          );
          setCursor({ x, y, line: null, byKeyboard: false });
        }}
        onLeave={() => setCursor(null)}
        onArrow={(dx, dy) => {
          const { x, y } = neighbor(grid, cursor?.x ?? 0, cursor?.y ?? 0, dx, dy);
          setCursor({ x, y, line: null, byKeyboard: true });
        }}
        onOrbit={(dx, dy) => orbit(store, -DEGREES_PER_PIXEL * dx, DEGREES_PER_PIXEL * dy)}
        onZoom={(factor) => zoom(store, factor)}
        onKey={(key) => {
          const preset = PRESETS.find((candidate) => candidate.key === key);
          if (preset) flyTo(store, { azimuth: preset.azimuth, elevation: preset.elevation });
          else if (key === "+" || key === "=") zoom(store, 1 / 1.1);
          else if (key === "-") zoom(store, 1.1);
          else return false;
          return true;
        }}
      />
      {sample && <Readout value={sample.value} coordinates={[sample.x, sample.y]} />}
    </div>
  );
}
