import { describe, expect, it } from "vitest";
import { DEFAULT_CAMERA, limited } from "../data/camera";
import { readHash, writeHash } from "../host/hash";
import { COMPARES } from "./compareChoices";
import { DEFAULT_CHOICES, STEP_UNITS, type Choices } from "./store";
import { readChoices, writeChoices } from "./url";

// A small generator of its own: the same choices in every run of the tests.
function* randomChoices(count: number): Generator<Choices> {
  let seed = 42;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const pick = <T>(...options: T[]): T => options[random(options.length)] as T;
  const name = () =>
    pick("a", "run/1", "lr=0.1,wd=5e-4", "<b>&#x;", "ü 日本 %25", "~", "p.loss_slicer.step=3");
  for (let i = 0; i < count; i += 1) {
    const step = pick(null, 0, random(1e9));
    yield {
      runs: pick(null, [], [name()], [name(), `${name()}2`]),
      focusRun: pick(null, name()),
      method: pick(null, name()),
      series: pick(null, name()),
      channel: pick(null, "train/loss", name()),
      samples: pick(null, 4, 97),
      view: pick(null, "plane"),
      focusPoint: pick(0, 3),
      step,
      followLatest: false,
      compare: pick(...COMPARES),
      baseRun: pick(null, name()),
      baseStep: pick(null, random(1e9)),
      wipe: pick(50, random(101)),
      stripColumns: pick("step", "series"),
      stripSteps: pick(null, [0], [random(1e9), random(1e9)]),
      onlyDifferences: pick(false, true),
      scale: pick(null, "linear", "log", "symlog"),
      range: pick("panel", "run", "all", "fixed"),
      fixedRange: pick(null, [-random(1e9) / 7, random(1e9) / 3e20], [1e-300, 2.5e300]),
      colorMap: pick("viridis", "cividis", "magma", "gray"),
      smooth: pick(true, false),
      clip: pick(true, false),
      stepMode: pick("current", "onion", "ridgeline"),
      skins: pick(1, 3, 10),
      pin: pick(null, { x: 0, y: -0.125 }, { x: 1e-9, y: random(1e9) / 7 }),
      zoom: pick(
        null,
        { x: [-0.5, random(1e9) / 7] as const, y: null },
        { x: [-random(1e9) / 3e20 - 1e-30, 1e-7] as const, y: [0.125, 2.5e300] as const },
      ),
      ranking: pick("range", "curvature", "asymmetry", "logged"),
      grouping: pick("none", "layer", "shape"),
      everyFocusPoint: pick(true, false),
      find: pick("", name()),
      everyCurve: pick(true, false),
      stepUnit: pick(...STEP_UNITS),
      camera: pick(
        DEFAULT_CAMERA,
        limited({
          azimuth: random(7200) / 10 - 360,
          elevation: random(900) / 10,
          distance: random(3000) / 1000,
          exaggeration: random(300) / 100,
          perspective: pick(true, false),
        }),
      ),
      wireframe: pick(true, false),
    };
  }
}

describe("the deep link", () => {
  it("gives back every choice, also by way of a hash", () => {
    for (const choices of randomChoices(500)) {
      const hash = writeHash("#loss_slicer&other=1", writeChoices(choices));
      expect(readChoices(readHash(hash))).toEqual(choices);
    }
  });

  it("leaves out what is as it would be anyway", () => {
    expect(writeChoices(DEFAULT_CHOICES).size).toBe(0);
  });

  it("ignores what it cannot read", () => {
    const link = readHash(
      "#loss_slicer&p.loss_slicer.step=-3&p.loss_slicer.scale=cubic&p.loss_slicer.cm=%ZZ&x",
    );
    expect(readChoices(link)).toEqual(DEFAULT_CHOICES);
  });

  it("says latest for one that follows", () => {
    const link = writeChoices({ ...DEFAULT_CHOICES, step: 500, followLatest: true });
    expect(link.get("step")).toBe("latest");
    expect(readChoices(link)).toMatchObject({ step: null, followLatest: true });
  });

  it("leaves other plugins' keys alone", () => {
    const hash = writeHash(
      "#loss_slicer&p.other.step=1&p.loss_slicer.step=2",
      new Map([["step", "7"]]),
    );
    expect(hash).toBe("#loss_slicer&p.other.step=1&p.loss_slicer.step=7");
  });
});
