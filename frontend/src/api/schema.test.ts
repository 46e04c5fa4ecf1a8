import { describe, expect, it } from "vitest";
import {
  bitsFromBase64,
  floatsFromBase64,
  parseCatalog,
  parseHealth,
  runLengthDecode,
  asText,
} from "./schema";

// The example of http_api.md.
const INDEX = {
  generation: "5f0c2a9e41d7b386",
  version: "0.1.0",
  runs: [
    {
      name: "small batch",
      sources: ["small batch", "small batch/slices"],
      series: [
        {
          id: "Jx3kQ0aPz1Yw",
          name: "random plane",
          layouts: [
            {
              kind: "plane",
              method: "random direction",
              shape: [1, 25, 25],
              channels: ["train/loss"],
              axes: ["random 0", "random 1"],
            },
          ],
          steps: [0, 500, 1000],
          layout: [[0, 3]],
          attempts: [
            ["3fa2", 2],
            ["77aa", 1],
          ],
          fingerprints: [["9c1d22e07f35ab10+02b7714c9e5d6f88", 3]],
          wall_time: 1795230000.5,
          seconds: [0, 12, 25],
          epochs: null,
          centers: { "train/loss": "AACAPwAAAD8AAIA+" },
          ranges: { "train/loss": [0.03, 17.2] },
          nonfinite: { "train/loss": 0 },
        },
      ],
    },
  ],
  malformed: 0,
};

describe("parseCatalog", () => {
  it("reads the example of http_api.md", () => {
    const [series] = parseCatalog(INDEX).runs[0]?.series ?? [];
    expect(series?.attempts).toEqual(["3fa2", "3fa2", "77aa"]);
    expect([...(series?.centers.get("train/loss") ?? [])]).toEqual([1, 0.5, 0.25]);
    expect(series?.ranges.get("train/loss")).toEqual([0.03, 17.2]);
  });

  it("says where an answer makes no sense", () => {
    expect(() => parseCatalog({ ...INDEX, runs: {} })).toThrow("runs: expected a list");
    expect(() => parseCatalog("<html>")).toThrow("index: expected an object");
  });

  it("takes channels of any name", () => {
    const hostile = JSON.parse(
      JSON.stringify(INDEX).replaceAll("train/loss", "__proto__"),
    ) as unknown;
    const [series] = parseCatalog(hostile).runs[0]?.series ?? [];
    expect(series?.ranges.get("__proto__")).toEqual([0.03, 17.2]);
  });
});

describe("runLengthDecode", () => {
  it("refuses a column of another length, before it fills it", () => {
    expect(() => runLengthDecode([["a", 1e15]], 3, asText, "attempts")).toThrow("longer");
    expect(() => runLengthDecode([["a", 2]], 3, asText, "attempts")).toThrow("shorter");
  });
});

it("floatsFromBase64 counts", () => {
  expect(() => floatsFromBase64("AACAPw==", 2, "centers")).toThrow("not 2 floats");
});

it("parseHealth reads a retention of either form", () => {
  expect(parseHealth({ retention: "all" }).retention).toBe("all");
  expect(parseHealth({ retention: 10, malformed: [{ run: "a" }] })).toMatchObject({
    retention: "10",
    malformed: [{ run: "a", tag: "", reason: "" }],
  });
});

it("bitsFromBase64 counts, from the highest bit on", () => {
  expect([...bitsFromBase64("qIA=", 9, "evaluated")]).toEqual([1, 0, 1, 0, 1, 0, 0, 0, 1]);
  expect(() => bitsFromBase64("qIA=", 8, "evaluated")).toThrow("not 8 bits");
  expect(() => bitsFromBase64("#", 8, "evaluated")).toThrow("not base64");
  expect(() => bitsFromBase64(5, 8, "evaluated")).toThrow("expected a text");
});
