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
    const state = createAppStore({ inspectorOpen: true, framesPerSecond: 20, step: 7 }).getState();
    writePrefs(prefsOf(state), () => place);
    const found = readPrefs(() => place);
    expect(found).toEqual(prefsOf(state));
    expect(found).toMatchObject({ inspectorOpen: true, framesPerSecond: 20 });
    expect(found).not.toHaveProperty("step");
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
    expect(() => writePrefs(prefsOf(createAppStore({}).getState()), refuse)).not.toThrow();
  });
});
