import type { Size } from "../../plot/chart";
import { line } from "../../plot/axes";
import { elideMiddle, formatStep } from "../../plot/format";
import type { Box } from "../../plot/geometry";
import { MovedSurface } from "../../plot/movedSurface";
import type { Surface2D } from "../../plot/surface";
import { textWidth } from "../../plot/textWidth";
import type { Theme } from "../../plot/theme";
import type { LegendEntry, Picture } from "../../ui/plotRegistry";
import { commonCaption } from "../panelCaption";

/** A drawing for a file, in the theme of the page. */
export interface Composition {
  readonly size: Size;
  readonly draw: (surface: Surface2D, theme: Theme) => void;
}

const TITLE = 16;
const HEAD = 24;
const LEFT = 8;
const LETTERS = 9;
const LINE = 13;
const GAP = 12;

/** The pictures of one panel where they stand on the page, over what is to be said about them. */
export function composePanel(
  pictures: readonly Picture[],
  caption: readonly string[],
): Composition | null {
  const body = arranged(pictures);
  const legend = pictures[0]?.panel?.()?.legend ?? [];
  // One run is named by the caption.
  return body && captioned(legend.length > 1 ? headed(body, legend) : body, caption);
}

/** All panels of the stage where they stand on the page, each with its head. */
export function composeStage(pictures: readonly Picture[]): Composition | null {
  const panels = [...grouped(pictures)].flatMap((group) => {
    const body = arranged(group);
    const info = group[0]?.panel?.() ?? null;
    return body ? [{ body: headed(body, info?.legend ?? []), info, place: placeOf(group) }] : [];
  });
  if (panels.length === 0) return null;
  const left = Math.min(...panels.map(({ place }) => place.x));
  const rows = [...new Set(panels.map(({ place }) => Math.round(place.y)))].sort((a, b) => a - b);
  let top = 0;
  const boxes: { readonly box: Box; readonly body: Composition }[] = [];
  for (const row of rows) {
    const inRow = panels.filter(({ place }) => Math.round(place.y) === row);
    for (const { body, place } of inRow)
      boxes.push({ box: { x: place.x - left, y: top, ...body.size }, body });
    top += Math.max(...inRow.map(({ body }) => body.size.height)) + GAP;
  }
  const size = {
    width: Math.max(...boxes.map(({ box }) => box.x + box.width)),
    height: top - GAP,
  };
  const draw = (surface: Surface2D, theme: Theme) => {
    for (const { box, body } of boxes) body.draw(new MovedSurface(surface, box), theme);
  };
  return captioned({ size, draw }, commonCaption(panels.flatMap(({ info }) => info ?? [])));
}

/** Pictures by the panel that they stand in, in the order of the page. */
function grouped(pictures: readonly Picture[]): Iterable<readonly Picture[]> {
  const groups = new Map<Element | Picture, Picture[]>();
  for (const picture of pictures) {
    const frame = picture.element?.()?.closest("[data-testid=panel]") ?? picture;
    groups.set(frame, [...(groups.get(frame) ?? []), picture]);
  }
  return groups.values();
}

function placeOf(pictures: readonly Picture[]): { readonly x: number; readonly y: number } {
  const frame = pictures[0]?.element?.()?.closest("[data-testid=panel]");
  const { left: x, top: y } = frame?.getBoundingClientRect() ?? { left: 0, top: 0 };
  return { x, y };
}

/** Several pictures as one; a single one as it is. */
function arranged(pictures: readonly Picture[]): Composition | null {
  const [only] = pictures;
  if (!only) return null;
  if (pictures.length === 1) return only;
  const boxes = pictures.map(({ element, size }) => {
    const { left = 0, top = 0 } = element?.()?.getBoundingClientRect() ?? {};
    return { x: left, y: top, ...size };
  });
  const left = Math.min(...boxes.map(({ x }) => x));
  const top = Math.min(...boxes.map(({ y }) => y)) - TITLE;
  const placed = boxes.map((box) => ({ ...box, x: box.x - left, y: box.y - top }));
  return {
    size: {
      width: Math.max(...placed.map(({ x, width }) => x + width)),
      height: Math.max(...placed.map(({ y, height }) => y + height)),
    },
    draw: (surface, theme) => {
      for (const [i, { draw, title = "" }] of pictures.entries()) {
        const box = placed[i];
        if (!box) continue;
        const letters = Math.max(4, Math.floor(box.width / 6.5));
        const style = { color: theme.text, size: 10.5 };
        surface.text(box.x, box.y - TITLE / 2, elideMiddle(title, letters), style);
        draw(new MovedSurface(surface, box));
      }
    },
  };
}

/** With the runs that it shows, their steps and their strokes over it. */
function headed({ size, draw }: Composition, legend: readonly LegendEntry[]): Composition {
  if (legend.length === 0) return { size, draw };
  const lines = Math.ceil(legend.length / 2);
  const wide = legend.length === 1 ? size.width : size.width / 2;
  const height = (HEAD - 6) * lines + 6;
  return {
    size: { ...size, height: size.height + height },
    draw: (surface, theme) => {
      for (const [i, { run, step, color, dash }] of legend.entries()) {
        const x = (i % 2) * wide + LEFT;
        const y = (HEAD - 6) * Math.floor(i / 2) + HEAD / 2;
        const said = step === null ? "" : `step ${formatStep(step)}`;
        line(surface, x, y, x + 18, y, color, dash);
        surface.circle(x + 9, y, 3.5, color);
        const room = Math.max(8, Math.floor((wide - 60 - textWidth(said)) / 6.5));
        const name = elideMiddle(run, room);
        surface.text(x + 25, y, name, { color: theme.text, bold: true });
        surface.text(x + 33 + 1.15 * textWidth(name), y, said, { color: theme.muted });
      }
      draw(new MovedSurface(surface, { x: 0, y: height, ...size }), theme);
    },
  };
}

function captioned({ size, draw }: Composition, caption: readonly string[]): Composition {
  const lines = wrapped(caption, size.width - 2 * LEFT);
  return {
    size: { ...size, height: size.height + LINE * lines.length + 5 },
    draw: (surface, theme) => {
      draw(surface, theme);
      for (const [i, text] of lines.entries()) {
        const y = size.height + LINE * (i + 0.5) + 2;
        surface.text(LEFT, y, text, { color: theme.muted, size: LETTERS });
      }
    },
  };
}

/** Each sentence on lines of its own, none wider than that unless a single word is. */
function wrapped(sentences: readonly string[], width: number): string[] {
  return sentences.flatMap((sentence) => {
    const lines: string[] = [];
    for (const word of sentence.split(" ")) {
      const longer = `${lines.at(-1) ?? ""} ${word}`;
      if (lines.length > 0 && textWidth(longer, LETTERS) <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  });
}
