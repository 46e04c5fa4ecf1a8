import { describe, expect, it } from "vitest";
import { series } from "../../tests/catalogs";
import { attemptsOf } from "./attempts";

/** Steps 0, 100, ... of these attempts, a minute apart unless told otherwise. */
function logged(attempts: string, seconds?: number[]) {
  const ids = Array.from(attempts);
  const steps = ids.map((_, i) => 100 * i);
  return series("line", steps, {
    attempts: ids,
    seconds: seconds ?? ids.map((_, i) => 60 * i),
  });
}

describe("attempts", () => {
  it("are not spoken of where there is one", () => {
    expect(attemptsOf(logged("aaaa"))).toBeNull();
    expect(attemptsOf(logged(""))).toBeNull();
  });

  it("begin where a run was restarted", () => {
    const found = attemptsOf(logged("aaabbcc"));
    expect(found).toEqual({ count: 3, numbers: [1, 1, 1, 2, 2, 3, 3], restarts: [300, 500] });
  });

  it("are no second looks at single steps", () => {
    expect(attemptsOf(logged("aaxaay"))).toBeNull();
    const found = attemptsOf(logged("aaxabyb"));
    expect(found).toEqual({ count: 2, numbers: [1, 1, 1, 1, 2, 2, 2], restarts: [400] });
  });

  it("count from the oldest, which may have gone farther", () => {
    // The second attempt began anew and was stopped before it came to where the first one ended.
    const found = attemptsOf(logged("bbbaa", [500, 560, 620, 180, 240]));
    expect(found).toEqual({ count: 2, numbers: [2, 2, 2, 1, 1], restarts: [0] });
  });

  it("begin once, also where their steps lie between each other", () => {
    const found = attemptsOf(logged("aababab", [0, 60, 300, 120, 360, 180, 420]));
    expect(found).toEqual({ count: 2, numbers: [1, 1, 2, 1, 2, 1, 2], restarts: [200] });
  });

  it("are found once for each series", () => {
    const one = logged("aabb");
    expect(attemptsOf(one)).toBe(attemptsOf(one));
  });
});
