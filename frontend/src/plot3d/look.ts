import type { ColorMapName } from "../plot/colorMaps";
import type { Point, Projection } from "./projection";

/** How a surface is colored and lined. */
export interface Look {
  readonly colorMap: ColorMapName;
  /** Of several surfaces, a color for each, through which one sees; nothing for colors by height. */
  readonly tints: readonly string[] | null;
  /** Heights between 0 and 1 at which it is lined; the major ones stronger. */
  readonly levels: readonly { readonly share: number; readonly major: boolean }[];
  /** Only the lines between samples, in front of a surface of this color; nothing for a solid one. */
  readonly wire: string | null;
}

/** How much of what is behind a tinted surface it hides. */
export const TRANSLUCENT = 0.55;

const AMBIENT = 0.72;
const DIFFUSE = 0.36;
// Over the left shoulder, and well above.
const LEFT = -0.55;
const BEHIND = -0.35;
const ABOVE = 0.76;

/** Where light comes from: it goes along with the camera, so that no side is ever dark. */
export function lightOf({ right }: Projection): Point {
  const [x, y] = right;
  return [LEFT * x - BEHIND * y, LEFT * y + BEHIND * x, ABOVE];
}

export const SHADING = { ambient: AMBIENT, diffuse: DIFFUSE } as const;

/** What a color is multiplied by where heights rise by that much. */
export function shade(light: Point, slopeX: number, slopeY: number): number {
  const facing = light[2] - slopeX * light[0] - slopeY * light[1];
  return AMBIENT + DIFFUSE * Math.max(0, facing / Math.hypot(slopeX, slopeY, 1));
}

/** Red, green and blue of a color such as #12b5cb, between 0 and 255. */
export function channels(hex: string): readonly number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
