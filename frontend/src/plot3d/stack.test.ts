import { describe, expect, it } from "vitest";
import { randomNumbers } from "../../tests/random";
import { depthAt, trianglesOf } from "../../tests/triangles";
import { DEFAULT_CAMERA, type Camera } from "../data/camera";
import { createMesh, type Mesh } from "./mesh";
import { createProjection, type Projection } from "./projection";
import { stackOrder } from "./stack";

const BOX = { x: 0, y: 0, width: 420, height: 340 };
const BODY = { halfX: 1, halfY: 1, floor: -0.2, top: 1 };
const PLACES = Float64Array.from({ length: 6 }, (_, i) => -1 + (2 * i) / 5);

function surface(height: (x: number, y: number) => number): Mesh {
  const shares = Float32Array.from(
    [...PLACES].flatMap((x) => [...PLACES].map((y) => height(x, y))),
  );
  return createMesh(PLACES, PLACES, shares);
}

const see = (camera: Partial<Camera>): Projection =>
  createProjection({ ...DEFAULT_CAMERA, ...camera }, BODY, BOX);

// They never meet, so that one knows which is in front.
const LOW = surface((x, y) => 0.1 + 0.1 * x * x + 0.05 * y);
const HIGH = surface((x, y) => 0.7 + 0.2 * x * y);
const HOLES = surface((x, y) => (x > 0.3 ? NaN : 0.4 + 0.1 * y));

describe("the order of surfaces over each other", () => {
  it("has every cell of each once", () => {
    const order = stackOrder([LOW, HOLES, HIGH], see({}));
    const samples = LOW.shares.length;
    const expected = [LOW, HOLES, HIGH].flatMap(({ cells }, n) =>
      Array.from(cells, (cell) => cell + n * samples),
    );
    expect(HOLES.cells.length).toBeLessThan(LOW.cells.length);
    expect([...order].sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
  });

  it("puts nothing before what it is seen through", () => {
    const random = randomNumbers(7);
    let through = 0;
    for (const perspective of [true, false]) {
      for (let turn = 0; turn < 12; turn += 1) {
        const projection = see({ azimuth: 360 * random(), elevation: 88 * random(), perspective });
        const meshes = [LOW, HIGH];
        const samples = LOW.shares.length;
        const placed = [...stackOrder(meshes, projection)].map((cell, place) => {
          const mesh = meshes[Math.floor(cell / samples)] ?? LOW;
          return { place, triangles: trianglesOf(mesh, projection, cell % samples) };
        });
        for (let pixel = 0; pixel < 120; pixel += 1) {
          const [px, py] = [BOX.width * (0.2 + 0.6 * random()), BOX.height * random()];
          const here = placed
            .flatMap(({ place, triangles }) =>
              triangles.map((triangle) => ({ place, depth: depthAt(triangle, px, py) })),
            )
            .filter(({ depth }) => !Number.isNaN(depth))
            .sort((a, b) => b.depth - a.depth);
          through += here.length > 1 ? 1 : 0;
          for (const [i, { place }] of here.entries()) {
            expect(place).toBeGreaterThanOrEqual(here[i - 1]?.place ?? 0);
          }
        }
      }
    }
    expect(through).toBeGreaterThan(300);
  });
});
