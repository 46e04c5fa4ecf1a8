import { describe, expect, it } from "vitest";
import { axis, channel, slice } from "../../../tests/slices";
import { DEFAULT_CAMERA } from "../../data/camera";
import { linear } from "../../plot/chart";
import { UNCLIPPED } from "../../plot/marks/colorBar";
import { createScale } from "../../plot/scale";
import { SvgSurface } from "../../plot/svgSurface";
import { themeFor } from "../../plot/theme";
import { drawFloor } from "../../plot3d/axesBox";
import { paintMeshes } from "../../plot3d/painter";
import { createProjection } from "../../plot3d/projection";
import { extent } from "../../data/slice";
import { gridOf, layOutPlane } from "../plane/planeModel";
import { drawBeside, drawCursor, drawOver, drawUnder, lookOf } from "./drawSurface";
import { bodyOf, createScene, holeSentence, layOutSurface } from "./surfaceModel";

const theme = themeFor(false);
const SIZE = { width: 500, height: 400 };

const X = [-2, -1, 0, 1, 2];
const Y = [-1, 0, 1];
const BOWL = channel(X.flatMap((x) => Y.map((y) => (x === 2 && y === 1 ? NaN : x * x + y * y))));
const PLANE = slice([1, 5, 3], [axis(X, { name: "across" }), axis(Y, { name: "<up>" })], BOWL, {
  kind: "plane",
});
const PANEL = { slice: PLANE, channel: BOWL, focusPoint: 0 };
const SCALE = createScale("linear", [0, 4]);
const GRID = gridOf(PLANE, BOWL, 0);

function drawingOf(path: Parameters<typeof drawOver>[1]["path"] = null, camera = DEFAULT_CAMERA) {
  const scene = createScene(PLANE, GRID, SCALE, theme);
  const { box, bar } = layOutSurface(SIZE, SCALE);
  const projection = createProjection(camera, bodyOf(scene, camera), box);
  return { scene, projection, bar, colorMap: "viridis", clipped: UNCLIPPED, path } as const;
}

describe("a surface's scene", () => {
  it("has the sides of the plane, and the heights of its scale", () => {
    const { mesh, halfX, halfY, axes } = createScene(PLANE, GRID, SCALE, theme);
    expect([halfX, halfY]).toEqual([1, 0.5]);
    expect([...mesh.xs]).toEqual([-1, -0.5, 0, 0.5, 1]);
    expect([...mesh.shares.slice(0, 3)]).toEqual([1, 1, 1]);
    expect([...mesh.shares.slice(3, 6)]).toEqual([0.5, 0.25, 0.5]);
    expect(mesh.cells).toHaveLength(7);
    for (const coordinate of [-2, -0.3, 1.7]) {
      expect(axes.x.coordinate(axes.x.place(coordinate))).toBeCloseTo(coordinate);
    }
  });

  it("says how many cells it lacks", () => {
    expect(holeSentence(PANEL)[0]).toMatch(/^1 of 8 cells/);
    const whole = channel(X.flatMap(() => Y.map(() => 1)));
    expect(holeSentence({ ...PANEL, channel: whole })).toEqual([]);
  });

  it("is coarser while it moves, where it has many samples", () => {
    const many = Array.from({ length: 51 }, (_, i) => i - 25);
    const values = channel(many.flatMap((x) => many.map((y) => x * x + y * y)));
    const fine = slice([1, 51, 51], [axis(many), axis(many)], values, { kind: "plane" });
    const grid = gridOf(fine, values, 0);
    const scene = createScene(fine, grid, createScale("linear", [0, 1250]), theme);
    expect(scene.mesh.xs).toHaveLength(51);
    expect(scene.coarse[0]?.xs).toHaveLength(18);
  });

  it("from above is the plane view's picture but for its size", () => {
    const { projection, scene } = drawingOf(null, {
      ...DEFAULT_CAMERA,
      azimuth: 0,
      elevation: 90,
    });
    const { chart } = layOutPlane(extent(PLANE.axes[0]), extent(PLANE.axes[1]), SIZE, SCALE);
    const seen = (x: number, y: number) =>
      projection.project([scene.axes.x.place(x), scene.axes.y.place(y), 0.3]);
    const [x0, y0] = seen(-2, -1);
    const [x1] = seen(2, 1);
    const ratio = (x1 - x0) / (chart.toX(2) - chart.toX(-2));
    for (const [x, y] of [
      [0.4, 0.8],
      [-1.3, 0.1],
    ] as const) {
      const [px, py] = seen(x, y);
      expect(px - x0).toBeCloseTo(ratio * (chart.toX(x) - chart.toX(-2)), 6);
      expect(py - y0).toBeCloseTo(ratio * (chart.toY(y) - chart.toY(-1)), 6);
    }
  });
});

describe("a surface's picture", () => {
  function svg(drawing: ReturnType<typeof drawingOf>): string {
    const file = new SvgSurface(SIZE.width, SIZE.height, () => "");
    drawBeside(file, drawing);
    drawUnder(file, drawing);
    paintMeshes(file, drawing.scene.meshes, drawing.projection, lookOf(drawing, false));
    drawOver(file, drawing, drawing.scene.mesh);
    drawCursor(file, drawing, 0.5, 0);
    return file.toString();
  }

  it("has names and numbers on its axes, and nothing that is no number", () => {
    const text = svg(drawingOf());
    expect(text).toContain(">across</text>");
    expect(text).toContain(">&lt;up&gt;</text>");
    for (const { label } of linear([-2, 2]).ticks(4)) expect(text).toContain(`>${label}</text>`);
    expect(text).not.toContain("NaN");
    expect(text.match(/fill-opacity="1"/g)).toHaveLength(7);
  });

  it("has half of the points on the floor while it is turned, and the same ends", () => {
    const drawing = drawingOf();
    const lines = (quick: boolean) => {
      const file = new SvgSurface(SIZE.width, SIZE.height, () => "");
      drawFloor(file, drawing.projection, drawing.scene.floor, () => ({ color: "#123456" }), quick);
      const paths = [...file.toString().matchAll(/ d="([^"]+)"/g)].map(([, d = ""]) => d);
      return paths.flatMap((d) => d.split("M").slice(1)).map((d) => d.trim().split(/[L ]+/));
    };
    const whole = lines(false);
    const quick = lines(true);
    expect(whole.length).toBeGreaterThan(3);
    expect(quick.map((line) => line.at(0))).toEqual(whole.map((line) => line.at(0)));
    expect(quick.map((line) => line.at(-1))).toEqual(whole.map((line) => line.at(-1)));
    const points = (found: readonly string[][]) => found.flat().length;
    expect(points(quick)).toBeLessThan(0.75 * points(whole));
  });

  it("lays the path over the surface, interrupted by holes", () => {
    const path = {
      xs: Float32Array.of(-2, 0, 2, 5),
      ys: Float32Array.of(-1, 0, 1, 5),
      steps: [0, 1, 2, 3],
      off: new Float32Array(3),
      now: 1,
    };
    const text = svg(drawingOf(path));
    expect(text).not.toContain("NaN");
    expect(text).toContain('stroke-dasharray="3 4"');
    expect(text).toContain(`fill="${theme.playHead}"`);
  });
});
