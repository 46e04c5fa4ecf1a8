import type { Box, Placement, Shape } from "./geometry";
import type { Raster } from "./raster";

export interface Stroke {
  readonly color: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  readonly opacity?: number;
}

export interface TextStyle {
  readonly color: string;
  readonly size?: number;
  readonly align?: "left" | "center" | "right";
  readonly baseline?: "top" | "middle" | "bottom";
  /** Radians, clockwise. */
  readonly angle?: number;
  /** A border around the letters, so that they can be read on any ground. */
  readonly halo?: string;
  readonly bold?: boolean;
}

/** What marks draw on: a canvas on screen, or the text of an SVG file. Units are CSS pixels. */
export interface Surface2D {
  readonly width: number;
  readonly height: number;
  rect(box: Box, fill: string): void;
  stroke(shape: Shape, placement: Placement, stroke: Stroke): void;
  fill(shape: Shape, placement: Placement, color: string, opacity?: number): void;
  circle(x: number, y: number, radius: number, fill: string, border?: Stroke): void;
  text(x: number, y: number, text: string, style: TextStyle): void;
  image(raster: Raster, box: Box): void;
  clip(box: Box, draw: () => void): void;
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
export const FONT_SIZE = 11;
