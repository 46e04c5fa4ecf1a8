import { crisp, drawFrame, line } from "../axes";
import { cssColor } from "../colorMaps";
import { IN_PLACE, type Box } from "../geometry";
import { createPainter, type Paint, type Raster } from "../raster";
import type { Scale, Tick } from "../scale";
import type { Surface2D } from "../surface";
import { textWidth } from "../textWidth";

const GAP = 12;
const WIDTH = 10;
const TICK = 6;
const EDGE = 8;
const CAP = 9;

/** At which ends of a scale values lie beyond it. */
export interface Clipped {
  readonly below: boolean;
  readonly above: boolean;
}

export const UNCLIPPED: Clipped = { below: false, above: false };

/** The room that a bar `height` pixels high takes at the right of a picture, its numbers included. */
export function colorBarRoom(scale: Scale, height: number): number {
  const labels = ticksOf(scale, height).map(({ label }) => textWidth(label));
  return Math.ceil(GAP + WIDTH + TICK + Math.max(24, ...labels) + EDGE);
}

/** The bar that stands at the right of a picture, as high as that. */
export function colorBarBeside({ x, y, width, height }: Box): Box {
  return { x: x + width + GAP, y, width: WIDTH, height };
}

/**
 * The colors of a scale from bottom to top, with its ticks on the right. Where values lie beyond
 * an end of the scale, the bar ends in a point.
 */
export function drawColorBar(
  surface: Surface2D,
  whole: Box,
  scale: Scale,
  paint: Paint,
  { below, above }: Clipped = UNCLIPPED,
): void {
  const top = whole.y + (above ? CAP : 0);
  const bottom = whole.y + whole.height - (below ? CAP : 0);
  const box = { ...whole, y: top, height: Math.max(1, bottom - top) };
  surface.image(barRaster(paint, 256), box);
  drawFrame(surface, box, paint.theme);
  const right = box.x + box.width;
  const cap = (from: number, to: number, share: number) => {
    const [x0, x1, base, tip] = [crisp(box.x), crisp(right), crisp(from), crisp(to)];
    const outline = Float64Array.of(x0, base, (x0 + x1) / 2, tip, x1, base, x0, base);
    surface.fill({ lines: [outline] }, IN_PLACE, cssColor(paint.colorMap, share));
    surface.stroke({ lines: [outline] }, IN_PLACE, { color: paint.theme.frame });
  };
  if (above) cap(top, whole.y, 1);
  if (below) cap(bottom, whole.y + whole.height, 0);
  for (const { value, label } of ticksOf(scale, box.height)) {
    const y = crisp(box.y + (1 - scale.toShare(value)) * box.height);
    line(surface, right, y, right + 3, y, paint.theme.frame);
    surface.text(right + TICK, y, label, { color: paint.theme.muted });
  }
}

function ticksOf(scale: Scale, height: number): readonly Tick[] {
  return scale.ticks(Math.max(2, height / 40));
}

function barRaster(paint: Paint, height: number): Raster {
  const pixels = new Uint8ClampedArray(4 * height);
  const put = createPainter(pixels, 1, paint);
  for (let py = 0; py < height; py += 1) {
    put(0, py, 1 - py / (height - 1));
  }
  return { width: 1, height, pixels };
}
