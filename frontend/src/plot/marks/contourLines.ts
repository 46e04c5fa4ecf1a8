import type { Chart } from "../chart";
import { placement } from "../chart";
import type { Line, Placement, Shape } from "../geometry";
import type { ContourLevel } from "../scale";
import type { Surface2D } from "../surface";

const LABEL_ROOM = 44;
const LABEL_LENGTH = 110;
const MOST_LABELS = 12;
const INK = "rgba(255, 255, 255, 0.78)";
const MINOR_INK = "rgba(255, 255, 255, 0.62)";
const SHADE = "rgba(0, 0, 0, 0.28)";
const HALO = "rgba(0, 0, 0, 0.62)";

export interface LabeledContour extends ContourLevel {
  readonly shape: Shape;
}

/** How much of contours is drawn: bare lines are enough for what is replaced at once. */
export type ContourDetail = "bare" | "lines" | "numbers";

/** Contours, with a number on each where there is room for one. */
export function drawContourLines(
  surface: Surface2D,
  chart: Chart,
  contours: readonly LabeledContour[],
  detail: ContourDetail,
): void {
  const place = placement(chart);
  const { minor, major } = groupsOf(contours);
  // Light on dark: readable on either end of a color map.
  const shaded = detail !== "bare";
  if (shaded) surface.stroke(minor, place, { color: SHADE, width: 1.8 });
  surface.stroke(minor, place, { color: MINOR_INK, width: 0.9 });
  if (shaded) surface.stroke(major, place, { color: SHADE, width: 2.4 });
  // Browsers draw lines of a pixel faster than wider ones.
  surface.stroke(major, place, { color: INK, width: shaded ? 1.2 : 1 });
  if (detail !== "numbers") return;
  // The middle belongs to the cross.
  const taken = [{ x: chart.toX(0), y: chart.toY(0) }];
  const ranked = [...contours].sort((a, b) => Number(b.major) - Number(a.major));
  for (const { label, shape } of ranked) {
    if (taken.length > MOST_LABELS) break;
    const longest = shape.lines.reduce<Line | null>(
      (best, line) => (line.length > (best?.length ?? 0) ? line : best),
      null,
    );
    const spot = longest && labelSpot(longest, place, chart, taken);
    if (!spot) continue;
    taken.push(spot);
    surface.text(spot.x, spot.y, label, {
      color: "#ffffff",
      halo: HALO,
      size: 10,
      align: "center",
      angle: spot.angle,
    });
  }
}

interface Groups {
  readonly minor: Shape;
  readonly major: Shape;
}

const groups = new WeakMap<Shape, Groups & { readonly of: readonly LabeledContour[] }>();

/** All lines of a kind as one shape, kept with the first contour: four strokes for a picture. */
function groupsOf(contours: readonly LabeledContour[]): Groups {
  const [first] = contours;
  const known = first && groups.get(first.shape);
  const same =
    known?.of.length === contours.length &&
    contours.every(({ shape, major }, i) => {
      return known.of[i]?.shape === shape && known.of[i].major === major;
    });
  if (known && same) return known;
  const lines = (major: boolean) =>
    contours.flatMap((contour) => (contour.major === major ? contour.shape.lines : []));
  const fresh = { of: contours, minor: { lines: lines(false) }, major: { lines: lines(true) } };
  if (first) groups.set(first.shape, fresh);
  return fresh;
}

interface Spot {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

/** A place on a line that is inside the chart, straight enough, and away from other labels. */
export function labelSpot(
  line: Line,
  { scaleX, scaleY, shiftX, shiftY }: Placement,
  { box }: Chart,
  taken: readonly { x: number; y: number }[],
): Spot | null {
  const count = line.length / 2;
  if (count < 6) return null;
  let length = 0;
  for (let i = 2; i < line.length; i += 2) {
    const dx = ((line[i] ?? 0) - (line[i - 2] ?? 0)) * scaleX;
    const dy = ((line[i + 1] ?? 0) - (line[i - 1] ?? 0)) * scaleY;
    length += Math.hypot(dx, dy);
  }
  // A number on a small ring hides the ring.
  if (length < LABEL_LENGTH) return null;
  const px = (i: number) => (line[2 * i] ?? 0) * scaleX + shiftX;
  const py = (i: number) => (line[2 * i + 1] ?? 0) * scaleY + shiftY;
  for (const share of [0.5, 0.38, 0.62, 0.25, 0.75, 0.12, 0.88]) {
    const i = Math.round(share * (count - 1));
    const before = Math.max(0, i - 2);
    const after = Math.min(count - 1, i + 2);
    const x = px(i);
    const y = py(i);
    const inside =
      x > box.x + 20 && x < box.x + box.width - 20 && y > box.y + 12 && y < box.y + box.height - 12;
    const free = taken.every((other) => Math.hypot(other.x - x, other.y - y) > LABEL_ROOM);
    if (!inside || !free) continue;
    let angle = Math.atan2(py(after) - py(before), px(after) - px(before));
    // Never upside down.
    if (angle > Math.PI / 2) angle -= Math.PI;
    if (angle < -Math.PI / 2) angle += Math.PI;
    return { x, y, angle };
  }
  return null;
}
