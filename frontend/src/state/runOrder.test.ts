import { expect, it } from "vitest";
import { run, series } from "../../tests/catalogs";
import { orderRuns } from "./runOrder";

function placed(name: string, values: number[], place: number) {
  const centers = new Map([["train/loss", Float32Array.from(values)]]);
  const own = values.length > 0 ? [series("plane", [0, 1], { centers })] : [];
  return { run: run(name, ...own), place };
}

it("runs are ordered by what was asked for, those without a value last", () => {
  const runs = [
    placed("run 10", [3, 0.5], 0),
    placed("none", [], 1),
    placed("run 9", [1, 0.7], 2),
    placed("lost", [2, NaN], 3),
  ];
  const chosen = { seriesName: "plane", channel: "train/loss" };
  const names = (order: Parameters<typeof orderRuns>[1]) =>
    orderRuns(runs, order, chosen).map(({ run: { name } }) => name);
  expect(names("tensorboard")).toEqual(["run 10", "none", "run 9", "lost"]);
  expect(names("name")).toEqual(["lost", "none", "run 9", "run 10"]);
  expect(names("first")).toEqual(["run 9", "lost", "run 10", "none"]);
  expect(names("last")).toEqual(["run 10", "run 9", "none", "lost"]);
});
