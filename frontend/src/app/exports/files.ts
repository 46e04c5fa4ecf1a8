import { shadesBetween } from "../../data/runColors";
import { bitmapOf, createCanvasSurface } from "../../plot/canvasSurface";
import { colorsBetween, RecoloredSurface } from "../../plot/recoloredSurface";
import { SvgSurface } from "../../plot/svgSurface";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import type { Ground } from "../../state/store";
import type { Composition } from "./composition";

/** How a picture is put into a file: what is behind it, and in which theme the page drew it. */
export interface Look {
  readonly ground: Ground;
  readonly dark: boolean;
}

/** The picture as an SVG file: the same drawing, as vectors. */
export function toSvg(composition: Composition, look: Look): Blob {
  const { width, height } = composition.size;
  const surface = new SvgSurface(width, height, (raster) => {
    return bitmapOf(raster)?.toDataURL("image/png") ?? "";
  });
  drawOn(surface, composition, look);
  return new Blob([surface.toString()], { type: "image/svg+xml" });
}

export function toCanvas(
  canvas: HTMLCanvasElement,
  composition: Composition,
  look: Look,
  density: number,
): boolean {
  const { width, height } = composition.size;
  const surface = createCanvasSurface(canvas, width, height, density);
  if (surface) drawOn(surface, composition, look);
  return surface !== null;
}

export function toPng(composition: Composition, look: Look, density: number): Promise<Blob> {
  const canvas = document.createElement("canvas");
  toCanvas(canvas, composition, look, density);
  return blobOf(canvas, "image/png");
}

export function blobOf(canvas: HTMLCanvasElement, type: string, quality?: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => {
        if (blob) resolve(blob);
        else reject(new Error("The picture is too large for this browser; take fewer pixels."));
      },
      type,
      quality,
    );
  });
}

function drawOn(surface: Surface2D, { size, draw }: Composition, { ground, dark }: Look): void {
  const from = themeFor(dark);
  const to = themeFor(ground === "dark");
  const colors = [...colorsBetween(from, to), ...shadesBetween(dark, ground === "dark")];
  const target = from === to ? surface : new RecoloredSurface(surface, new Map(colors));
  if (ground !== "transparent") surface.rect({ x: 0, y: 0, ...size }, to.background);
  draw(target, from);
}

/** Whether the browser took it: on plain http it has no clipboard for pictures. */
export async function copyPicture(png: Promise<Blob>): Promise<boolean> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    return true;
  } catch {
    return false;
  }
}
