import { describe, expect, it } from "vitest";
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
    expect(asked[0]).toEqual(["0", "1"]);
    expect(asked.map((keys) => keys.length)).toEqual([2, 64, 34]);
    expect(store.has("99/1")).toBe(true);
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
