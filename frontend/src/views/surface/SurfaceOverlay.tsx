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
import { RunReadouts } from "../shared/RunReadouts";
import { allowedError } from "../shared/recordSentences";
import { useValueScale } from "../shared/useValueScale";
import type { ViewProps } from "../view";
import {
  drawCursorOnSheets,
  drawOverSheets,
  drawUnderSheets,
  lookOfSheets,
  type SheetsDrawing,
} from "./drawSheets";
import { createSheets } from "./sheetModel";
import { bodyOf, layOutSurface } from "./surfaceModel";
import { useAtRest } from "./useAtRest";
import { useCameraControls } from "./useCameraControls";
import { useMeshPainter } from "./useMeshPainter";

/** Surfaces of several runs as sheets in their colors, which one sees through. */
export function SurfaceOverlay({ panels, value }: Pick<ViewProps, "panels" | "value">) {
  const controls = useCameraControls();
  const theme = themeFor(useDark());
  const scale = useValueScale(value);
  const camera = useAppState((state) => state.camera);
  const wireframe = useAppState((state) => state.wireframe);
  const [element, size] = useSize();
  const [cursor, setCursor] = useCursor();
  const grids = useMemo(
    () =>
      panels.map(({ slice, channel, focusPoint }) => {
        const grid = gridOf(slice, channel, focusPoint);
        return scale.kind === "log" ? aboveTolerance(grid, allowedError({ slice, channel })) : grid;
      }),
    [panels, scale],
  );
  const sheets = useMemo(
    () => createSheets(panels, grids, scale, theme, wireframe),
    [panels, grids, scale, theme, wireframe],
  );
  const { box } = useMemo(() => layOutSurface(size, scale, false), [size, scale]);
  const drawing: SheetsDrawing = useMemo(() => {
    const projection = createProjection(camera, bodyOf(sheets, camera), box);
    return { sheets, projection, panels };
  }, [box, camera, sheets, panels]);
  const resting = useAtRest(drawing);
  const look = useMemo(() => lookOfSheets(drawing, wireframe), [drawing, wireframe]);
  const draw = useCallback(
    (surface: Surface2D) => {
      drawUnderSheets(surface, drawing);
      paintMeshes(surface, sheets.meshes, drawing.projection, look);
      drawOverSheets(surface, drawing, sheets.meshes);
    },
    [drawing, sheets, look],
  );
  const { rendererState, drawn, paintSurfaces } = useMeshPainter({
    ...{ meshes: sheets.meshes, coarse: sheets.coarse, projection: drawing.projection },
    ...{ look, resting },
  });
  const paint = useCallback(
    (surface: Surface2D, context: CanvasRenderingContext2D, density: number) => {
      drawUnderSheets(surface, drawing, !resting);
      paintSurfaces(surface, context, density);
      drawOverSheets(surface, drawing, drawn, !resting);
    },
    [drawing, drawn, resting, paintSurfaces],
  );
  const paintCursor = useMemo(
    () =>
      cursor &&
      ((surface: Surface2D) => {
        const { x, y } = sheets.axes;
        drawCursorOnSheets(surface, drawing, x.place(cursor.x), y.place(cursor.y));
      }),
    [cursor, drawing, sheets],
  );
  const [grid] = grids;
  if (!grid) return null;
  const label = panels
    .map((panel, n) => describePlane(panel, grids[n] ?? grid).replace(/^Plane/, "Surface"))
    .join(" ");
  return (
    <div className="view" ref={element} data-renderer={rendererState}>
      <OrbitPlot
        size={size}
        paint={paint}
        under={null}
        paintCursor={paintCursor}
        draw={draw}
        label={label}
        onMove={(px, py) => {
          const { projection } = drawing;
          const { top } = projection.body;
          const ray = projection.ray(px, py);
          const found = sheets.meshes.map((mesh) => hit(mesh, top, ray)).find(Boolean);
          if (!found) {
            setCursor(null);
            return;
          }
          const { x, y } = sampleAt(
            grid,
            sheets.axes.x.coordinate(found[0]),
            sheets.axes.y.coordinate(found[1]),
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
      {cursor && <RunReadouts panels={panels} grids={grids} cursor={cursor} />}
    </div>
  );
}
