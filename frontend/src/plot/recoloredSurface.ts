import type { Box, Placement, Shape } from "./geometry";
import type { Raster } from "./raster";
import type { Stroke, Surface2D, TextStyle } from "./surface";
import type { Theme } from "./theme";

/** Draws in another theme: a dark page gives light pictures without being drawn anew. */
export class RecoloredSurface implements Surface2D {
  constructor(
    private readonly target: Surface2D,
    private readonly colors: ReadonlyMap<string, string>,
  ) {}

  get width(): number {
    return this.target.width;
  }

  get height(): number {
    return this.target.height;
  }

  rect(box: Box, fill: string): void {
    this.target.rect(box, this.color(fill));
  }

  stroke(shape: Shape, placement: Placement, stroke: Stroke): void {
    this.target.stroke(shape, placement, { ...stroke, color: this.color(stroke.color) });
  }

  fill(shape: Shape, placement: Placement, color: string, opacity?: number): void {
    this.target.fill(shape, placement, this.color(color), opacity);
  }

  circle(x: number, y: number, radius: number, fill: string, border?: Stroke): void {
    const own = border && { ...border, color: this.color(border.color) };
    this.target.circle(x, y, radius, this.color(fill), own);
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    const halo = style.halo === undefined ? {} : { halo: this.color(style.halo) };
    this.target.text(x, y, text, { ...style, color: this.color(style.color), ...halo });
  }

  image(raster: Raster, box: Box): void {
    this.target.image(raster, box);
  }

  clip(box: Box, draw: () => void): void {
    this.target.clip(box, draw);
  }

  private color(color: string): string {
    return this.colors.get(color) ?? color;
  }
}

/** Which color of one theme stands for which of another. */
export function colorsBetween(from: Theme, to: Theme): Map<string, string> {
  const result = new Map<string, string>();
  for (const [name, color] of Object.entries(from)) {
    const other: unknown = to[name as keyof Theme];
    if (typeof color === "string" && typeof other === "string") result.set(color, other);
  }
  return result;
}
