import { frameKey, layoutAt, type Series } from "../data/catalog";
import { fieldKey, type FieldStore } from "../data/fieldStore";
import { channelOf, extent, type Channel, type Slice } from "../data/slice";
import { enclose, type Interval } from "../data/stats";
import type { Panel } from "../state/panels";
import type { StyleOf } from "../ui/useRunStyle";
import type { Measured, PanelSlice } from "../views/view";

/** What a view needs of a panel that has its slice, or nothing. */
export function toPanelSlice(
  { content, series, placed, stride }: Panel,
  channelName: string | null,
  focusPoint: number,
  styleOf: StyleOf,
  fields: FieldStore,
): PanelSlice | null {
  if (content.state !== "ready" || !series || channelName === null) return null;
  const { slice } = content;
  const channel = channelOf(slice, channelName);
  if (!channel) return null;
  const style = styleOf(placed.place);
  const point = Math.min(focusPoint, slice.shape[0] - 1);
  const known = drawn.get(channel);
  // The same object for the same content: what hangs on it need not be drawn again.
  if (
    known?.series === series &&
    known.run === placed.run.name &&
    known.focusPoint === point &&
    known.style.color === style.color &&
    known.style.dash === style.dash
  ) {
    return known;
  }
  const fresh: PanelSlice = {
    run: placed.run.name,
    style,
    slice,
    channel,
    focusPoint: point,
    series,
    sliceAt: (position) => sliceAt(series, position, stride, fields),
  };
  drawn.set(channel, fresh);
  return fresh;
}

const drawn = new WeakMap<Channel, PanelSlice>();

function sliceAt(
  series: Series,
  position: number,
  stride: number,
  fields: FieldStore,
): Slice | null {
  const key = frameKey(series, position);
  if (key === undefined || !layoutAt(series, position)) return null;
  const kept = fieldKey(key, stride);
  const entry = fields.has(kept) ? fields.get(kept) : undefined;
  return entry && "slice" in entry ? entry.slice : null;
}

/** What is measured of a channel in all panels that have their slices. */
export function measuredOf(
  panels: readonly Panel[],
  channelName: string | null,
  focusPoint: number,
): Measured[] {
  return panels.flatMap(({ content }) => {
    if (content.state !== "ready" || channelName === null) return [];
    const { slice } = content;
    const channel = channelOf(slice, channelName);
    return channel
      ? [{ slice, channel, focusPoint: Math.min(focusPoint, slice.shape[0] - 1) }]
      : [];
  });
}

/** The coordinates that the first axes of all panels cover together. */
export function sharedExtent(panels: readonly Panel[]): Interval | null {
  return enclose(
    panels.map(({ content }) =>
      content.state === "ready" ? extent(content.slice.axes[0]) : undefined,
    ),
  );
}
