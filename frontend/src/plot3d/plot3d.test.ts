import { describe, expect, it } from "vitest";
import { randomNumbers } from "../../tests/random";
import { depthAt, trianglesOf } from "../../tests/triangles";
import { DEFAULT_CAMERA, type Camera } from "../data/camera";
import { createMesh, heightAt, type Mesh } from "./mesh";
import { paintOrder } from "./paintOrder";
import { paintMeshes } from "./painter";
import { createProjection, type Point, type Projection } from "./projection";
import { hit, isVisible } from "./sight";
import { SvgSurface } from "../plot/svgSurface";

const BOX = { x: 10, y: 20, width: 400, height: 300 };
const BODY = { halfX: 1, halfY: 0.7, floor: -0.2, top: 1 };

function see(camera: Partial<Camera>, body = BODY): Projection {
  return createProjection({ ...DEFAULT_CAMERA, ...camera }, body, BOX);
}

function coordinates(count: number, half: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => half * ((2 * i) / (count - 1) - 1));
}

function surface(
  columns: number,
  rows: number,
  height: (x: number, y: number) => number,
  stride = 1,
): Mesh {
  const xs = coordinates(columns, BODY.halfX);
  const ys = coordinates(rows, BODY.halfY);
  const shares = Float32Array.from({ length: columns * rows }, (_, at) =>
    height(xs[Math.floor(at / rows)] ?? 0, ys[at % rows] ?? 0),
  );
  return createMesh(xs, ys, shares, stride);
}

const CORNERS: readonly Point[] = [-1, 1].flatMap((x) =>
  [-0.7, 0.7].flatMap((y) => [-0.2, 1].map((z) => [x, y, z] as const)),
);

describe("a projection", () => {
  it("from above is the plane: equal units, first axis across, second axis up", () => {
    const [left, bottom] = see({ azimuth: 0, elevation: 90 }).project([-1, -0.7, 0]);
    const { project } = see({ azimuth: 0, elevation: 90 });
    const [right] = project([1, 0, 0.4]);
    const [, top] = project([0, 0.7, 1]);
    const unit = (right - left) / 2;
    expect(unit).toBeGreaterThan(80);
    expect(bottom - top).toBeCloseTo(1.4 * unit, 6);
    expect(project([0.25, 0.1, 0.9])[0] - left).toBeCloseTo(1.25 * unit, 6);
    expect(bottom - project([0.25, 0.1, 0.9])[1]).toBeCloseTo(0.8 * unit, 6);
  });

  it("from the side without perspective shows heights true, and depth not at all", () => {
    const { project } = see({ azimuth: 0, elevation: 0, perspective: false });
    const [x0, y0] = project([0, -0.7, 0]);
    const [x1, y1] = project([0, 0.7, 1]);
    const [x2] = project([1, 0, 0]);
    expect(x1).toBeCloseTo(x0, 6);
    expect(y0 - y1).toBeCloseTo(x2 - x0, 6);
  });

  it("goes around counterclockwise", () => {
    const { project } = see({ azimuth: 90, elevation: 0, perspective: false });
    expect(project([0, 0.5, 0])[0]).toBeGreaterThan(project([0, 0, 0])[0]);
    expect(project([1, 0, 0])[2]).toBeLessThan(project([-1, 0, 0])[2]);
  });

  it("makes small what is far in perspective only", () => {
    for (const perspective of [true, false]) {
      const { project } = see({ azimuth: 0, elevation: 20, perspective });
      const width = (y: number) => project([1, y, 0])[0] - project([-1, y, 0])[0];
      if (perspective) expect(width(-0.7)).toBeGreaterThan(1.1 * width(0.7));
      else expect(width(-0.7)).toBeCloseTo(width(0.7), 6);
    }
  });

  it("keeps the whole body in its box at distance 1, and is twice as large at half of it", () => {
    const random = randomNumbers(3);
    for (let i = 0; i < 200; i += 1) {
      const camera = {
        azimuth: 360 * random() - 180,
        elevation: 90 * random(),
        perspective: random() < 0.5,
      };
      const { project } = see(camera);
      for (const corner of CORNERS) {
        const [px, py] = project(corner);
        expect(px).toBeGreaterThan(BOX.x);
        expect(px).toBeLessThan(BOX.x + BOX.width);
        expect(py).toBeGreaterThan(BOX.y);
        expect(py).toBeLessThan(BOX.y + BOX.height);
      }
    }
    const span = (distance: number) => {
      const { project } = see({ distance, perspective: false });
      return project([1, 0, 0])[0] - project([-1, 0, 0])[0];
    };
    expect(span(1)).toBeCloseTo(2 * span(2), 6);
  });

  it("says the same to the graphics card as to the painter", () => {
    const random = randomNumbers(4);
    for (let i = 0; i < 100; i += 1) {
      const projection = see({
        azimuth: 360 * random(),
        elevation: 90 * random(),
        distance: 0.6 + 1.9 * random(),
        perspective: random() < 0.5,
      });
      const point = [2 * random() - 1, 1.4 * random() - 0.7, 1.2 * random() - 0.2] as const;
      const [px, py] = projection.project(point);
      const [cx, cy, cz, cw] = [0, 1, 2, 3].map((row) =>
        [...point, 1].reduce(
          (sum, part, column) => sum + part * (projection.matrix[4 * column + row] ?? NaN),
          0,
        ),
      ) as [number, number, number, number];
      expect(BOX.x + ((cx / cw + 1) / 2) * BOX.width).toBeCloseTo(px, 2);
      expect(BOX.y + ((1 - cy / cw) / 2) * BOX.height).toBeCloseTo(py, 2);
      expect(Math.abs(cz / cw)).toBeLessThanOrEqual(1);
    }
  });

  it("looks along a pixel at what stands there", () => {
    const random = randomNumbers(5);
    for (let i = 0; i < 100; i += 1) {
      const { ray, project } = see({
        azimuth: 360 * random(),
        elevation: 89 * random(),
        distance: 0.6 + 1.9 * random(),
        perspective: random() < 0.5,
      });
      const [px, py] = [10 + 400 * random(), 20 + 300 * random()];
      const { origin, direction } = ray(px, py);
      const along = (t: number): Point => [
        origin[0] + t * direction[0],
        origin[1] + t * direction[1],
        origin[2] + t * direction[2],
      ];
      for (const t of [1, 1.3]) {
        const [x, y] = project(along(t));
        expect(x).toBeCloseTo(px, 4);
        expect(y).toBeCloseTo(py, 4);
      }
      expect(project(along(1.3))[2]).toBeGreaterThan(project(along(1))[2]);
    }
  });
});

describe("a mesh", () => {
  it("leaves out cells with a corner that is no number, and ends values at the scale's ends", () => {
    const mesh = createMesh(
      Float64Array.of(-1, 0, 1),
      Float64Array.of(-1, 0, 1),
      Float32Array.of(0, 0.5, 1, 0.25, 3, -2, 0.5, 1, NaN),
    );
    expect([...mesh.cells]).toEqual([0, 1, 3]);
    expect([...mesh.shares.slice(3, 6)]).toEqual([0.25, 1, 0]);
    expect(heightAt(mesh, -0.5, -0.5)).toBeCloseTo((0 + 0.5 + 0.25 + 1) / 4);
    expect(heightAt(mesh, 0.5, 0.5)).toBeNaN();
    expect(heightAt(mesh, 1.01, 0)).toBeNaN();
  });

  it("is as steep as the plane that it samples, at any stride", () => {
    for (const stride of [1, 2, 3]) {
      const mesh = surface(9, 8, (x, y) => 0.5 + 0.2 * x - 0.3 * y, stride);
      expect(mesh.xs.at(-1)).toBe(1);
      expect(mesh.ys.at(-1)).toBe(0.7);
      for (let at = 0; at < mesh.shares.length; at += 1) {
        expect(mesh.slopes[2 * at]).toBeCloseTo(0.2, 5);
        expect(mesh.slopes[2 * at + 1]).toBeCloseTo(-0.3, 5);
      }
      expect(heightAt(mesh, 0.37, -0.11)).toBeCloseTo(0.5 + 0.2 * 0.37 + 0.3 * 0.11, 5);
    }
  });
});

describe("sight", () => {
  const wall = surface(41, 29, (x) => (Math.abs(x) < 0.11 ? 1 : 0));

  it("is blocked by a wall from one side and not from above or from the other", () => {
    const behind: Point = [-0.6, 0, 0.01];
    expect(isVisible(wall, see({ azimuth: 90, elevation: 10 }), behind)).toBe(false);
    expect(isVisible(wall, see({ azimuth: -90, elevation: 10 }), behind)).toBe(true);
    expect(isVisible(wall, see({ azimuth: 90, elevation: 80 }), behind)).toBe(true);
  });

  it("meets first what is nearest", () => {
    const random = randomNumbers(6);
    const hill = surface(41, 29, (x, y) => 0.5 + 0.4 * Math.sin(3 * x) * Math.cos(4 * y));
    for (let i = 0; i < 60; i += 1) {
      const projection = see({ azimuth: 360 * random(), elevation: 10 + 80 * random() });
      const [x, y] = [1.8 * random() - 0.9, 1.2 * random() - 0.6];
      const point: Point = [x, y, heightAt(hill, x, y)];
      const [px, py] = projection.project(point);
      const found = hit(hill, BODY.top, projection.ray(px, py));
      if (!found) throw new Error("A ray through a point of the surface meets it.");
      const depth = projection.project([...found, heightAt(hill, ...found)])[2];
      const own = projection.project(point)[2];
      expect(depth).toBeLessThan(own + 0.02);
      // What can be seen is met where it is.
      if (isVisible(hill, projection, [x, y, point[2] + 0.004])) {
        expect(Math.hypot(found[0] - x, found[1] - y)).toBeLessThan(0.05);
      }
    }
    expect(hit(hill, BODY.top, see({}).ray(BOX.x + 1, BOX.y + 1))).toBeNull();
  });
});

describe("the painter", () => {
  it("never paints a nearer cell before a farther one that it covers", () => {
    const random = randomNumbers(7);
    let covered = 0;
    for (let scene = 0; scene < 60; scene += 1) {
      const mesh = surface(7, 6, () => (random() < 0.06 ? NaN : random()));
      const projection = see({
        azimuth: 360 * random() - 180,
        elevation: 60 * random(),
        distance: 0.6 + random(),
        perspective: random() < 0.7,
      });
      const order = [...paintOrder(mesh, projection.eye)];
      expect([...order].sort((a, b) => a - b)).toEqual([...mesh.cells]);
      const triangles = order.flatMap((cell, place) =>
        trianglesOf(mesh, projection, cell).map((corners) => ({ place, corners })),
      );
      for (let pixel = 0; pixel < 60; pixel += 1) {
        const [px, py] = [
          BOX.x + BOX.width * (0.2 + 0.6 * random()),
          BOX.y + BOX.height * random(),
        ];
        const here = triangles
          .map(({ place, corners }) => ({ place, depth: depthAt(corners, px, py) }))
          .filter(({ depth }) => !Number.isNaN(depth))
          .sort((a, b) => b.depth - a.depth);
        covered += here.length > 1 ? 1 : 0;
        for (const [i, { place }] of here.entries()) {
          expect(place).toBeGreaterThanOrEqual(here[i - 1]?.place ?? 0);
        }
      }
    }
    expect(covered).toBeGreaterThan(200);
  });

  it("writes one polygon a cell into a file", () => {
    const mesh = surface(9, 7, (x, y) => (x > 0.6 && y > 0.4 ? NaN : 0.5 * x * x + 0.5 * y * y));
    const look = {
      colorMap: "viridis",
      tints: null,
      levels: [{ share: 0.2, major: true }],
      wire: null,
    } as const;
    const draw = (wire: string | null) => {
      const file = new SvgSurface(420, 340, () => "");
      paintMeshes(file, [mesh], see({}), { ...look, wire });
      return file.toString();
    };
    expect(draw(null).match(/fill-opacity="1"/g)).toHaveLength(mesh.cells.length);
    expect(mesh.cells.length).toBeLessThan(8 * 6);
    expect(draw(null)).toContain('stroke="#ffffff"');
    expect(draw(null)).not.toContain("NaN");
    expect(draw("#123456").match(/fill="#123456"/g)).toHaveLength(mesh.cells.length);
  });
});
