import { describe, expect, it } from "vitest";
import { prefsOf, readPrefs, writePrefs } from "./prefs";
import { createAppStore } from "./store";

/** A storage of one item. */
function storage(kept: string | null = null): Storage {
  return {
    getItem: () => kept,
    setItem: (_: string, value: string) => {
      kept = value;
    },
  } as unknown as Storage;
}

describe("preferences", () => {
  it("are found as they were left", () => {
    const place = storage();
    const before = prefsOf(createAppStore({}).getState());
    const state = createAppStore({ inspectorOpen: true, framesPerSecond: 20, step: 7 }).getState();
    writePrefs(prefsOf(state), before, () => place);
    expect(readPrefs(() => place)).toEqual({ inspectorOpen: true, framesPerSecond: 20 });
  });

  it("are only what was changed", () => {
    // The rail of a narrow page is closed, whatever it was before.
    const place = storage(JSON.stringify({ railOpen: true, runOrder: "name" }));
    const before = prefsOf(createAppStore({ railOpen: false }).getState());
    writePrefs({ ...before, inspectorOpen: true }, before, () => place);
    const kept = { railOpen: true, runOrder: "name", inspectorOpen: true };
    expect(readPrefs(() => place)).toEqual(kept);
  });

  it("forget what makes no sense", () => {
    const kept = { railOpen: "no", framesPerSecond: 7, runOrder: "size", detailsOpen: false, x: 1 };
    expect(readPrefs(() => storage(JSON.stringify(kept)))).toEqual({ detailsOpen: false });
    for (const broken of ["{", "null", "3", null]) {
      expect(readPrefs(() => storage(broken))).toEqual({});
    }
  });

  it("do without a storage", () => {
    const refuse = () => {
      throw new Error("The browser forbids it.");
    };
    expect(readPrefs(refuse)).toEqual({});
    const prefs = prefsOf(createAppStore({}).getState());
    expect(() => writePrefs(prefs, prefs, refuse)).not.toThrow();
  });
});
