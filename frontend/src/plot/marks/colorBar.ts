import { crisp, drawFrame, line } from "../axes";
import type { Box } from "../geometry";
import { createPainter, type Paint, type Raster } from "../raster";
import type { Scale } from "../scale";
import type { Surface2D } from "../surface";

/** The colors of a scale from bottom to top, with its ticks on the right. */
export function drawColorBar(surface: Surface2D, box: Box, scale: Scale, paint: Paint): void {
  surface.image(barRaster(paint, 256), box);
  drawFrame(surface, box, paint.theme);
  const right = box.x + box.width;
  for (const { value, label } of scale.ticks(Math.max(2, box.height / 40))) {
    const y = crisp(box.y + (1 - scale.toShare(value)) * box.height);
    line(surface, right, y, right + 3, y, paint.theme.frame);
    surface.text(right + 6, y, label, { color: paint.theme.muted });
  }
}

function barRaster(paint: Paint, height: number): Raster {
  const pixels = new Uint8ClampedArray(4 * height);
  const put = createPainter(pixels, 1, paint);
  for (let py = 0; py < height; py += 1) {
    put(0, py, 1 - py / (height - 1));
  }
  return { width: 1, height, pixels };
}
