import { describe, expect, it } from "vitest";
import { catalog, run, series } from "../../tests/catalogs";
import { ago, hasNewSlices, isWriting, pulseOf } from "./freshness";

const logged = (seconds: number[], wallTime = 1000) =>
  series(
    `at ${wallTime}`,
    seconds.map((_, i) => i),
    { wallTime, seconds },
  );

describe("pulseOf", () => {
  it("waits for twice the median interval, a minute at least", () => {
    expect(pulseOf(run("a", logged([0, 100, 200, 900])))).toEqual({ newest: 1900, patience: 200 });
    expect(pulseOf(run("a", logged([0, 100, 300])))).toEqual({ newest: 1300, patience: 300 });
    expect(pulseOf(run("a", logged([0, 1, 2])))).toEqual({ newest: 1002, patience: 60 });
    expect(pulseOf(run("a", logged([0])))).toEqual({ newest: 1000, patience: 60 });
  });

  it("looks at the last slices only", () => {
    const slow = Array.from({ length: 50 }, (_, i) => 1000 * i);
    const fast = Array.from({ length: 12 }, (_, i) => 49_000 + 40 * (i + 1));
    expect(pulseOf(run("a", logged([...slow, ...fast])))?.patience).toBe(80);
  });

  it("goes by time, not by step, and by the series logged last", () => {
    expect(pulseOf(run("a", logged([0, -200, -100])))).toEqual({ newest: 1000, patience: 200 });
    const pulse = pulseOf(run("a", logged([0, 500], 2000), logged([0, 40], 1000)));
    expect(pulse).toEqual({ newest: 2500, patience: 1000 });
  });

  it("knows nothing where no time was logged", () => {
    expect(pulseOf(run("a"))).toBeNull();
    expect(pulseOf(run("a", series("x", [0], { seconds: [] })))).toBeNull();
  });
});

it("isWriting is false for silence, and for clocks that are far ahead", () => {
  const pulse = { newest: 1000, patience: 60 };
  expect([1000, 1059, 990].map((now) => isWriting(pulse, now))).toEqual([true, true, true]);
  expect([1060, 1e6, 900].map((now) => isWriting(pulse, now))).toEqual([false, false, false]);
});

it("hasNewSlices sees steps, series and runs, not their loss", () => {
  const before = catalog(run("a", series("x", [0, 10])));
  const after = (...steps: number[]) => catalog(run("a", series("x", steps)));
  expect(hasNewSlices(before, after(0, 10))).toBe(false);
  expect(hasNewSlices(before, after(0, 10, 20))).toBe(true);
  // TensorBoard samples: as many slices, but other ones.
  expect(hasNewSlices(before, after(0, 20))).toBe(true);
  expect(hasNewSlices(before, catalog(...before.runs, run("b", series("x", [0]))))).toBe(true);
  expect(hasNewSlices(before, catalog())).toBe(false);
});

it("ago grows coarser", () => {
  const ages = [0, 4.9, 12.7, 59.9, 60, 3599, 3600, 90_000];
  expect(ages.map(ago)).toEqual([
    "just now",
    "just now",
    "12 s ago",
    "59 s ago",
    "1 min ago",
    "59 min ago",
    "1 h ago",
    "1 d ago",
  ]);
});
