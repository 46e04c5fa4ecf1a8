import { describe, expect, it } from "vitest";
import { catalog, layout, run, series } from "../../../tests/catalogs";
import { axis, channel, line, slice } from "../../../tests/slices";
import type { Slice } from "../../data/slice";
import type { Panel } from "../../state/panels";
import { select } from "../../state/selection";
import { DEFAULT_CHOICES, type Cursor } from "../../state/store";
import { chooseView } from "../../views/registry";
import type { PanelSlice, View } from "../../views/view";
import { samplesOf, sharedCoordinates } from "./inspectorModel";

const CURSOR: Cursor = { x: 0.4, y: 1.9, line: null, byKeyboard: false };

/** What each run shows, in the view that comes first for it. */
function shown(slices: Readonly<Record<string, Slice | null>>) {
  const log = catalog(...Object.keys(slices).map((name) => run(name, series("s", [0]))));
  const { visible } = select(log, [], DEFAULT_CHOICES);
  const panels = visible.map((placed): Panel => {
    const content = { state: "loading" } as const;
    return { placed, series: null, position: 0, stride: 1, step: 0, outdated: false, content };
  });
  const found = new Map<string, PanelSlice>();
  for (const [name, one] of Object.entries(slices)) {
    const [first] = one?.channels ?? [];
    if (!one || !first) continue;
    const style = { color: "#000000", dash: [] };
    const of = series("s", [0]);
    const sliceAt = () => one;
    const base = { run: name, style, slice: one, channel: first, focusPoint: 0 };
    found.set(name, { ...base, series: of, sliceAt });
  }
  const { kind, shape } = [...found.values()][0]?.slice ?? line([0], [0]);
  const view = chooseView(layout({ kind, shape }), null) as View;
  return { panels, found, view };
}

describe("the inspector", () => {
  it("reads each run where the cursor is", () => {
    const a = line([0, 0.5, 1], [1, 2, 3], { errors: Float32Array.of(0, 0.1, 0.2) });
    const b = line([0, 0.5, 1], [4, 5, 6]);
    const { panels, found, view } = shown({ a, b, late: null });
    const samples = samplesOf(panels, found, view, CURSOR, false);
    expect(samples.map(({ run, sample }) => [run, sample?.value])).toEqual([
      ["a", 2],
      ["b", 5],
      ["late", undefined],
    ]);
    expect(samples[0]?.sample?.half).toBeCloseTo(0.196, 6);
    expect(sharedCoordinates(samples)).toEqual([0.5]);
  });

  it("says no place where runs were sampled at different ones", () => {
    const { panels, found, view } = shown({ a: line([0, 0.5], [1, 2]), b: line([0, 0.4], [3, 4]) });
    const samples = samplesOf(panels, found, view, CURSOR, false);
    expect(samples.map(({ sample }) => sample?.value)).toEqual([2, 4]);
    expect(sharedCoordinates(samples)).toBeNull();
  });

  it("reads the focus point while there is no cursor", () => {
    const a = line([0, 0.5], [1, 2], { center: Float64Array.of(0.25) });
    const { panels, found, view } = shown({ a });
    const samples = samplesOf(panels, found, view, null, false);
    expect(samples[0]?.sample?.value).toBe(0.25);
    expect(sharedCoordinates(samples)).toBeNull();
  });

  it("reads planes by both coordinates and says what was interpolated", () => {
    const axes = [axis([0, 1]), axis([0, 2])];
    const evaluated = Uint8Array.of(1, 0, 1, 1);
    const of = slice([1, 2, 2], axes, channel([1, 2, 3, 4]), { kind: "plane", evaluated });
    const { panels, found, view } = shown({ of });
    const [first] = samplesOf(panels, found, view, CURSOR, false);
    expect(first?.sample).toEqual({ coordinates: [0, 2], value: 2, interpolated: true });
  });

  it("reads the line of a bundle that is pointed at, where it is clear which", () => {
    const axes = [axis([0, 1]), axis([0, 1])];
    const of = slice([1, 2, 2], axes, channel([1, 2, 3, 4]));
    const { panels, found, view } = shown({ of });
    const at = (point: number | null, together: boolean) =>
      samplesOf(panels, found, view, { ...CURSOR, line: point }, together)[0]?.sample?.value;
    expect(at(1, false)).toBe(3);
    expect(at(5, false)).toBeUndefined();
    expect(at(null, false)).toBeUndefined();
    // In a chart of all runs the second curve may be another run's.
    expect(at(1, true)).toBeUndefined();
  });
});
