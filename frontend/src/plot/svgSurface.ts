import type { Box, Placement, Shape } from "./geometry";
import type { Raster } from "./raster";
import { FONT, FONT_SIZE, type Stroke, type Surface2D, type TextStyle } from "./surface";

const ANCHORS = { left: "start", center: "middle", right: "end" } as const;
// Letters of 11 px: how far below the given y the base line is. Few programs know dominant-baseline.
const DROP = { top: 0.8, middle: 0.35, bottom: -0.2 } as const;

/** Writes the same drawing as an SVG file. */
export class SvgSurface implements Surface2D {
  private readonly parts: string[] = [];
  private clips = 0;

  /** `encode` turns a raster into an image address, such as a data URL of a PNG. */
  constructor(
    readonly width: number,
    readonly height: number,
    private readonly encode: (raster: Raster) => string,
  ) {}

  toString(): string {
    const { width, height } = this;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
      `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `font-family="${escapeXml(FONT)}">\n${this.parts.join("\n")}\n</svg>\n`
    );
  }

  rect(box: Box, fill: string): void {
    this.parts.push(`<rect ${boxAttributes(box)} fill="${escapeXml(fill)}"/>`);
  }

  stroke(shape: Shape, placement: Placement, stroke: Stroke): void {
    if (shape.lines.length === 0) return;
    this.parts.push(
      `<path d="${pathData(shape, placement)}" fill="none" stroke-linejoin="round"${strokeAttributes(stroke)}/>`,
    );
  }

  fill(shape: Shape, placement: Placement, color: string, opacity = 1): void {
    if (shape.lines.length === 0) return;
    const d = pathData(shape, placement);
    this.parts.push(`<path d="${d}" fill="${escapeXml(color)}" fill-opacity="${opacity}"/>`);
  }

  circle(x: number, y: number, radius: number, fill: string, border?: Stroke): void {
    this.parts.push(
      `<circle cx="${short(x)}" cy="${short(y)}" r="${short(radius)}" fill="${escapeXml(fill)}"` +
        `${border ? strokeAttributes(border) : ""}/>`,
    );
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    const size = style.size ?? FONT_SIZE;
    const turn = style.angle
      ? ` transform="rotate(${short((style.angle * 180) / Math.PI)} ${short(x)} ${short(y)})"`
      : "";
    const halo = style.halo
      ? ` paint-order="stroke" stroke="${escapeXml(style.halo)}" stroke-width="3" stroke-linejoin="round"`
      : "";
    this.parts.push(
      `<text x="${short(x)}" y="${short(y + size * DROP[style.baseline ?? "middle"])}" ` +
        `font-size="${size}" text-anchor="${ANCHORS[style.align ?? "left"]}" ` +
        `fill="${escapeXml(style.color)}"${style.bold ? ' font-weight="600"' : ""}${halo}${turn}>` +
        `${escapeXml(text)}</text>`,
    );
  }

  image(raster: Raster, box: Box): void {
    const address = escapeXml(this.encode(raster));
    this.parts.push(
      `<image ${boxAttributes(box)} preserveAspectRatio="none" href="${address}" xlink:href="${address}"/>`,
    );
  }

  clip(box: Box, draw: () => void): void {
    const id = `clip${(this.clips += 1)}`;
    this.parts.push(`<clipPath id="${id}"><rect ${boxAttributes(box)}/></clipPath>`);
    this.parts.push(`<g clip-path="url(#${id})">`);
    draw();
    this.parts.push("</g>");
  }
}

function pathData(shape: Shape, { scaleX, scaleY, shiftX, shiftY }: Placement): string {
  let data = "";
  for (const line of shape.lines) {
    for (let i = 0; i < line.length; i += 2) {
      const x = (line[i] ?? 0) * scaleX + shiftX;
      const y = (line[i + 1] ?? 0) * scaleY + shiftY;
      data += `${i === 0 ? "M" : "L"}${short(x)} ${short(y)}`;
    }
  }
  return data;
}

function strokeAttributes({ color, width = 1, dash = [], opacity = 1 }: Stroke): string {
  return (
    ` stroke="${escapeXml(color)}" stroke-width="${width}"` +
    (dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : "") +
    (opacity < 1 ? ` stroke-opacity="${opacity}"` : "")
  );
}

function boxAttributes({ x, y, width, height }: Box): string {
  return `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
}

function short(value: number): string {
  return `${Math.round(value * 100) / 100}`;
}

export function escapeXml(text: string): string {
  return Array.from(text)
    .filter(isAllowedInXml)
    .join("")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

// XML has no way to write most control characters, nor half of a surrogate pair.
function isAllowedInXml(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d;
  return (code < 0xd800 || code > 0xdfff) && code !== 0xfffe && code !== 0xffff;
}
