import { describe, expect, it } from "vitest";
import type { DrawnMesh, MeshJob } from "./glRenderer";
import { MeshBatch } from "./meshBatch";

/** Jobs are told apart by what they are; a batch looks into none of them. */
function job(density: number): MeshJob {
  return { meshes: [], projection: {}, look: {}, density } as unknown as MeshJob;
}

/** Draws at most so many at once, and remembers which. */
function recording(room = 10, lost = false) {
  const calls: number[][] = [];
  const draw = (jobs: readonly MeshJob[]): DrawnMesh[] | null => {
    if (lost) return null;
    const drawn = jobs.slice(0, room);
    calls.push(drawn.map(({ density }) => density));
    return drawn.map(({ density }) => ({ y: density }) as DrawnMesh);
  };
  return { calls, batch: new MeshBatch({ draw }) };
}

const PANELS = [{}, {}, {}] as const;
const [A, B, C] = PANELS;

describe("surfaces of all panels", () => {
  it("are drawn at once, and each panel takes its own", () => {
    const { calls, batch } = recording();
    const jobs = [job(1), job(2), job(3)] as const;
    for (const [n, panel] of PANELS.entries()) batch.prepare(panel, jobs[n] ?? job(0));
    expect(batch.take(A, jobs[0])?.y).toBe(1);
    expect(batch.take(C, jobs[2])?.y).toBe(3);
    expect(batch.take(B, jobs[1])?.y).toBe(2);
    expect(calls).toEqual([[1, 2, 3]]);
  });

  it("are drawn again where a panel wants another than it said, or the same once more", () => {
    const { calls, batch } = recording();
    const jobs = [job(1), job(2)] as const;
    batch.prepare(A, jobs[0]);
    batch.prepare(B, jobs[1]);
    batch.take(A, jobs[0]);
    expect(batch.take(B, job(4))?.y).toBe(4);
    expect(batch.take(A, jobs[0])?.y).toBe(1);
    expect(calls).toEqual([[1, 2], [4], [1]]);
  });

  it("wait for the next drawing where there is no room", () => {
    const { calls, batch } = recording(2);
    const jobs = [job(1), job(2), job(3)] as const;
    for (const [n, panel] of PANELS.entries()) batch.prepare(panel, jobs[n] ?? job(0));
    expect(PANELS.map((panel, n) => batch.take(panel, jobs[n] ?? job(0))?.y)).toEqual([1, 2, 3]);
    expect(calls).toEqual([[1, 2], [3]]);
  });

  it("are not drawn for a panel that is gone, nor on a card that is lost", () => {
    const { calls, batch } = recording();
    const own = job(1);
    batch.prepare(B, job(2));
    batch.forget(B);
    batch.take(A, own);
    expect(calls).toEqual([[1]]);
    expect(recording(10, true).batch.take(A, own)).toBeNull();
  });
});
