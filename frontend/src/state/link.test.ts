import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { sameMap, Value } from "../host/host";
import { keepLinkInStep } from "./link";
import { createAppStore } from "./store";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function linked() {
  const link = new Value<ReadonlyMap<string, string>>(new Map(), sameMap);
  const written: ReadonlyMap<string, string>[] = [];
  const store = createAppStore({});
  keepLinkInStep({ link, writeLink: (keys) => void written.push(keys) }, store);
  return { link, written, store };
}

it("dragging writes a few times a second, and the last position in the end", () => {
  const { written, store } = linked();
  for (let step = 0; step < 100; step += 1) {
    store.setState({ step });
    vi.advanceTimersByTime(10);
  }
  vi.advanceTimersByTime(500);
  expect(written.length).toBeLessThanOrEqual(5);
  expect(written.at(-1)?.get("step")).toBe("99");
});

it("a link that changes outside is followed, and keeps the step where it names none", () => {
  const { link, store } = linked();
  store.setState({ step: 30 });
  link.set(new Map([["scale", "log"]]));
  expect(store.getState()).toMatchObject({ scale: "log", step: 30 });
  link.set(new Map([["step", "20"]]));
  expect(store.getState()).toMatchObject({ scale: null, step: 20 });
});

it("coming back to the tab loses nothing", () => {
  const { link, written, store } = linked();
  link.set(new Map([["scale", "log"]]));
  link.set(new Map());
  expect(store.getState().scale).toBe("log");
  expect(written.at(-1)?.get("scale")).toBe("log");
});
