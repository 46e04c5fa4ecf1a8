import { describe, expect, it } from "vitest";
import { noteText } from "./noteText";
import { plainNotes } from "../data/notes";

const read = (note: unknown) =>
  plainNotes(new Map([["a", note]]), new Set()).map(({ value }) => noteText(value));

describe("notes", () => {
  it.each([
    [0.012, "0.012"],
    [1234, "1,234"],
    [1.25e-7, "1.25e\u22127"],
    ["recomputed", "recomputed"],
    [false, "no"],
    [[-1.5, 1], "(\u22121.5, 1)"],
    [{ eigenvalue: 3.25, residual: 0.5 }, "eigenvalue 3.25, residual 0.5"],
    [{ "random 0": { span: [-1, 1], reason: "wide" } }, "random 0 span (\u22121, 1), reason wide"],
  ])("%j reads %s", (note, text) => {
    expect(read(note)).toEqual([text]);
  });

  it.each([[null], [[]], [{}], [[1, 2, 3, 4, 5]], [["a", 1]], ["x".repeat(301)], [{ a: [[1]] }]])(
    "%j is left unsaid",
    (note) => {
      expect(read(note)).toEqual([]);
    },
  );

  it("that a view draws are left to it", () => {
    const notes = new Map<string, unknown>([
      ["a", 1],
      ["b", 2],
    ]);
    expect(plainNotes(notes, new Set(["a"]))).toEqual([{ name: "b", value: 2 }]);
  });
});
