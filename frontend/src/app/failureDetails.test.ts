import { describe, expect, it } from "vitest";
import { failureDetails } from "./failureDetails";

const AROUND = { version: "0.1.0", userAgent: "Browser/1", now: Date.UTC(2026, 0, 2) };

describe("failureDetails", () => {
  it("says which request failed, where and when", () => {
    const origin = { request: 17, url: "http://host/index", time: Date.UTC(2026, 0, 1) };
    expect(
      failureDetails({ message: "No.", origin, slice: "a.5.3fa2" }, AROUND).split("\n"),
    ).toEqual([
      "message: No.",
      "slice: a.5.3fa2",
      "request: 17",
      "address: http://host/index",
      "time: 2026-01-01T00:00:00.000Z",
      "page: pysclice 0.1.0",
      "browser: Browser/1",
    ]);
  });

  it("leaves out what nobody knows", () => {
    const text = failureDetails({ message: "Broken.", origin: null, where: "run a" }, AROUND);
    expect(text).toContain("where: run a\ntime: 2026-01-02T00:00:00.000Z");
    expect(text).not.toMatch(/request|address|slice:/);
  });
});
