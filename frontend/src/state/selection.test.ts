import { describe, expect, it } from "vitest";
import { catalog, layout, run, series } from "../../tests/catalogs";
import { FieldStore } from "../data/fieldStore";
import { createPanels, wishesFor } from "./panels";
import { fittingScale, select } from "./selection";
import { DEFAULT_CHOICES } from "./store";
import { fittedDomain, valueDomain } from "./valueScale";

const plane = series("random plane", [0, 100], {
  layouts: [layout({ kind: "plane", shape: [1, 25, 25] })],
});
const line = series("random line", [0, 50, 100]);
const LOG = catalog(run("a", line, plane), run("b", line));

describe("select", () => {
  it("starts with a plane where one is logged", () => {
    const selection = select(LOG, [], DEFAULT_CHOICES);
    expect(selection.seriesName).toBe("random plane");
    expect(selection.channel).toBe("train/loss");
    expect(selection.resolutions).toEqual([25, 13, 7, 4]);
    expect(selection.steps).toEqual([0, 100]);
  });

  it("keeps TensorBoard's order, and lists runs without slices", () => {
    const selection = select(LOG, ["b", "scalars only", "a"], DEFAULT_CHOICES);
    expect(selection.runs.map(({ run: { name } }) => name)).toEqual(["b", "scalars only", "a"]);
    expect(selection.visible.map(({ run: { name } }) => name)).toEqual(["b", "a"]);
  });

  it("shows nine runs at first, and exactly the chosen ones later", () => {
    const many = catalog(...Array.from({ length: 20 }, (_, i) => run(`r${i}`, line)));
    expect(select(many, [], DEFAULT_CHOICES).visible).toHaveLength(9);
    expect(select(many, [], { ...DEFAULT_CHOICES, runs: ["r15"] }).visible).toHaveLength(1);
    expect(select(many, [], { ...DEFAULT_CHOICES, runs: [] }).visible).toHaveLength(0);
  });

  it("falls back where a link names what was never logged", () => {
    const choices = {
      ...DEFAULT_CHOICES,
      series: "gone",
      method: "gone",
      channel: "gone",
      samples: 1,
    };
    expect(select(LOG, [], choices)).toMatchObject({
      seriesName: "random plane",
      channel: "train/loss",
      samples: 4,
    });
  });

  it("takes a logarithm where orders of magnitude ask for one", () => {
    expect(fittingScale([0.03, 17])).toBe("log");
    expect(fittingScale([0.5, 1])).toBe("linear");
    expect(fittingScale([0, 100])).toBe("linear");
    expect(fittingScale(null)).toBe("linear");
  });
});

describe("createPanels", () => {
  const states = (step: number) =>
    createPanels(select(LOG, [], DEFAULT_CHOICES), step, () => true, new FieldStore());

  it("says of each run what it has", () => {
    const [a, b] = states(100);
    expect(a?.content.state).toBe("loading");
    expect(b?.content).toEqual({ state: "no series", others: ["random line"] });
  });

  it("shows the latest slice up to the step, and none before the first", () => {
    expect(states(99)[0]?.step).toBe(0);
    expect(states(-1)[0]?.content).toEqual({ state: "not yet", firstStep: 0 });
  });

  it("wishes for what is on screen first, then for what is near", () => {
    const choices = { ...DEFAULT_CHOICES, series: "random line" };
    const panels = createPanels(select(LOG, [], choices), 50, () => true, new FieldStore());
    const { wishes, urgent } = wishesFor(panels, 100);
    expect(urgent).toBe(2);
    expect(wishes.map((wish) => wish.key.split(".")[1])).toEqual([
      "50",
      "50",
      "100",
      "100",
      "0",
      "0",
    ]);
  });
});

describe("the domain of a scale", () => {
  it("is that of all visible runs, of one run, or of one panel", () => {
    expect(valueDomain("all", [], "train/loss", 0, [1, 2])).toEqual([1, 2]);
    expect(valueDomain("panel", [], "train/loss", 0, [1, 2])).toBeNull();
  });

  it("begins above zero on a logarithmic scale", () => {
    expect(fittedDomain("log", [-1, 100])?.[0]).toBeCloseTo(1e-4, 9);
    expect(fittedDomain("log", [-2, -1])).toBeNull();
    expect(fittedDomain("linear", [-2, -1])).toEqual([-2, -1]);
  });
});
