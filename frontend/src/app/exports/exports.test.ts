import { describe, expect, it } from "vitest";
import { stepsBetween } from "./animation";
import { composePanel } from "./composition";
import { fileName } from "../download";
import { leastEvery, pageBytes } from "./pageSize";
import { snippetOf } from "./snippet";
import { vp8Of } from "./webm";
import { crc32, zip } from "./zip";
import type { Series } from "../../data/catalog";
import { colorsBetween, RecoloredSurface } from "../../plot/recoloredSurface";
import { SvgSurface } from "../../plot/svgSurface";
import { themeFor } from "../../plot/theme";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("zip", () => {
  it("knows the check value of its sum", () => {
    expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
  });

  it("names and places every file in its directory", async () => {
    const archive = zip([
      { name: "ä.txt", content: bytes("one") },
      { name: "b", content: bytes("") },
    ]);
    const view = new DataView(await archive.arrayBuffer());
    const end = view.byteLength - 22;
    expect(view.getUint16(end + 10, true)).toBe(2);
    const directory = view.getUint32(end + 16, true);
    expect(view.getUint32(directory, true)).toBe(0x02014b50);
    const second = directory + 46 + view.getUint16(directory + 28, true);
    const place = view.getUint32(second + 42, true);
    expect(view.getUint32(place, true)).toBe(0x04034b50);
    expect(place).toBe(30 + bytes("ä.txt").length + 3);
  });
});

it("vp8Of finds the picture behind other chunks, odd ones too", () => {
  const chunk = (name: string, content: number[]) => [
    ...bytes(name),
    ...[content.length, 0, 0, 0],
    ...content,
    ...(content.length % 2 ? [0] : []),
  ];
  const start = [...bytes("RIFF"), 0, 0, 0, 0, ...bytes("WEBP")];
  const file = Uint8Array.from([...start, ...chunk("ALPH", [1]), ...chunk("VP8 ", [7, 8, 9])]);
  expect([...vp8Of(file)]).toEqual([7, 8, 9]);
  expect(() => vp8Of(Uint8Array.from(start))).toThrow("choose pictures");
});

describe("snippetOf", () => {
  const shown = {
    logdir: "runs",
    run: 'a"b\\c\u2028\u202e\n',
    series: "s",
    step: 500,
    channel: "train/loss",
    focusPoint: null,
    stride: 1,
    scale: "log",
    allSteps: false,
  } as const;

  it("writes names as Python reads them", () => {
    const text = snippetOf(shown);
    expect(text).toContain(String.raw`["a\"b\\c\u2028\u202e\n"]["s"]`);
    expect(text).toContain('ps.plot(series[500], "train/loss", scale="log")');
  });

  it("says resolution, focus point, and all steps", () => {
    expect(snippetOf({ ...shown, stride: 2, focusPoint: 1 })).toContain(
      'series[500].coarsen(2), "train/loss", scale="log", focus_point=1)',
    );
    expect(snippetOf({ ...shown, allSteps: true })).toContain("ps.plot(series,");
    expect(snippetOf({ ...shown, logdir: "" })).toContain("# the directory that TensorBoard");
  });
});

it("stepsBetween keeps the last step of the range", () => {
  expect(stepsBetween([0, 10, 20, 30, 40], 10, 40, 2)).toEqual([10, 30, 40]);
  expect(stepsBetween([0, 10], 5, 7, 1)).toEqual([]);
});

it("file names hold nothing that a file system refuses", () => {
  expect(fileName(["../a/b:c", "<é>"], "svg")).toBe("a-b-c-é-.svg");
  expect(fileName(["", ""], "csv")).toBe("slices.csv");
});

it("a page's size counts its steps", () => {
  const layout = { kind: "plane", method: "", shape: [1, 100, 100], channels: ["a"], axes: [] };
  const steps = Array.from({ length: 10_001 }, (_, i) => i);
  const series = {
    layouts: [layout],
    steps,
    layoutIndices: steps.map(() => 0),
  } as unknown as Series;
  // 40,000 bytes of values a step, behind base64.
  expect(pageBytes([series], 1)).toBeGreaterThan(10_001 * 53_333);
  expect(leastEvery([series], [1, 2, 5, 10])).toBe(5);
});

it("several pictures keep their places under their titles", () => {
  const pictures = [0, 1].map((i) => ({
    size: { width: 100, height: 50 },
    title: `cell ${i}`,
    draw: (surface: { rect: SvgSurface["rect"] }) =>
      surface.rect({ x: 1, y: 2, width: 3, height: 4 }, "red"),
    element: () =>
      ({ getBoundingClientRect: () => ({ left: 10 + 120 * i, top: 30 }) }) as HTMLElement,
  }));
  const composed = composePanel(pictures, ["said"]);
  const surface = new SvgSurface(300, 100, () => "");
  composed?.draw(surface, themeFor(false));
  const places = [...surface.toString().matchAll(/<rect x="(\d+)" y="(\d+)"/g)].map((found) =>
    found.slice(1, 3).map(Number),
  );
  expect(places).toEqual([
    [1, 18],
    [121, 18],
  ]);
  expect(surface.toString()).toContain("cell 1");
  expect(surface.toString()).toContain("said");
});

it("a dark page gives light pictures", () => {
  const [dark, light] = [themeFor(true), themeFor(false)];
  const surface = new SvgSurface(10, 10, () => "");
  const recolored = new RecoloredSurface(surface, colorsBetween(dark, light));
  recolored.text(0, 0, "a", { color: dark.text, halo: dark.background });
  recolored.circle(0, 0, 1, "#12b5cb");
  expect(surface.toString()).toContain(light.text);
  expect(surface.toString()).toContain(light.background);
  expect(surface.toString()).toContain("#12b5cb");
  expect(surface.toString()).not.toContain(dark.text);
});
