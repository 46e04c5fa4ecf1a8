import { describe, expect, it, vi } from "vitest";
import { line } from "../../tests/slices";
import { FieldStore } from "./fieldStore";
import { FrameLoader } from "./frameLoader";

function slice(samples: number) {
  const zeros = Array<number>(samples).fill(0);
  return line(zeros, zeros);
}

describe("FieldStore", () => {
  it("forgets what was not looked at for longest", () => {
    const store = new FieldStore(3 * (4000 + 2048));
    store.put(["a", "b", "c"].map((key) => [key, { slice: slice(1000) }]));
    store.get("a");
    store.put([["d", { slice: slice(1000) }]]);
    expect(["a", "b", "c", "d"].map((key) => store.has(key))).toEqual([true, false, true, true]);
    expect(store.usedBytes).toBeLessThanOrEqual(3 * (4000 + 2048));
  });

  it("never forgets what is on screen", () => {
    const store = new FieldStore(2 * (4000 + 2048));
    store.pin(new Set(["a"]));
    store.put(["a", "b", "c", "d"].map((key) => [key, { slice: slice(1000) }]));
    expect(["a", "b", "c", "d"].map((key) => store.has(key))).toEqual([true, false, false, true]);
  });

  it("keeps one slice even when it is larger than the budget", () => {
    const store = new FieldStore(10);
    store.put([["a", { slice: slice(1000) }]]);
    expect(store.has("a")).toBe(true);
  });
});

describe("FrameLoader", () => {
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  it("fetches what is on screen first and alone", async () => {
    const asked: string[][] = [];
    const store = new FieldStore();
    const loader = new FrameLoader((keys) => {
      asked.push([...keys]);
      return Promise.resolve(new Map(keys.map((key) => [key, { slice: slice(3) }])));
    }, store);
    loader.want(
      Array.from({ length: 100 }, (_, i) => ({ key: `${i}`, stride: 1 })),
      2,
    );
    await settled();
    expect(asked).toEqual([["0", "1"]]);
    // The others come once it has been painted.
    await vi.waitFor(() => expect(store.has("99/1")).toBe(true));
    expect(asked.map((keys) => keys.length)).toEqual([2, 64, 34]);
  });

  it("cancels what nobody wishes for any more", () => {
    const signals: AbortSignal[] = [];
    const loader = new FrameLoader((_keys, _stride, signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    }, new FieldStore());
    loader.want([{ key: "old", stride: 1 }], 1);
    loader.want([{ key: "new", stride: 1 }], 1);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  });

  it("asks for nothing else until what is on screen has come", async () => {
    const asked: string[][] = [];
    let arrive = () => undefined as unknown;
    const loader = new FrameLoader((keys) => {
      asked.push([...keys]);
      const frames = new Map(keys.map((key) => [key, { slice: slice(3) }]));
      return new Promise((resolve) => (arrive = () => resolve(frames)));
    }, new FieldStore());
    const wishes = ["now", "next", "later"].map((key) => ({ key, stride: 1 }));
    loader.want(wishes, 1);
    loader.want(wishes, 1);
    expect(asked).toEqual([["now"]]);
    arrive();
    await vi.waitFor(() => expect(asked).toEqual([["now"], ["next", "later"]]));
  });

  it("gives up what is under way when the page is hidden", () => {
    const signals: AbortSignal[] = [];
    const loader = new FrameLoader((_keys, _stride, signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    }, new FieldStore());
    loader.want([{ key: "a", stride: 1 }], 1);
    loader.setPaused(true);
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    loader.setPaused(false);
    expect(signals).toHaveLength(2);
  });

  it("remembers why a fetch failed, and tries again when told to", async () => {
    let broken = true;
    const store = new FieldStore();
    const loader = new FrameLoader(
      (keys) =>
        broken
          ? Promise.reject(new Error("TensorBoard cannot be reached."))
          : Promise.resolve(new Map(keys.map((key) => [key, { slice: slice(3) }]))),
      store,
    );
    loader.want([{ key: "a", stride: 2 }], 1);
    await settled();
    expect(store.get("a/2")).toEqual({ error: "TensorBoard cannot be reached." });
    broken = false;
    loader.retry();
    await settled();
    expect(store.get("a/2")).toHaveProperty("slice");
  });

  it("asks for nothing while paused", () => {
    let calls = 0;
    const loader = new FrameLoader(() => {
      calls += 1;
      return new Promise(() => undefined);
    }, new FieldStore());
    loader.setPaused(true);
    loader.want([{ key: "a", stride: 1 }], 1);
    expect(calls).toBe(0);
    loader.setPaused(false);
    expect(calls).toBe(1);
  });
});
