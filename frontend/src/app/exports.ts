import { bitmapOf, createCanvasSurface } from "../plot/canvasSurface";
import { SvgSurface } from "../plot/svgSurface";
import type { Theme } from "../plot/theme";
import type { Picture } from "../ui/plotRegistry";

const PNG_DENSITY = 3;

/** The picture as an SVG file: the same drawing, as vectors. */
export function toSvg({ size, draw }: Picture, theme: Theme, caption: string): string {
  const height = size.height + CAPTION;
  const surface = new SvgSurface(size.width, height, (raster) => {
    return bitmapOf(raster)?.toDataURL("image/png") ?? "";
  });
  surface.rect({ x: 0, y: 0, width: size.width, height }, theme.background);
  draw(surface);
  surface.text(8, size.height + CAPTION / 2, caption, { color: theme.muted, size: 9 });
  return surface.toString();
}

const CAPTION = 18;

export function toPng(
  { size, draw }: Picture,
  theme: Theme,
  caption: string,
): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  const height = size.height + CAPTION;
  const surface = createCanvasSurface(canvas, size.width, height, PNG_DENSITY);
  if (!surface) return Promise.resolve(null);
  surface.rect({ x: 0, y: 0, width: size.width, height }, theme.background);
  draw(surface);
  surface.text(8, size.height + CAPTION / 2, caption, { color: theme.muted, size: 9 });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** A name that every file system takes. */
export function fileName(parts: readonly string[], ending: string): string {
  const stem = parts
    .join(" ")
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
    .slice(0, 120);
  return `${stem}.${ending}`;
}

export function download(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
