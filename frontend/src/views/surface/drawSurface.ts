import { cssColor, type ColorMapName } from "../../plot/colorMaps";
import { IN_PLACE, segment, type Box } from "../../plot/geometry";
import { drawColorBar, type Clipped } from "../../plot/marks/colorBar";
import type { Surface2D } from "../../plot/surface";
import { drawBehind, drawFloor, drawLabels } from "../../plot3d/axesBox";
import type { Look } from "../../plot3d/look";
import type { Mesh } from "../../plot3d/mesh";
import { layOver, onSurface, strokeLaid } from "../../plot3d/path3d";
import type { Projection } from "../../plot3d/projection";
import { isVisible } from "../../plot3d/sight";
import type { Path } from "../plane/trajectoryModel";
import type { Scene } from "./surfaceModel";

const INK = "#ffffff";
const SHADE = "rgba(0, 0, 0, 0.7)";

export interface SurfaceDrawing {
  readonly scene: Scene;
  readonly projection: Projection;
  readonly colorMap: ColorMapName;
  readonly path: Path | null;
  readonly bar: Box;
  readonly clipped: Clipped;
}

export function lookOf({ scene, colorMap }: SurfaceDrawing, wireframe: boolean): Look {
  return {
    colorMap,
    tints: null,
    levels: scene.levels,
    wire: wireframe ? scene.axes.theme.background : null,
  };
}

/** What stands beside the scene, the same from wherever that is seen. */
export function drawBeside(
  surface: Surface2D,
  { scene, bar, colorMap, clipped }: Pick<SurfaceDrawing, "scene" | "bar" | "colorMap" | "clipped">,
): void {
  const { theme, z } = scene.axes;
  drawColorBar(surface, bar, z, { colorMap, theme }, clipped);
}

/** What stands behind; with less care where it is `quick`ly replaced. */
export function drawUnder(surface: Surface2D, drawing: SurfaceDrawing, quick = false): void {
  const { scene, projection, colorMap } = drawing;
  drawBehind(surface, projection, scene.axes);
  const strokeOf = (share: number) => ({ color: cssColor(colorMap, share) });
  drawFloor(surface, projection, scene.floor, strokeOf, quick);
}

/** What stands in front, laid over the mesh that was drawn. */
export function drawOver(
  surface: Surface2D,
  drawing: SurfaceDrawing,
  mesh: Mesh,
  quick = false,
): void {
  const { scene, projection, path } = drawing;
  if (path) drawPathOver(surface, drawing, mesh, path);
  else drawFocusPoint(surface, drawing, mesh);
  drawLabels(surface, projection, scene.axes, quick);
}

/** The path as in the plane view, laid over the surface; faint where a hill hides it. */
function drawPathOver(
  surface: Surface2D,
  { scene: { axes }, projection }: SurfaceDrawing,
  mesh: Mesh,
  path: Path,
): void {
  const points = path.steps.map(
    (_, i) => [axes.x.place(path.xs[i] ?? NaN), axes.y.place(path.ys[i] ?? NaN)] as const,
  );
  const past = layOver(mesh, projection, points.slice(0, path.now + 1));
  const later = layOver(mesh, projection, points.slice(Math.max(path.now, 0)));
  strokeLaid(surface, later, { color: "#000000", width: 3, opacity: 0.35 });
  strokeLaid(surface, later, { color: INK, width: 1.5, dash: [3, 4], opacity: 0.7 });
  strokeLaid(surface, past, { color: "#000000", width: 3.8, opacity: 0.65 });
  strokeLaid(surface, past, { color: INK, width: 2 });
  const here = points[path.now];
  if (!here) return;
  const point = onSurface(mesh, projection, here[0], here[1]);
  if (!Number.isFinite(point[2])) return;
  const [px, py] = projection.project(point);
  const faint = !isVisible(mesh, projection, point);
  surface.circle(px, py, 6.5, faint ? "rgba(0, 0, 0, 0.25)" : SHADE);
  const border = { color: faint ? axes.theme.playHead : INK, width: 1.75 };
  surface.circle(px, py, 5, faint ? "rgba(255, 255, 255, 0.35)" : axes.theme.playHead, border);
}

/** Where the slice was taken. */
function drawFocusPoint(
  surface: Surface2D,
  { scene: { axes }, projection }: SurfaceDrawing,
  mesh: Mesh,
): void {
  const point = onSurface(mesh, projection, axes.x.place(0), axes.y.place(0));
  if (!Number.isFinite(point[2]) || !isVisible(mesh, projection, point)) return;
  const [px, py] = projection.project(point);
  surface.circle(px, py, 4, SHADE);
  surface.circle(px, py, 2.6, INK);
}

/** The cursor: both lines through a sample along the surface, and where that stands on the floor. */
export function drawCursor(
  surface: Surface2D,
  { scene, projection }: SurfaceDrawing,
  x: number,
  y: number,
): void {
  const { mesh, halfX, halfY } = scene;
  for (const [from, to] of [
    [
      [-halfX, y],
      [halfX, y],
    ],
    [
      [x, -halfY],
      [x, halfY],
    ],
  ] as const) {
    const laid = layOver(mesh, projection, [from, to]);
    strokeLaid(surface, laid, { color: "#000000", width: 2.6, opacity: 0.45 });
    strokeLaid(surface, laid, { color: INK, width: 1.1, opacity: 0.95 });
  }
  const point = onSurface(mesh, projection, x, y);
  const [fx, fy] = projection.project([x, y, projection.body.floor]);
  if (!Number.isFinite(point[2])) {
    surface.circle(fx, fy, 3, INK, { color: "#000000", width: 1.5 });
    return;
  }
  const [px, py] = projection.project(point);
  const drop = { color: scene.axes.theme.muted, width: 1, dash: [2, 3] };
  surface.stroke(segment(px, py, fx, fy), IN_PLACE, drop);
  surface.circle(px, py, 4, INK, { color: "#000000", width: 1.75 });
}
