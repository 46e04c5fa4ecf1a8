import type { Box, Placement } from "./geometry";
import { createScale, type Scale, type ScaleKind } from "./scale";
import type { Interval } from "../data/stats";

/** A rectangle with a horizontal and a vertical scale. */
export interface Chart {
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
  readonly toX: (value: number) => number;
  readonly toY: (value: number) => number;
  readonly fromX: (pixel: number) => number;
  readonly fromY: (pixel: number) => number;
}

export interface Margins {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

export function createChart(box: Box, x: Scale, y: Scale): Chart {
  return {
    box,
    x,
    y,
    toX: (value) => box.x + x.toShare(value) * box.width,
    toY: (value) => box.y + (1 - y.toShare(value)) * box.height,
    fromX: (pixel) => x.fromShare((pixel - box.x) / box.width),
    fromY: (pixel) => y.fromShare(1 - (pixel - box.y) / box.height),
  };
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The room that margins leave; never less than a pixel. */
export function innerBox(size: Size, margins: Margins): Box {
  return {
    x: margins.left,
    y: margins.top,
    width: Math.max(1, size.width - margins.left - margins.right),
    height: Math.max(1, size.height - margins.top - margins.bottom),
  };
}

/** The largest box in the middle of another whose sides have the ratio of two lengths. */
export function fitted(box: Box, width: number, height: number): Box {
  const unit = Math.min(box.width / width, box.height / height);
  const size = { width: Math.max(1, width * unit), height: Math.max(1, height * unit) };
  return {
    x: Math.round(box.x + (box.width - size.width) / 2),
    y: Math.round(box.y + (box.height - size.height) / 2),
    width: Math.round(size.width),
    height: Math.round(size.height),
  };
}

export function linear(domain: Interval): Scale {
  return createScale("linear", domain);
}

/** How shapes in data coordinates land on a chart; both scales must be linear. */
export function placement(chart: Chart): Placement {
  const scaleX = chart.toX(1) - chart.toX(0);
  const scaleY = chart.toY(1) - chart.toY(0);
  return { scaleX, scaleY, shiftX: chart.toX(0), shiftY: chart.toY(0) };
}

export function contains(box: Box, x: number, y: number): boolean {
  return x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
}

export type { ScaleKind };
