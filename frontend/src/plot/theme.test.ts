import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { themeFor } from "./theme";

type Rgba = readonly [number, number, number, number];

function parse(color: string): Rgba {
  const hex = /^#(..)(..)(..)$/.exec(color);
  const part = (i: number) => parseInt(hex?.[i] ?? "", 16);
  if (hex) return [part(1), part(2), part(3), 1];
  const [r = NaN, g = NaN, b = NaN, a = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b, a];
}

/** The contrast ratio of WCAG 2.2 of a color that may be translucent on an opaque one. */
function contrast(above: string, below: string): number {
  const [ground, paint] = [parse(below), parse(above)];
  const mixed = [0, 1, 2].map((i) => {
    const alpha = paint[3];
    return (paint[i] ?? NaN) * alpha + (ground[i] ?? NaN) * (1 - alpha);
  });
  const luminance = (rgb: readonly number[]) => {
    const [r = NaN, g = NaN, b = NaN] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dim = NaN, bright = NaN] = [luminance(mixed), luminance(ground)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}

/** The variables of a block of tokens.css. */
function tokens(selector: string): Map<string, string> {
  const css = readFileSync("src/styles/tokens.css", "utf8");
  const start = css.indexOf(`${selector} {`);
  const block = css.slice(start, css.indexOf("}", start));
  return new Map([...block.matchAll(/--([\w-]+): ([^;]+);/g)].map(([, k = "", v = ""]) => [k, v]));
}

describe.each([
  ["light", ":root", false],
  ["dark", ':root[data-theme="dark"]', true],
] as const)("the %s theme", (_, selector, dark) => {
  const theme = themeFor(dark);
  const css = tokens(selector);
  const token = (name: string) => css.get(name) ?? "missing";

  it("says the same to canvases and to CSS", () => {
    expect(theme.background).toBe(token("background"));
    expect(theme.text).toBe(token("text"));
    expect(theme.muted).toBe(token("muted"));
    expect(theme.playHead).toBe(token("accent"));
  });

  it("writes in colors that can be read on every ground", () => {
    for (const ground of ["background", "surface", "raised"]) {
      for (const name of ["text", "muted", "link", "error", "warning"]) {
        expect(contrast(token(name), token(ground)), `${name} on ${ground}`).toBeGreaterThan(4.5);
      }
      expect(contrast(token("focus"), token(ground)), `focus on ${ground}`).toBeGreaterThan(3);
    }
    expect(contrast(token("text"), token("warning-ground"))).toBeGreaterThan(4.5);
  });
});

describe("contrast", () => {
  it("is that of the standard's own examples", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 6);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });
});
