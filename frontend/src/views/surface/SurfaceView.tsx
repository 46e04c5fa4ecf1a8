import { useCallback, useMemo } from "react";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { paintMeshes } from "../../plot3d/painter";
import { createProjection } from "../../plot3d/projection";
import { hit } from "../../plot3d/sight";
import { useAppState, useDark } from "../../ui/context";
import { OrbitPlot } from "../../ui/OrbitPlot";
import { useCursor } from "../../ui/useCursor";
import { useSize } from "../../ui/useSize";
import { aboveTolerance, describePlane, gridOf, neighbor, sampleAt } from "../plane/planeModel";
import { pathOf, trajectorySentences } from "../plane/trajectoryModel";
import { Readout } from "../shared/Readout";
import { allowedError } from "../shared/recordSentences";
import { useValueScale } from "../shared/useValueScale";
import type { PanelSlice, ViewProps } from "../view";
import {
  drawBeside,
  drawCursor,
  drawOver,
  drawUnder,
  lookOf,
  type SurfaceDrawing,
} from "./drawSurface";
import { SurfaceOverlay } from "./SurfaceOverlay";
import { bodyOf, createScene, holeSentence, layOutSurface } from "./surfaceModel";
import { useAtRest } from "./useAtRest";
import { useCameraControls } from "./useCameraControls";
import { useMeshPainter } from "./useMeshPainter";

export function SurfaceView({ panels, ...props }: ViewProps) {
  const [panel] = panels;
  if (panels.length > 1) return <SurfaceOverlay panels={panels} {...props} />;
  return panel ? <SurfacePanel panel={panel} {...props} /> : null;
}

interface SurfacePanelProps extends Omit<ViewProps, "panels"> {
  readonly panel: PanelSlice;
}

function SurfacePanel({ panel, value, colorMap }: SurfacePanelProps) {
  const controls = useCameraControls();
  const { slice, channel, focusPoint } = panel;
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const camera = useAppState((state) => state.camera);
  const wireframe = useAppState((state) => state.wireframe);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
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
      paintMeshes(surface, drawing.scene.meshes, drawing.projection, look);
      drawOver(surface, drawing, drawing.scene.mesh);
    },
    [drawing, look],
  );
  const { rendererState, drawn, paintSurfaces } = useMeshPainter({
    ...{ meshes: scene.meshes, coarse: scene.coarse, projection: drawing.projection },
    ...{ look, resting },
  });
  const mesh = drawn[0] ?? scene.mesh;
  const paint = useCallback(
    (surface: Surface2D, context: CanvasRenderingContext2D, density: number) => {
      drawUnder(surface, drawing, !resting);
      paintSurfaces(surface, context, density);
      drawOver(surface, drawing, mesh, !resting);
    },
    [drawing, mesh, resting, paintSurfaces],
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
            scene.axes.x.coordinate(found[0]),
            scene.axes.y.coordinate(found[1]),
          );
          setCursor({ x, y, line: null, byKeyboard: false });
        }}
        onLeave={() => setCursor(null)}
        onArrow={(dx, dy) => {
          const { x, y } = neighbor(grid, cursor?.x ?? 0, cursor?.y ?? 0, dx, dy);
          setCursor({ x, y, line: null, byKeyboard: true });
        }}
        {...controls}
      />
      {sample && <Readout value={sample.value} coordinates={[sample.x, sample.y]} />}
    </div>
  );
}
