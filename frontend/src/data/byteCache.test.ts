import { expect, it } from "vitest";
import { ByteCache } from "./byteCache";

it("forgets what was not looked at for longest, beyond its bytes", () => {
  const cache = new ByteCache<string>(10, (value) => value.length);
  const [a, b] = [new Float32Array(1), new Float32Array(1)];
  cache.put(a, "linear", "aaaa");
  cache.put(a, "log", "bbbb");
  expect(cache.get(a, "linear")).toBe("aaaa");
  cache.put(b, "linear", "cccc");
  expect(cache.get(a, "log")).toBeUndefined();
  expect([cache.get(a, "linear"), cache.get(b, "linear")]).toEqual(["aaaa", "cccc"]);
  cache.put(b, "linear", "dd");
  expect(cache.usedBytes).toBe(6);
});
