import { elideMiddle } from "../../plot/format";
import { IN_PLACE, segment } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import { drawBehind, drawFloor, drawLabels } from "../../plot3d/axesBox";
import type { Look } from "../../plot3d/look";
import type { Mesh } from "../../plot3d/mesh";
import { layOver, onSurface, strokeLaid } from "../../plot3d/path3d";
import type { Point, Projection } from "../../plot3d/projection";
import type { PanelSlice } from "../view";
import type { Bounds, Sheets } from "./sheetModel";

const LINE = 14;
const MOST_LETTERS = 28;

export interface SheetsDrawing {
  readonly sheets: Sheets;
  readonly projection: Projection;
  readonly panels: readonly Pick<PanelSlice, "run" | "style">[];
}

export function lookOfSheets({ sheets, panels }: SheetsDrawing, wireframe: boolean): Look {
  return {
    colorMap: "gray",
    tints: panels.map(({ style }) => style.color),
    levels: sheets.levels,
    wire: wireframe ? sheets.axes.theme.background : null,
  };
}

/** What stands behind: walls, and on the floor the contours of each surface in its own stroke. */
export function drawUnderSheets(surface: Surface2D, drawing: SheetsDrawing, quick = false): void {
  const { sheets, projection, panels } = drawing;
  drawBehind(surface, projection, sheets.axes);
  for (const [n, { style }] of panels.entries()) {
    const { color, dash } = style;
    drawFloor(surface, projection, sheets.floors[n] ?? [], () => ({ color, dash }), quick);
  }
}

/** What stands in front: the border of each surface in the stroke of its run, names and numbers. */
export function drawOverSheets(
  surface: Surface2D,
  { sheets, projection, panels }: SheetsDrawing,
  meshes: readonly Mesh[],
  quick = false,
): void {
  const { axes } = sheets;
  const { theme } = axes;
  for (const [n, { style }] of panels.entries()) {
    const [mesh, bounds] = [meshes[n], sheets.bounds[n]];
    if (!mesh || !bounds) continue;
    const border = layOver(mesh, projection, borderOf(bounds));
    if (!quick) strokeLaid(surface, border, { color: theme.background, width: 4, opacity: 0.6 });
    strokeLaid(surface, border, { color: style.color, width: 2, dash: style.dash });
    const point = onSurface(mesh, projection, axes.x.place(0), axes.y.place(0));
    if (!Number.isFinite(point[2])) continue;
    const [px, py] = projection.project(point);
    surface.circle(px, py, 4, theme.background);
    surface.circle(px, py, 2.8, style.color);
  }
  drawLabels(surface, projection, axes, quick);
  const taken: number[] = [];
  for (const [n, { run, style }] of panels.entries()) {
    const [mesh, bounds] = [meshes[n], sheets.bounds[n]];
    const corner = mesh && bounds && rightmost(mesh, bounds, projection);
    if (!corner) continue;
    let [px, py] = corner;
    // Names of surfaces that end at the same height stand below each other.
    while (taken.some((other) => Math.abs(other - py) < LINE)) py += LINE;
    taken.push(py);
    px += 8;
    const mark = { color: style.color, width: 2, dash: style.dash };
    surface.stroke(segment(px, py, px + 18, py), IN_PLACE, mark);
    surface.text(px + 22, py, elideMiddle(run, MOST_LETTERS), {
      color: theme.text,
      ...(!quick && { halo: theme.background }),
      align: "left",
    });
  }
}

/** Where the cursor stands on each surface, above the same place of the floor. */
export function drawCursorOnSheets(
  surface: Surface2D,
  { sheets, projection, panels }: SheetsDrawing,
  x: number,
  y: number,
): void {
  const { theme } = sheets.axes;
  const [fx, fy] = projection.project([x, y, projection.body.floor]);
  let highest = fy;
  for (const [n, { style }] of panels.entries()) {
    const mesh = sheets.meshes[n];
    const point = mesh && onSurface(mesh, projection, x, y);
    if (!point || !Number.isFinite(point[2])) continue;
    const [px, py] = projection.project(point);
    highest = Math.min(highest, py);
    surface.circle(px, py, 4.5, style.color, { color: theme.text, width: 1.5 });
  }
  const drop = { color: theme.muted, width: 1, dash: [2, 3] };
  surface.stroke(segment(fx, highest, fx, fy), IN_PLACE, drop);
  surface.circle(fx, fy, 2.5, theme.text);
}

/** Once around a surface. */
function borderOf({ x: [left, right], y: [front, back] }: Bounds) {
  return [
    [left, front],
    [right, front],
    [right, back],
    [left, back],
    [left, front],
  ] as const;
}

/** Where the corner of a surface that is farthest to the right stands on screen; holes are none. */
function rightmost(mesh: Mesh, bounds: Bounds, projection: Projection): Point | null {
  const corners = borderOf(bounds)
    .slice(1)
    .map(([x, y]) => onSurface(mesh, projection, x, y))
    .filter(([, , height]) => Number.isFinite(height))
    .map(projection.project);
  return corners.reduce<Point | null>(
    // Seen from the front, two are as far: the name stays with the first of them.
    (best, one) => (best && one[0] <= best[0] + 1e-6 ? best : one),
    null,
  );
}
