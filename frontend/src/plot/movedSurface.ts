import type { Box, Placement, Shape } from "./geometry";
import type { Raster } from "./raster";
import type { Stroke, Surface2D, TextStyle } from "./surface";

/** A part of a surface, with its own origin: several pictures become one. */
export class MovedSurface implements Surface2D {
  constructor(
    private readonly whole: Surface2D,
    private readonly box: Box,
  ) {}

  get width(): number {
    return this.box.width;
  }

  get height(): number {
    return this.box.height;
  }

  rect(box: Box, fill: string): void {
    this.whole.rect(this.moved(box), fill);
  }

  stroke(shape: Shape, placement: Placement, stroke: Stroke): void {
    this.whole.stroke(shape, this.placed(placement), stroke);
  }

  fill(shape: Shape, placement: Placement, color: string, opacity?: number): void {
    this.whole.fill(shape, this.placed(placement), color, opacity);
  }

  circle(x: number, y: number, radius: number, fill: string, border?: Stroke): void {
    this.whole.circle(x + this.box.x, y + this.box.y, radius, fill, border);
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    this.whole.text(x + this.box.x, y + this.box.y, text, style);
  }

  image(raster: Raster, box: Box): void {
    this.whole.image(raster, this.moved(box));
  }

  clip(box: Box, draw: () => void): void {
    this.whole.clip(this.moved(box), draw);
  }

  private moved(box: Box): Box {
    return { ...box, x: box.x + this.box.x, y: box.y + this.box.y };
  }

  private placed(placement: Placement): Placement {
    const { shiftX, shiftY } = placement;
    return { ...placement, shiftX: shiftX + this.box.x, shiftY: shiftY + this.box.y };
  }
}
