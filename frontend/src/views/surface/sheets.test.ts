import { describe, expect, it } from "vitest";
import { axis, channel, slice } from "../../../tests/slices";
import { DEFAULT_CAMERA } from "../../data/camera";
import { createScale } from "../../plot/scale";
import { SvgSurface } from "../../plot/svgSurface";
import { themeFor } from "../../plot/theme";
import { heightAt } from "../../plot3d/mesh";
import { paintMeshes } from "../../plot3d/painter";
import { createProjection } from "../../plot3d/projection";
import { gridOf } from "../plane/planeModel";
import type { PanelSlice } from "../view";
import { drawCursorOnSheets, drawOverSheets, drawUnderSheets, lookOfSheets } from "./drawSheets";
import { createSheets } from "./sheetModel";
import { bodyOf, layOutSurface } from "./surfaceModel";

const SIZE = { width: 600, height: 420 };
const SCALE = createScale("linear", [0, 4]);
const theme = themeFor(false);

function panel(
  run: string,
  color: string,
  dash: readonly number[],
  places: readonly number[],
  height: (x: number, y: number) => number,
): PanelSlice {
  const values = channel(places.flatMap((x) => places.map((y) => height(x, y))));
  const size = places.length;
  return {
    ...{ run, channel: values, focusPoint: 0, sliceAt: () => null },
    style: { color, dash },
    slice: slice([1, size, size], [axis([...places]), axis([...places])], values, {
      kind: "plane",
    }),
  } as unknown as PanelSlice;
}

const WIDE = [-1, -0.5, 0, 0.5, 1];
const SMALL = [-0.6, 0, 0.6];
const BOWL = panel("bowl", "#112233", [], WIDE, (x, y) => x * x + y * y);
const SHEET = panel("a & b", "#445566", [4, 3], SMALL, (x, y) => 1 + x + y / 2);

function sheetsOf(panels: readonly PanelSlice[], wireframe = false) {
  const grids = panels.map((one) => gridOf(one.slice, one.channel, one.focusPoint));
  return createSheets(panels, grids, SCALE, theme, wireframe);
}

function drawingOf(panels: readonly PanelSlice[], camera = DEFAULT_CAMERA) {
  const sheets = sheetsOf(panels);
  const { box } = layOutSurface(SIZE, SCALE, false);
  return { sheets, panels, projection: createProjection(camera, bodyOf(sheets, camera), box) };
}

describe("sheets of unlike grids", () => {
  const { meshes, axes } = sheetsOf([BOWL, SHEET]);

  it("stand in one scene over the samples of both", () => {
    const [bowl, sheet] = sheetsOf([BOWL, SHEET], true).meshes;
    const coordinates = Array.from(bowl?.xs ?? [], axes.x.coordinate);
    for (const [i, expected] of [-1, -0.6, -0.5, 0, 0.5, 0.6, 1].entries()) {
      expect(coordinates[i]).toBeCloseTo(expected);
    }
    expect(sheet?.xs).toEqual(bowl?.xs);
  });

  it("are as high as their own samples, linear between them, and end where these do", () => {
    const at = (n: 0 | 1, x: number, y: number) => {
      const mesh = meshes[n];
      return mesh ? 4 * heightAt(mesh, axes.x.place(x), axes.y.place(y)) : NaN;
    };
    for (const [x, y] of [
      [0.3, -0.2],
      [-0.55, 0.41],
    ] as const) {
      expect(at(1, x, y)).toBeCloseTo(1 + x + y / 2, 5);
    }
    expect(at(0, -0.5, 0.5)).toBeCloseTo(0.5, 5);
    // Between the samples at 0.5 and 1.
    expect(at(0, 0.75, 0)).toBeCloseTo((0.25 + 1) / 2, 5);
    expect(at(1, 0.7, 0)).toBeNaN();
    expect(at(0, 0.7, 0)).not.toBeNaN();
  });

  it("have small cells, so that one cuts the other in a line", () => {
    expect(meshes[0]?.xs).toHaveLength(6 * 10 + 1);
    const places = Array.from({ length: 400 }, (_, i) => -1 + i / 200);
    expect(
      sheetsOf([panel("many", "#112233", [], places, () => 1), BOWL]).meshes[0]?.xs.length,
    ).toBeLessThan(110);
  });

  it("are themselves where all have the same samples", () => {
    const same = sheetsOf([BOWL, { ...BOWL, run: "again" }], true);
    expect(same.meshes.map(({ xs }) => xs.length)).toEqual([5, 5]);
    expect(same.meshes[0]?.cells).toHaveLength(16);
  });
});

describe("a picture of sheets", () => {
  function svg(panels: readonly PanelSlice[], wireframe = false): string {
    const file = new SvgSurface(SIZE.width, SIZE.height, () => "");
    const drawing = drawingOf(panels);
    drawUnderSheets(file, drawing);
    paintMeshes(
      ...([file, drawing.sheets.meshes, drawing.projection] as const),
      lookOfSheets(drawing, wireframe),
    );
    drawOverSheets(file, drawing, drawing.sheets.meshes);
    drawCursorOnSheets(file, drawing, 0.2, 0.1);
    return file.toString();
  }

  it("shows every cell of both, and one through the other", () => {
    const { meshes } = sheetsOf([BOWL, SHEET]);
    const cells = meshes.reduce((sum, mesh) => sum + mesh.cells.length, 0);
    expect(svg([BOWL, SHEET]).match(/fill-opacity="0.55"/g)).toHaveLength(cells);
    expect(svg([BOWL, SHEET])).not.toContain("NaN");
  });

  it("names the runs, and tells them apart by strokes too", () => {
    const found = svg([BOWL, SHEET]);
    expect(found).toContain(">bowl</text>");
    expect(found).toContain(">a &amp; b</text>");
    expect(found).toMatch(/stroke="#445566"[^>]*stroke-dasharray="4[ ,]3"/);
    expect(found).not.toMatch(/stroke="#112233"[^>]*stroke-dasharray="4/);
  });

  it("is lines alone where that is wanted", () => {
    expect(svg([BOWL, SHEET], true)).not.toContain('fill-opacity="0.55"');
  });

  it("draws the border of a surface all around", () => {
    const { sheets } = drawingOf([BOWL, SHEET]);
    const [, bounds] = sheets.bounds;
    const mesh = sheets.meshes[1];
    expect(bounds && mesh).toBeTruthy();
    if (!bounds || !mesh) return;
    for (const x of bounds.x) for (const y of bounds.y) expect(heightAt(mesh, x, y)).not.toBeNaN();
  });
});
