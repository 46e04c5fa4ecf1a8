import { describe, expect, it } from "vitest";
import type { PanelSlice } from "../../views/view";
import { catalog, layout, run, series } from "../../../tests/catalogs";
import { axis, channel, line, slice } from "../../../tests/slices";
import { select } from "../../state/selection";
import { DEFAULT_CHOICES } from "../../state/store";
import { planeView } from "../../views/plane/planeView";
import { lineView } from "../../views/line/lineView";
import { toCsv } from "../../data/csv";
import { symmetricScale } from "./differenceModel";
import { layOutStrip } from "./drawStrip";
import { MODES, chooseMode, modesFor } from "./modes";
import { cellColors, cellText, largestOf, matrixColumns } from "./matrixModel";
import { destinationOf, hasMatrix, seriesToRuns } from "./matrixScenes";
import { readSteps, stripStepsOf } from "./stripModel";
import { differs, sortedColumns } from "./tableModel";
import { stripScale } from "./useStripScale";

const CHOICE = { scope: "all", fixed: null, clip: false, scale: "linear" } as const;

describe("modes", () => {
  it("have a key each and fall back to the grid where they make no sense", () => {
    expect(new Set(MODES.map(({ key }) => key)).size).toBe(MODES.length);
    const shown = (count: number) => {
      const runs = Array.from({ length: count }, (_, i) => run(`r${i}`, series("plane", [0])));
      return select(catalog(...runs), [], DEFAULT_CHOICES);
    };
    expect(chooseMode("wipe", lineView, shown(2)).id).toBe("grid");
    expect(chooseMode("wipe", planeView, shown(1)).id).toBe("grid");
    expect(chooseMode("wipe", planeView, shown(2)).id).toBe("wipe");
    expect(chooseMode("difference", planeView, shown(1)).id).toBe("difference");
    expect(modesFor(null, shown(2)).map(({ id }) => id)).toEqual(["grid", "table"]);
  });
});

describe("the scale of differences", () => {
  const own = Float32Array.of(-1, 2);
  const all = [own, Float32Array.of(-8, 3, NaN)];

  it("has zero in its middle and reaches as far as any panel", () => {
    expect(symmetricScale(own, all, CHOICE)).toMatchObject({ kind: "linear", domain: [-8, 8] });
    expect(symmetricScale(own, all, { ...CHOICE, scope: "panel" })?.domain).toEqual([-2, 2]);
    expect(symmetricScale(own, all, { ...CHOICE, scale: "log" })?.kind).toBe("symlog");
  });

  it("reaches as far as was typed, on both sides", () => {
    const typed = symmetricScale(own, all, { ...CHOICE, scope: "fixed", fixed: [-0.5, 1.5] });
    expect(typed).toMatchObject({
      domain: [-1.5, 1.5],
      fixed: true,
      clipped: { below: false, above: true },
    });
  });

  it("exists where nothing differs, and not where nothing is finite", () => {
    const none = Float32Array.of(0, 0);
    expect(symmetricScale(none, [none], CHOICE)?.domain).toEqual([-1, 1]);
    const lost = Float32Array.of(NaN);
    expect(symmetricScale(lost, [lost], CHOICE)).toBeNull();
  });
});

describe("a matrix of runs", () => {
  const runs = ["a", "run-1", "run-12", "lr 0.1/seed 2"];
  const towards = (name: string) =>
    series(`towards ${name}`, [0], { layouts: [layout({ axes: [`towards ${name}`] })] });

  it("is made of lines whose axes are named after runs, the longest name first", () => {
    expect(destinationOf("towards run-12", runs)?.run).toBe("run-12");
    expect(destinationOf("towards run-1, units matched", runs)).toEqual({
      run: "run-1",
      way: "towards *, units matched",
    });
    expect(destinationOf("towards lr 0.1/seed 2", runs)?.run).toBe("lr 0.1/seed 2");
    expect(destinationOf("towards another", runs)).toBeNull();
    expect(destinationOf("a", ["", "a"])?.way).toBe("*");
  });

  it("has the lines that go the same way as the chosen one, where there are several", () => {
    const matched = series("matched", [0], {
      layouts: [layout({ axes: ["towards b, units matched"] })],
    });
    const log = catalog(
      run("a", towards("b"), matched, series("random", [0])),
      run("b", towards("a")),
    );
    const choose = (name: string) => select(log, [], { ...DEFAULT_CHOICES, series: name });
    expect(seriesToRuns(choose("towards b"), lineView)).toEqual(["towards b", "towards a"]);
    expect(seriesToRuns(choose("matched"), lineView)).toEqual(["matched"]);
    expect(hasMatrix(choose("towards b"), lineView)).toBe(true);
    expect(hasMatrix(choose("matched"), lineView)).toBe(false);
    expect(hasMatrix(choose("random"), lineView)).toBe(false);
    expect(hasMatrix(choose("towards b"), planeView)).toBe(false);
  });

  it("stands in the order of the runs, and its colors end at the largest finite number", () => {
    const cell = (from: string, to: string, value: number | string): PanelSlice => {
      const notes = new Map([["barrier", { "train/loss": { value, where: 0.5, error: null } }]]);
      const own = channel([1, 2, 1]);
      const shown = slice([1, 1, 3], [axis([0, 0.5, 1], { name: `towards ${to}` })], own, {
        notes,
      });
      const style = { color: "#000", dash: [] };
      const logged = series(`towards ${to}`, [0]);
      return {
        run: from,
        style,
        slice: shown,
        channel: own,
        focusPoint: 0,
        series: logged,
        sliceAt: () => null,
      };
    };
    const scenes = [
      [null, cell("b", "a", 0.5)],
      [cell("a", "b", "Infinity"), null],
    ];
    const columns = matrixColumns(scenes, 2, ["a", "b", "c"], lineView);
    expect(
      columns.map(({ run: name, cells }) => [name, ...cells.map((c) => c.between?.value)]),
    ).toEqual([
      ["a", undefined, 0.5],
      ["b", Infinity, undefined],
    ]);
    expect(largestOf(columns)).toBe(0.5);
    const [low, high, infinite] = [0, 0.5, Infinity].map((value) =>
      cellColors(value, 0.5, "viridis"),
    );
    expect([low?.color, high?.color]).toEqual(["#fff", "#000"]);
    expect(infinite).toEqual(high);
    expect(cellText({ label: "", title: "", value: Infinity })).toBe("∞");
  });
});

describe("a film strip", () => {
  it("has its steps spread evenly, or the nearest to those typed", () => {
    const steps = [0, 10, 20, 30, 40, 50, 60];
    expect(stripStepsOf(steps, null)).toEqual([0, 20, 40, 60]);
    expect(stripStepsOf([5], null)).toEqual([5]);
    expect(stripStepsOf([], null)).toEqual([]);
    expect(stripStepsOf(steps, readSteps("58, 1; 2 33"))).toEqual([0, 30, 60]);
    expect(readSteps("none")).toBeNull();
  });

  it("has cells of one size within its width", () => {
    const { box, size } = layOutStrip({ width: 1000, height: 600 }, 3, 4, 1, 60);
    const last = box(2, 3);
    expect(last.width).toBe(last.height);
    expect(last.x + last.width).toBeLessThanOrEqual(1000 - 60);
    expect(last.y + last.height).toBeLessThan(size.height);
  });

  it("shares the scale of what is drawn", () => {
    const drawn = [line([0, 1], [1, 3]), line([0, 1], [0.5, NaN])].flatMap((slice) =>
      slice.channels.map((channel) => ({ slice, channel, focusPoint: 0 })),
    );
    expect(stripScale(drawn, "log", null, false)).toMatchObject({ kind: "log", domain: [0.5, 3] });
    expect(stripScale(drawn, "linear", [0, 2], false)).toMatchObject({
      domain: [0, 2],
      fixed: true,
      clipped: { below: false, above: true },
    });
  });
});

describe("the table", () => {
  const rows = [
    { label: "a", values: [3, NaN, 1] },
    { label: "b", values: [2, 2, 2] },
    { label: "c", values: [NaN, NaN, NaN] },
  ];

  it("knows what differs", () => {
    expect(rows.map(differs)).toEqual([true, false, false]);
  });

  it("sorts runs by a row, those without a number last", () => {
    expect(sortedColumns(rows, 3, null)).toEqual([0, 1, 2]);
    expect(sortedColumns(rows, 3, { label: "a", descending: false })).toEqual([2, 0, 1]);
    expect(sortedColumns(rows, 3, { label: "a", descending: true })).toEqual([0, 2, 1]);
  });

  it("is written as a spreadsheet reads it", () => {
    expect(
      toCsv([
        ["a,b", 'say "x"'],
        [0.1, NaN],
        ["line\nbreak", -Infinity],
      ]),
    ).toBe('"a,b","say ""x"""\r\n0.1,nan\r\n"line\nbreak",-inf\r\n');
  });
});
