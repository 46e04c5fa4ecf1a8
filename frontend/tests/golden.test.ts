import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeRecord } from "../src/api/record";

const FOLDER = join(import.meta.dirname, "../../tests/golden");

type Expected = Record<string, unknown> & {
  axes: { name: string; coordinates: number[]; length: unknown; fingerprint: string }[];
  values: Record<string, unknown[]>;
  center: Record<string, unknown[]>;
  errors?: Record<string, unknown[]>;
  replicates?: Record<string, unknown[]>;
  trajectory?: {
    steps: number[];
    coordinates: number[][];
    distances: unknown[];
    explained: unknown;
  } | null;
  evaluated?: boolean[];
};

const number = (value: unknown) => (value === null ? NaN : Number(value));

// The same files that pytest reads: written by Python once, for good.
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".slice"));

describe("golden files", () => {
  it("are there", () => expect(names.length).toBeGreaterThanOrEqual(2));

  it.each(names)("%s is read as it was written", (name) => {
    const slice = decodeRecord(new Uint8Array(readFileSync(join(FOLDER, name))));
    const text = readFileSync(join(FOLDER, name.replace(/\.slice$/, ".json")), "utf-8");
    const expected = JSON.parse(text) as Expected;
    for (const key of ["kind", "method", "series", "step", "epoch", "shape", "mode", "examples"]) {
      expect(slice[key as keyof typeof slice], key).toEqual(expected[key]);
    }
    expect(slice.axes.map((axis) => axis.name)).toEqual(expected.axes.map((axis) => axis.name));
    for (const [i, axis] of expected.axes.entries()) {
      // To the bit: the same arithmetic on both sides of the wire.
      expect([...(slice.axes[i]?.coordinates ?? [])]).toEqual(axis.coordinates);
    }
    for (const channel of slice.channels) {
      const values = (expected.values[channel.name] ?? []).flat(3).map(number);
      expect([...channel.values]).toEqual(values.map(Math.fround));
      expect([...channel.center]).toEqual((expected.center[channel.name] ?? []).map(number));
      const errors = expected.errors?.[channel.name]?.map(number);
      expect(channel.errors && [...channel.errors]).toEqual(errors?.map(Math.fround) ?? null);
      expect(channel.replicates).toBe(expected.replicates?.[channel.name]?.length ?? 0);
    }
    const path = expected.trajectory ?? null;
    expect(slice.trajectory).toEqual(
      path && {
        steps: path.steps,
        coordinates: path.coordinates.map((axis) => Float32Array.from(axis)),
        distances: Float32Array.from(path.distances.map(number)),
        explained: number(path.explained),
      },
    );
    const evaluated = expected.evaluated?.map(Number) ?? null;
    expect(slice.evaluated && [...slice.evaluated]).toEqual(evaluated);
  });
});
