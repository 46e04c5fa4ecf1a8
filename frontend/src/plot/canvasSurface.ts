import type { Box, Placement, Shape } from "./geometry";
import type { Raster } from "./raster";
import { FONT, FONT_SIZE, type Stroke, type Surface2D, type TextStyle } from "./surface";

// Shapes are kept by whoever computed them; their native form lives as long, for one placement.
const paths = new WeakMap<Shape, { placement: Placement; path: Path2D }>();

/** Draws on a canvas element, sharp at any pixel density. */
export function createCanvasSurface(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  density: number,
): Surface2D | null {
  const context = canvas.getContext("2d");
  if (!context) return null;
  const pixelWidth = Math.max(1, Math.round(width * density));
  const pixelHeight = Math.max(1, Math.round(height * density));
  if (canvas.width !== pixelWidth) canvas.width = pixelWidth;
  if (canvas.height !== pixelHeight) canvas.height = pixelHeight;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return new CanvasSurface(context, width, height);
}

class CanvasSurface implements Surface2D {
  /** The one that is set. */
  private font = "";

  constructor(
    private readonly context: CanvasRenderingContext2D,
    readonly width: number,
    readonly height: number,
  ) {}

  rect(box: Box, fill: string): void {
    this.context.fillStyle = fill;
    this.context.fillRect(box.x, box.y, box.width, box.height);
  }

  stroke(shape: Shape, placement: Placement, stroke: Stroke): void {
    const { context } = this;
    context.strokeStyle = stroke.color;
    context.lineWidth = stroke.width ?? 1;
    context.lineJoin = "round";
    context.setLineDash([...(stroke.dash ?? [])]);
    context.globalAlpha = stroke.opacity ?? 1;
    context.stroke(placed(shape, placement));
    context.globalAlpha = 1;
  }

  fill(shape: Shape, placement: Placement, color: string, opacity = 1): void {
    this.context.fillStyle = color;
    this.context.globalAlpha = opacity;
    this.context.fill(placed(shape, placement));
    this.context.globalAlpha = 1;
  }

  circle(x: number, y: number, radius: number, fill: string, border?: Stroke): void {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    if (!border) return;
    context.setLineDash([]);
    context.strokeStyle = border.color;
    context.lineWidth = border.width ?? 1;
    context.stroke();
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    const { context } = this;
    const font = `${style.bold ? "600 " : ""}${style.size ?? FONT_SIZE}px ${FONT}`;
    // Browsers parse a font each time it is set, and most texts of a picture have the same.
    if (font !== this.font) context.font = this.font = font;
    context.textAlign = style.align ?? "left";
    context.textBaseline = style.baseline ?? "middle";
    if (style.angle) {
      context.save();
      context.translate(x, y);
      context.rotate(style.angle);
      this.letters(0, 0, text, style);
      context.restore();
    } else this.letters(x, y, text, style);
  }

  image(raster: Raster, box: Box): void {
    const { width, height } = raster;
    const bitmap = onto(scratchOf(width, height), raster);
    if (!bitmap) return;
    this.context.drawImage(bitmap, 0, 0, width, height, box.x, box.y, box.width, box.height);
  }

  clip(box: Box, draw: () => void): void {
    const { font } = this;
    this.context.save();
    this.context.beginPath();
    this.context.rect(box.x, box.y, box.width, box.height);
    this.context.clip();
    draw();
    this.context.restore();
    this.font = font;
  }

  private letters(x: number, y: number, text: string, { color, halo }: TextStyle): void {
    const { context } = this;
    if (halo) {
      context.setLineDash([]);
      context.strokeStyle = halo;
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeText(text, x, y);
    }
    context.fillStyle = color;
    context.fillText(text, x, y);
  }
}

// The path is scaled and not the context, so that strokes keep their width.
function placed(shape: Shape, placement: Placement): Path2D {
  const { scaleX, scaleY, shiftX, shiftY } = placement;
  const known = paths.get(shape);
  const last = known?.placement;
  if (
    known &&
    last?.scaleX === scaleX &&
    last.scaleY === scaleY &&
    last.shiftX === shiftX &&
    last.shiftY === shiftY
  ) {
    return known.path;
  }
  const path = new Path2D();
  for (const line of shape.lines) {
    path.moveTo((line[0] ?? 0) * scaleX + shiftX, (line[1] ?? 0) * scaleY + shiftY);
    for (let i = 2; i < line.length; i += 2) {
      path.lineTo((line[i] ?? 0) * scaleX + shiftX, (line[i + 1] ?? 0) * scaleY + shiftY);
    }
  }
  paths.set(shape, { placement, path });
  return path;
}

/** The raster as a picture of its own. */
export function bitmapOf(raster: Raster): HTMLCanvasElement | null {
  const canvas = document.createElement("canvas");
  canvas.width = raster.width;
  canvas.height = raster.height;
  return onto(canvas, raster);
}

// One for all pictures of a size: a canvas a frame and picture would be the collector's work. As
// large as the raster, since what lies beside it would show when it is stretched.
const scratches = new Map<string, HTMLCanvasElement>();
const MOST_SCRATCHES = 16;

function scratchOf(width: number, height: number): HTMLCanvasElement {
  const size = `${width} ${height}`;
  const known = scratches.get(size);
  if (known) return known;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  if (scratches.size >= MOST_SCRATCHES) scratches.clear();
  scratches.set(size, canvas);
  return canvas;
}

function onto(canvas: HTMLCanvasElement, raster: Raster): HTMLCanvasElement | null {
  const context = canvas.getContext("2d");
  context?.putImageData(new ImageData(raster.pixels, raster.width, raster.height), 0, 0);
  return context && canvas;
}
