import { isOutdated, positionAtOrBefore } from "../data/align";
import {
  frameKey,
  layoutAt,
  layoutBytes,
  seriesNamed,
  strideFor,
  type Layout,
  type Series,
} from "../data/catalog";
import type { Origin } from "../data/failure";
import { fieldKey, type FieldStore } from "../data/fieldStore";
import type { Wish } from "../data/frameLoader";
import { channelOf, type Slice } from "../data/slice";
import { outward } from "../data/align";
import type { PlacedRun, Selection } from "./selection";

/** What one run's panel has to show. */
export type PanelContent =
  | { readonly state: "ready"; readonly slice: Slice; readonly pending: boolean }
  | { readonly state: "loading" }
  | {
      readonly state: "failed";
      readonly message: string;
      readonly slice: string;
      readonly origin: Origin | null;
    }
  | { readonly state: "no slices" }
  | { readonly state: "no series"; readonly others: readonly string[] }
  | { readonly state: "not yet"; readonly firstStep: number }
  | { readonly state: "no channel"; readonly channels: readonly string[] }
  | { readonly state: "unsupported"; readonly layout: Layout };

export interface Panel {
  readonly placed: PlacedRun;
  readonly series: Series | null;
  /** Position among the series' steps; -1 before the first. */
  readonly position: number;
  readonly stride: number;
  /** The step whose slice is due. */
  readonly step: number | null;
  readonly outdated: boolean;
  readonly content: PanelContent;
}

export function createPanels(
  selection: Selection,
  cursor: number,
  supports: (layout: Layout) => boolean,
  fields: FieldStore,
): Panel[] {
  return selection.visible.map((placed) => {
    const series = seriesNamed(placed.run, selection.seriesName) ?? null;
    const position = series ? positionAtOrBefore(series.steps, cursor) : -1;
    const layout = series ? layoutAt(series, position) : undefined;
    const stride = layout ? strideFor(layout, selection.samples) : 1;
    const step = series?.steps[position] ?? null;
    const outdated = step !== null && !!series && isOutdated(series.steps, step, cursor);
    const content = contentOf(
      placed,
      series,
      position,
      stride,
      layout,
      selection,
      supports,
      fields,
    );
    return { placed, series, position, stride, step, outdated, content };
  });
}

function contentOf(
  { run }: PlacedRun,
  series: Series | null,
  position: number,
  stride: number,
  layout: Layout | undefined,
  { channel }: Selection,
  supports: (layout: Layout) => boolean,
  fields: FieldStore,
): PanelContent {
  if (!series) {
    const others = run.series.map((other) => other.name);
    return others.length > 0 ? { state: "no series", others } : { state: "no slices" };
  }
  if (!layout) return { state: "not yet", firstStep: series.steps[0] ?? 0 };
  if (!supports(layout)) return { state: "unsupported", layout };
  if (channel === null || !layout.channels.includes(channel)) {
    return { state: "no channel", channels: layout.channels };
  }
  const key = frameKey(series, position);
  const entry = key === undefined ? undefined : fields.get(fieldKey(key, stride));
  if (entry && "error" in entry) {
    return {
      state: "failed",
      message: entry.error,
      slice: key ?? "",
      origin: entry.origin ?? null,
    };
  }
  if (entry) {
    return channelOf(entry.slice, channel)
      ? { state: "ready", slice: entry.slice, pending: false }
      : { state: "no channel", channels: entry.slice.channels.map((c) => c.name) };
  }
  const standIn = nearestLoaded(series, position, stride, layout, channel, fields);
  return standIn ? { state: "ready", slice: standIn, pending: true } : { state: "loading" };
}

const NEIGHBORHOOD = 120;

/** What to keep on screen until the right slice has come: its coarser self, or a neighbor. */
function nearestLoaded(
  series: Series,
  position: number,
  stride: number,
  layout: Layout,
  channel: string,
  fields: FieldStore,
): Slice | null {
  const candidates = [
    ...[1, 2, 4, 8].map((other) => [position, other] as const),
    ...outward(position, series.steps.length, NEIGHBORHOOD).map((near) => [near, stride] as const),
  ];
  for (const [near, otherStride] of candidates) {
    if (layoutAt(series, near) !== layout) continue;
    const key = fieldKey(frameKey(series, near) ?? "", otherStride);
    const entry = fields.has(key) ? fields.get(key) : undefined;
    if (entry && "slice" in entry && channelOf(entry.slice, channel)) return entry.slice;
  }
  return null;
}

// Less than the store holds: what is fetched ahead must not push out what was.
const PREFETCH_BYTES = 60 * 2 ** 20;

/** What to fetch: what is on screen, then outward in time from there, all runs in turn. */
export function wishesFor(
  panels: readonly Panel[],
  most: number,
): { wishes: Wish[]; urgent: number } {
  const wishes: Wish[] = [];
  const queues = panels.flatMap(({ series, position, stride, content }) => {
    if (!series || content.state === "unsupported" || content.state === "no channel") return [];
    return [{ series, stride, order: outward(Math.max(position, 0), series.steps.length, most) }];
  });
  let bytes = 0;
  let urgent = 0;
  for (let turn = 0; wishes.length < most && queues.some((q) => turn < q.order.length); turn += 1) {
    for (const { series, stride, order } of queues) {
      const position = order[turn];
      const layout = position === undefined ? undefined : layoutAt(series, position);
      const key = position === undefined ? undefined : frameKey(series, position);
      if (!layout || key === undefined) continue;
      bytes += layoutBytes(layout, stride);
      if (turn > 0 && bytes > PREFETCH_BYTES) return { wishes, urgent };
      wishes.push({ key, stride });
    }
    if (turn === 0) urgent = wishes.length;
  }
  return { wishes, urgent };
}
