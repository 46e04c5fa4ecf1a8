import { expect, it } from "vitest";
import { contours } from "../plot/contours";
import { unpackContours } from "../plot/packedContours";
import { Deriver, type Port } from "./deriver";
import { reply, type Request } from "./protocol";

/** Behaves as a worker does: one message after the other, copied, answered later. */
class Beside implements Port {
  onmessage: Port["onmessage"] = null;
  onerror: Port["onerror"] = null;
  readonly asked: Request[] = [];
  terminated = false;

  postMessage(message: Request): void {
    this.asked.push(structuredClone(message));
  }

  answer(): void {
    const next = this.asked.shift();
    if (!next) return;
    const { message, transfer } = reply(next);
    this.onmessage?.(new MessageEvent("message", { data: structuredClone(message, { transfer }) }));
  }

  terminate(): void {
    this.terminated = true;
  }
}

const xs = Float64Array.from({ length: 9 }, (_, i) => i / 4 - 1);
const bowl = Float32Array.from({ length: 81 }, (_, n) => {
  return (xs[Math.floor(n / 9)] ?? 0) ** 2 + 2 * (xs[n % 9] ?? 0) ** 2;
});
const asked = { grid: { xs, ys: xs, values: bowl }, levels: [0.25, 1] };
const here = contours(asked.grid, asked.levels);
const rounded = here.map(({ level, shape }) => ({
  level,
  shape: { lines: shape.lines.map((line) => Float32Array.from(line)) },
}));

it("contours from beside are those found here", async () => {
  const port = new Beside();
  const deriver = new Deriver(() => port);
  const answer = deriver.ask("contours", asked);
  port.answer();
  expect(unpackContours(await answer)).toEqual(rounded);
  // The page's own values were copied and not given away.
  expect(bowl.length).toBe(81);
});

it("without a worker the page computes the same, after it has drawn", async () => {
  const answer = new Deriver(() => null).ask("contours", asked);
  expect(unpackContours(await answer)).toEqual(rounded);
});

it("the newest wish is next, and what was not begun can be canceled", async () => {
  const port = new Beside();
  const deriver = new Deriver(() => port);
  const order: number[] = [];
  const wish = (n: number, signal?: AbortSignal) =>
    deriver
      .ask("quantiles", { curves: [Float32Array.of(n)], shares: [0.5] }, signal)
      .then(([found]) => void order.push(found?.[0] ?? NaN));
  const abort = new AbortController();
  const begun = [wish(1, abort.signal), wish(2)];
  const canceled = wish(3, abort.signal);
  const newest = wish(4);
  abort.abort();
  await expect(canceled).rejects.toThrow("Nobody waits");
  for (let n = 0; n < 4; n += 1) port.answer();
  await Promise.all([...begun, newest]);
  expect(order).toEqual([1, 2, 4]);
});

it("a worker that cannot be loaded is done without", async () => {
  const port = new Beside();
  const deriver = new Deriver(() => port);
  const answer = deriver.ask("clusters", { curves: [Float32Array.of(1, 2)] });
  port.onerror?.(new ErrorEvent("error"));
  expect((await answer).medoids).toEqual([0]);
  expect(port.terminated).toBe(true);
  expect((await deriver.ask("clusters", { curves: [] })).medoids).toEqual([]);
});

it("what goes wrong there is said here", async () => {
  const port = new Beside();
  const deriver = new Deriver(() => port);
  const answer = deriver.ask("contours", asked);
  port.onmessage?.(new MessageEvent("message", { data: { id: 1, error: "Out of memory." } }));
  await expect(answer).rejects.toThrow("Out of memory.");
});
