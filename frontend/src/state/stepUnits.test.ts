import { describe, expect, it } from "vitest";
import { catalog, run, series } from "../../tests/catalogs";
import { select } from "./selection";
import { placesOf, stepPlaces, unitFor, unitsOf } from "./stepUnits";
import { DEFAULT_CHOICES } from "./store";

describe("the step bar's units", () => {
  it("are linear between logged steps and go on beyond them", () => {
    const places = placesOf([
      [100, 0],
      [200, 1],
      [400, 2],
    ]);
    expect([100, 150, 200, 300, 400, 700, 0].map((step) => places?.(step))).toEqual([
      0,
      0.5,
      1,
      1.5,
      2,
      4,
      -2 / 3,
    ]);
    expect(
      placesOf([
        [100, 1],
        [200, 1],
      ]),
    ).toBeNull();
    expect(placesOf([])).toBeNull();
  });

  it("are those of the run in focus, and only what was logged", () => {
    const logged = catalog(
      run("a", series("random line", [0, 10, 20], { seconds: [5, 15, 11], epochs: [0, 1, null] })),
      run("b", series("random line", [0, 5], { seconds: [0, 0] })),
    );
    const of = (focusRun: string) => select(logged, [], { ...DEFAULT_CHOICES, focusRun });
    expect(unitsOf(of("a"))).toEqual(["step", "epoch", "time"]);
    expect(unitsOf(of("b"))).toEqual(["step"]);
    expect(unitFor(of("b"), "epoch")).toBe("step");
    expect(stepPlaces(of("a"), "epoch")(5)).toBe(0.5);
    // A clock that ran backward stands still.
    expect(stepPlaces(of("a"), "time")(20)).toBe(10);
  });
});
