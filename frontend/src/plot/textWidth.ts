import { FONT, FONT_SIZE } from "./surface";

let context: CanvasRenderingContext2D | null | undefined;

/** How many pixels a text takes; a generous guess where there is nothing to measure it with. */
export function textWidth(text: string, size = FONT_SIZE): number {
  context ??= document.createElement("canvas").getContext("2d");
  if (!context) return 0.66 * size * text.length;
  context.font = `${size}px ${FONT}`;
  return context.measureText(text).width;
}
