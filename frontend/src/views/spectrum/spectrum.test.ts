import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { line } from "../../../tests/slices";
import { decodeRecord } from "../../api/record";
import type { Slice } from "../../data/slice";
import type { PanelSlice } from "../view";
import {
  aroundDensity,
  describeSpectrum,
  eigenvaluesOf,
  largestEigenvalue,
  spectrumSentences,
} from "./spectrumModel";

const GOLDEN = join(import.meta.dirname, "../../../../tests/golden/v2-spectrum.slice");
const golden = decodeRecord(new Uint8Array(readFileSync(GOLDEN)));
const panel = (slice: Slice, focusPoint = 0) =>
  ({ slice, channel: slice.channels[0], focusPoint, run: "r" }) as PanelSlice;

describe("a spectrum", () => {
  it("lists its eigenvalues with their residuals, largest first", () => {
    expect(eigenvaluesOf(panel(golden))).toEqual([
      { value: 2.75, residual: 1e-4 },
      { value: 1.5, residual: 2e-4 },
    ]);
    expect(largestEigenvalue(panel(golden))).toMatchObject({ value: 2.75 });
  });

  it("says its trace, its largest eigenvalue and which matrix it is of", () => {
    expect(spectrumSentences(panel(golden))[0]).toBe(
      "Trace 12.5 ± 0.3, largest eigenvalue 2.750, effective rank (trace / largest) 4.55.",
    );
    const named = { ...golden, notes: new Map([...golden.notes, ["matrix", "some matrix"]]) };
    expect(spectrumSentences(panel(named))[0]).toMatch(/^Some matrix: trace 12\.5/);
    expect(spectrumSentences(panel(golden))[1]).toContain("95 %");
  });

  it("says nothing of directions and focus points", () => {
    const said = [describeSpectrum(panel(golden)), ...spectrumSentences(panel(golden))].join(" ");
    expect(said).not.toMatch(/coordinate|direction|focus|center/);
  });

  it("takes a focus point's own notes where there are several", () => {
    const notes = new Map<string, unknown>([
      ["eigenvalues", [[3, 1], [7]]],
      ["residuals", [[0.1, 0.2], [0.3]]],
      ["trace", [4, 8]],
    ]);
    const two = { ...line([0, 1], [1, 1], { notes }), shape: [2, 1, 2] as const };
    expect(eigenvaluesOf(panel(two, 1))).toEqual([{ value: 7, residual: 0.3 }]);
    expect(spectrumSentences(panel(two, 1))).toEqual([
      "Trace 8.00, largest eigenvalue 7.000, effective rank (trace / largest) 1.14.",
    ]);
  });

  it("makes nothing of notes that make no sense", () => {
    const notes = new Map<string, unknown>([
      ["eigenvalues", [1, "NaN", null, 5]],
      ["residuals", "small"],
      ["trace", "large"],
    ]);
    const odd = panel(line([0, 1], [1, 1], { notes }));
    expect(eigenvaluesOf(odd)).toEqual([
      { value: 5, residual: 0 },
      { value: 1, residual: 0 },
    ]);
    expect(spectrumSentences(odd)).toEqual(["Largest eigenvalue 5.000."]);
    expect(spectrumSentences(panel(line([0, 1], [1, 1])))).toEqual([]);
  });

  it("ends its logarithmic scale below the rarest eigenvalue", () => {
    const notes = new Map<string, unknown>([["eigenvalues", [2]]]);
    const rare = panel(line([0, 1, 2, 3], [1, 1e-30, 3e-4, 1e-38], { notes }));
    const [low, high] = aroundDensity("log", [1e-38, 1], [rare]);
    expect(low).toBeCloseTo(1e-5, 8);
    expect(high).toBe(1);
    expect(aroundDensity("log", [1e-38, 1], [panel(line([0, 1], [1, 1]))])[0]).toBe(1e-6);
    const gap = panel(line([0, 2], [1, 1e-30], { notes }));
    expect(aroundDensity("log", [1e-38, 1], [gap])[0]).toBe(1e-12);
    expect(aroundDensity("linear", [0.25, 1], [rare])).toEqual([0, 1]);
  });
});
