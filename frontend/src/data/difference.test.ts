import { describe, expect, it } from "vitest";
import { axis, channel, line, slice } from "../../tests/slices";
import { align, subtract, type Found } from "./difference";

const found = (of: Found["slice"]): Found => {
  const [first] = of.channels;
  if (!first) throw new Error("A slice has a channel.");
  return { slice: of, channel: first, focusPoint: 0 };
};

function plane(
  xs: number[],
  ys: number[],
  f: (x: number, y: number) => number,
  prints = ["p", "q"],
) {
  const values = xs.flatMap((x) => ys.map((y) => f(x, y)));
  const axes = [
    axis(xs, { name: "one", fingerprint: prints[0] ?? "" }),
    axis(ys, { name: "two", fingerprint: prints[1] ?? "" }),
  ];
  return found(
    slice([1, xs.length, ys.length], axes, channel(values, { center: Float64Array.of(f(0, 0)) }), {
      kind: "plane",
    }),
  );
}

function aligned(a: Found, b: Found) {
  const result = align(a, b);
  if ("refused" in result) throw new Error(result.refused);
  return { ...result, difference: subtract(result.a, result.b) };
}

describe("a difference", () => {
  it("is B minus A where the grids are the same", () => {
    const x = [-1, 0, 1];
    const a = plane(x, x, (u, v) => u + 2 * v);
    const b = plane(x, x, (u, v) => 3 * u * v + 5);
    const { difference, resampled } = aligned(a, b);
    // By hand, row by row: 3uv + 5 - u - 2v.
    expect([...difference.channel.values]).toEqual([11, 6, 1, 7, 5, 3, 3, 4, 5]);
    expect(difference.channel.center[0]).toBe(5);
    expect(resampled).toBeNull();
  });

  it("is taken on the coarser grid, bilinear, where they differ, and says so", () => {
    const fine = plane([-1, -0.5, 0, 0.5, 1], [-1, 0, 1], (u, v) => u * v);
    const coarse = plane([-0.75, 0.25, 1.25], [-1, 1], () => 0);
    const { difference, resampled } = aligned(coarse, fine);
    // u v is linear along each axis, so that interpolation is exact; 1.25 lies beyond the fine one.
    expect([...difference.channel.values]).toEqual([0.75, -0.75, -0.25, 0.25]);
    expect(difference.slice.shape).toEqual([1, 2, 2]);
    expect(resampled).toContain("2 × 2");
  });

  it("keeps what is not a number, and only there", () => {
    const a = found(line([0, 1, 2, 3, 4], [1, NaN, 3, Infinity, 5]));
    const b = found(line([0, 2, 4], [1, 1, 1]));
    expect([...aligned(a, b).difference.channel.values]).toEqual([0, -2, -4]);
    const c = found(line([0, 1, 2, 3, 4], [1, 1, 1, 1, 1]));
    expect([...aligned(a, c).difference.channel.values]).toEqual([0, NaN, -2, -Infinity, -4]);
    const between = found(line([0, 1.5, 3], [1, 1, 1]));
    expect([...aligned(a, between).difference.channel.values][1]).toBeNaN();
  });

  it("has errors of at most both together, on another grid too", () => {
    const one = (x: number[], values: number[], errors: number[]) =>
      found(line(x, values, { errors: Float32Array.from(errors) }));
    const a = one([0, 1, 2], [1, 2, 3], [0, 0.25, 0.5]);
    const b = one([0, 1, 2], [2, 2, 2], [0, 1, NaN]);
    const { channel: difference } = aligned(a, b).difference;
    expect([...(difference.errors ?? [])]).toEqual([0, 1.25, NaN]);
    expect(difference.atMost).toBe(true);
    const fine = one([0, 0.5, 1, 1.5, 2], [0, 0, 0, 0, 0], [0, 4, 8, 16, 32]);
    expect([...(aligned(a, fine).difference.channel.errors ?? [])]).toEqual([0, 8.25, 32.5]);
    // One side that says nothing leaves nothing to be said.
    const silent = aligned(a, found(line([0, 1, 2], [1, 1, 1]))).difference;
    expect(silent.channel).toMatchObject({ errors: null });
    expect(silent.channel).not.toHaveProperty("atMost");
  });

  it("is refused where directions differ, or nobody knows", () => {
    const x = [-1, 0, 1];
    const one = plane(x, x, () => 1);
    const other = plane(x, x, () => 1, ["p", "r"]);
    expect(align(one, other)).toMatchObject({
      refused: "Different directions: differences are not meaningful.",
      why: expect.stringContaining("“two”") as string,
    });
    const unknown = plane(x, x, () => 1, ["p", ""]);
    expect(align(one, unknown)).toMatchObject({
      why: expect.stringContaining("no fingerprint") as string,
    });
    expect(align(one, found(line([0, 1], [1, 2])))).toHaveProperty("refused");
  });

  it("is refused where the slices do not overlap", () => {
    const a = found(line([0, 1, 2], [1, 2, 3]));
    const b = found(line([2, 3, 4], [1, 2, 3]));
    expect(align(a, b)).toMatchObject({ why: "They have fewer than two coordinates in common." });
  });
});
