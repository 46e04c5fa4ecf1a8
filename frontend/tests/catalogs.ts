import type { Catalog, Layout, Run, Series } from "../src/data/catalog";
import { PAGE_VERSION } from "../src/version";

export function layout(overrides: Partial<Layout> = {}): Layout {
  return {
    kind: "lines",
    method: "random direction",
    shape: [1, 1, 13],
    channels: ["train/loss"],
    axes: ["random 0"],
    ...overrides,
  };
}

export function series(name: string, steps: number[], overrides: Partial<Series> = {}): Series {
  return {
    id: `id-${name}`,
    name,
    layouts: [layout()],
    steps,
    layoutIndices: steps.map(() => 0),
    attempts: steps.map(() => "3fa2"),
    fingerprints: steps.map(() => "9c1d"),
    wallTime: 0,
    seconds: steps.map(() => 0),
    epochs: null,
    centers: new Map([["train/loss", Float32Array.from(steps, () => 0.5)]]),
    ranges: new Map([["train/loss", [0.25, 1.75] as const]]),
    nonfinite: new Map([["train/loss", 0]]),
    ...overrides,
  };
}

export function run(name: string, ...all: Series[]): Run {
  return { name, sources: [name], series: all };
}

export function catalog(...runs: Run[]): Catalog {
  return { generation: "g1", version: PAGE_VERSION, runs, malformed: 0 };
}
