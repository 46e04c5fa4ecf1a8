import { IN_PLACE, type Box } from "../geometry";
import type { Surface2D } from "../surface";
import type { Theme } from "../theme";

const SPACING = 6;

/** Where values are not finite: diagonal lines, as fields have them, and never a color of a value. */
export function drawHatch(surface: Surface2D, box: Box, theme: Theme): void {
  const { x, y, width, height } = box;
  if (width <= 0 || height <= 0) return;
  surface.clip(box, () => {
    surface.rect(box, css(theme.hatchGround));
    const lines: Float64Array[] = [];
    // Anchored to the surface and not to the box: neighbors join without a seam.
    const first = Math.floor((x + y) / SPACING) * SPACING;
    for (let sum = first; sum <= x + y + width + height; sum += SPACING) {
      lines.push(Float64Array.of(sum - y, y, sum - y - height, y + height));
    }
    surface.stroke({ lines }, IN_PLACE, { color: css(theme.hatch), width: 1 });
  });
}

function css([red, green, blue]: readonly [number, number, number]): string {
  return `rgb(${red}, ${green}, ${blue})`;
}
