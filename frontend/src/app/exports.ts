import { bitmapOf, createCanvasSurface } from "../plot/canvasSurface";
import { SvgSurface } from "../plot/svgSurface";
import type { Surface2D } from "../plot/surface";
import { textWidth } from "../plot/textWidth";
import type { Theme } from "../plot/theme";
import type { Picture } from "../ui/plotRegistry";

const PNG_DENSITY = 3;

/** The picture as an SVG file: the same drawing, as vectors, over sentences about it. */
export function toSvg({ size, draw }: Picture, theme: Theme, caption: readonly string[]): string {
  const lines = wrapped(caption, size.width - 2 * LEFT);
  const height = size.height + heightOf(lines);
  const surface = new SvgSurface(size.width, height, (raster) => {
    return bitmapOf(raster)?.toDataURL("image/png") ?? "";
  });
  surface.rect({ x: 0, y: 0, width: size.width, height }, theme.background);
  draw(surface);
  write(surface, lines, size.height, theme);
  return surface.toString();
}

const LEFT = 8;
const LETTERS = 9;
const LINE = 13;

function heightOf(lines: readonly string[]): number {
  return LINE * lines.length + 5;
}

function write(surface: Surface2D, lines: readonly string[], top: number, theme: Theme): void {
  for (const [i, line] of lines.entries()) {
    surface.text(LEFT, top + LINE * (i + 0.5) + 2, line, { color: theme.muted, size: LETTERS });
  }
}

/** Each sentence on lines of its own, none wider than that unless a single word is. */
function wrapped(sentences: readonly string[], width: number): string[] {
  return sentences.flatMap((sentence) => {
    const lines: string[] = [];
    for (const word of sentence.split(" ")) {
      const longer = `${lines.at(-1) ?? ""} ${word}`;
      if (lines.length > 0 && textWidth(longer, LETTERS) <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  });
}

export function toPng(
  { size, draw }: Picture,
  theme: Theme,
  caption: readonly string[],
): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  const lines = wrapped(caption, size.width - 2 * LEFT);
  const height = size.height + heightOf(lines);
  const surface = createCanvasSurface(canvas, size.width, height, PNG_DENSITY);
  if (!surface) return Promise.resolve(null);
  surface.rect({ x: 0, y: 0, width: size.width, height }, theme.background);
  draw(surface);
  write(surface, lines, size.height, theme);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** A name that every file system takes. */
export function fileName(parts: readonly string[], ending: string): string {
  const stem = parts
    .join(" ")
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
    .replaceAll(/\.{2,}/g, ".")
    .replace(/^[._-]+/, "")
    .slice(0, 120);
  return `${stem || "slice"}.${ending}`;
}

export function download(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
