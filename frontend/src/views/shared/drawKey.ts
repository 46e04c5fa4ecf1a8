import { IN_PLACE, type Box } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import { textWidth } from "../../plot/textWidth";
import type { Theme } from "../../plot/theme";

export interface KeyEntry {
  readonly label: string;
  readonly color: string;
  readonly opacity: number;
  /** An area, or a line as thick as this. */
  readonly thickness?: number;
}

const SIZE = 10;
const SWATCH = 14;

/** What the marks of a picture mean, in its upper left corner; left out where there is no room. */
export function drawKey(
  surface: Surface2D,
  box: Box,
  entries: readonly KeyEntry[],
  theme: Theme,
): void {
  let x = box.x + 8;
  const y = box.y + 12;
  for (const { label, color, opacity, thickness = 9 } of entries) {
    const width = SWATCH + 5 + textWidth(label, SIZE);
    if (x + width > box.x + box.width - 4) return;
    const top = y - thickness / 2;
    const bottom = top + thickness;
    const right = x + SWATCH;
    const swatch = {
      lines: [Float64Array.of(x, top, right, top, right, bottom, x, bottom, x, top)],
    };
    surface.fill(swatch, IN_PLACE, color, opacity);
    if (opacity < 1) surface.stroke(swatch, IN_PLACE, { color: theme.frame, width: 0.75 });
    const style = { color: theme.muted, size: SIZE, halo: theme.background };
    surface.text(x + SWATCH + 5, y, label, style);
    x += width + 14;
  }
}
