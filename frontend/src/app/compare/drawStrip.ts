import type { Interval } from "../../data/stats";
import { drawFrame } from "../../plot/axes";
import type { Size } from "../../plot/chart";
import type { ColorMapName } from "../../plot/colorMaps";
import { elideMiddle, formatStep } from "../../plot/format";
import { fitted } from "../../plot/chart";
import type { Box } from "../../plot/geometry";
import {
  colorBarBeside,
  colorBarRoom,
  drawColorBar,
  type Clipped,
} from "../../plot/marks/colorBar";
import type { Scale } from "../../plot/scale";
import type { Surface2D } from "../../plot/surface";
import type { Theme } from "../../plot/theme";
import type { Facet, PanelSlice } from "../../views/view";

/** A picture of the strip, or what stands where there is none. */
export interface Cell {
  readonly slice: PanelSlice | null;
  readonly message: string;
  /** The step that is drawn, where it is not the one at the head of the column. */
  readonly older: number | null;
}

export interface Strip {
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    readonly color: string;
    readonly cells: readonly Cell[];
  }[];
  readonly facet: Facet;
  readonly scale: Scale;
  /** Whether values are colors, which need a bar. */
  readonly colors: boolean;
  readonly clipped: Clipped;
  readonly extent: Interval | null;
  readonly colorMap: ColorMapName;
  readonly smooth: boolean;
  readonly theme: Theme;
}

const LEFT = 84;
const TOP = 26;
const BOTTOM = 42;
const RIGHT = 12;
const GAP = 14;
const LEAST_CELL = 96;
const LETTER = 6.5;
const HEAD_LETTER = 8;

export interface StripLayout {
  readonly size: Size;
  readonly box: (row: number, column: number) => Box;
}

/** Cells of equal size that fill the width; as high as their pictures ask for, or as there is room. */
export function layOutStrip(
  room: Size,
  rowCount: number,
  columnCount: number,
  ratio: number | null,
  barRoom: number,
): StripLayout {
  const rows = Math.max(1, rowCount);
  const columns = Math.max(1, columnCount);
  const inner = room.width - LEFT - Math.max(RIGHT, barRoom) - GAP * (columns - 1);
  const fair = (room.height - TOP - BOTTOM - GAP * (rows - 1)) / rows;
  let width = Math.max(LEAST_CELL, inner / columns);
  let height = ratio === null ? Math.max(LEAST_CELL, Math.min(0.75 * width, fair)) : width * ratio;
  if (rows === 1 && ratio !== null && height > fair) {
    height = Math.max(LEAST_CELL, fair);
    width = height / ratio;
  }
  const box = (row: number, column: number) => ({
    x: Math.round(LEFT + column * (width + GAP)),
    y: Math.round(TOP + row * (height + GAP)),
    width: Math.floor(width),
    height: Math.floor(height),
  });
  return {
    size: { width: room.width, height: Math.ceil(TOP + rows * (height + GAP) - GAP + BOTTOM) },
    box,
  };
}

/** Runs in rows, steps or series in columns, one scale for all. */
export function drawStrip(surface: Surface2D, { box }: StripLayout, strip: Strip): void {
  const { columns, rows, scale, theme, facet } = strip;
  for (const [i, head] of columns.entries()) {
    const { x, width } = box(0, i);
    surface.text(x + width / 2, 13, elideMiddle(head, Math.max(6, Math.floor(width / LETTER))), {
      color: theme.text,
      size: 12,
      bold: true,
      align: "center",
    });
  }
  for (const [j, { name, color, cells }] of rows.entries()) {
    const first = box(j, 0);
    const letters = Math.max(6, Math.floor((first.height - 8) / HEAD_LETTER));
    const middle = first.y + first.height / 2;
    surface.rect({ x: 6, y: first.y, width: 4, height: first.height }, color);
    surface.text(20, middle, elideMiddle(name, letters), {
      color: theme.text,
      size: 12,
      bold: true,
      align: "center",
      angle: -Math.PI / 2,
    });
    for (const [i, cell] of cells.entries()) {
      const look = { ...strip, left: i === 0, bottom: j === rows.length - 1 };
      const place = box(j, i);
      if (cell.slice) {
        const ratio = facet.ratio(cell.slice.slice);
        facet.draw(surface, ratio === null ? place : fitted(place, 1, ratio), cell.slice, look);
      } else {
        drawFrame(surface, place, theme);
        surface.text(place.x + place.width / 2, place.y + place.height / 2, cell.message, {
          color: theme.muted,
          align: "center",
        });
      }
      if (cell.older === null || !cell.slice) continue;
      surface.text(place.x + place.width - 6, place.y + 10, `step ${formatStep(cell.older)}`, {
        color: theme.text,
        halo: theme.background,
        size: 10,
        align: "right",
      });
    }
  }
  if (!strip.colors || rows.length === 0 || columns.length === 0) return;
  const top = box(0, columns.length - 1);
  const last = box(Math.min(rows.length, 2) - 1, columns.length - 1);
  const height = last.y + last.height - top.y;
  const bar = colorBarBeside({ ...top, height });
  drawColorBar(surface, bar, scale, strip, strip.clipped);
}

export function stripBarRoom(scale: Scale, colors: boolean): number {
  return colors ? colorBarRoom(scale, 240) : 0;
}
