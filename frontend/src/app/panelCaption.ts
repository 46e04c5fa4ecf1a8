import type { Axis, Slice } from "../data/slice";
import { formatCoordinate, formatStep, formatValue, quoted } from "../plot/format";
import { PAGE_VERSION } from "../version";
import { clippingFor, noteFor } from "./PanelNote";
import { sentencesFor } from "../views/shared/recordSentences";
import type { PanelSlice, ValueScale, View } from "../views/view";

/** What a picture stands for, in sentences: whoever finds the file can say how it came about. */
export function captionOf(panel: PanelSlice, view: View, value: ValueScale): string[] {
  const { run, series, slice, channel } = panel;
  const [low, high] = value.domain;
  const epoch = slice.epoch === null ? "" : `, epoch ${formatCoordinate(slice.epoch)}`;
  const what = [...[series.name, channel.name, slice.method].map(quoted), samplesOf(slice)];
  const kind = `${value.kind.charAt(0).toUpperCase()}${value.kind.slice(1)}`;
  return [
    `${quoted(run)}, step ${formatStep(slice.step)}${epoch}`,
    `${[...what, ...focusPointOf(panel, view)].join(", ")}.`,
    ...axesOf(slice.axes),
    ...[noteFor(panel, value.kind, view.allFocusPoints), clippingFor(panel, value)].filter(
      (sentence) => sentence !== null,
    ),
    ...sentencesFor(view, panel, value),
    `${kind} scale from ${formatValue(low)} to ${formatValue(high)}. pysclice ${PAGE_VERSION}.`,
  ];
}

function samplesOf({ kind, shape, axes }: Slice): string {
  if (kind === "plane") return `${shape[1]} × ${shape[2]} samples`;
  return axes.length > 1 ? `${axes.length} lines of ${shape[2]} samples` : `${shape[2]} samples`;
}

function focusPointOf({ slice, focusPoint }: PanelSlice, view: View): string[] {
  if (slice.shape[0] === 1) return [];
  if (view.allFocusPoints) return [`${slice.shape[0]} focus points`];
  return [slice.focusPoints[focusPoint] ?? `focus point ${focusPoint + 1}`];
}

// Of a bundle the first two: a caption is no table.
function axesOf(axes: readonly Axis[]): string[] {
  const said = axes.slice(0, 2).map(({ name, description, length }) => {
    const what = description === "" || description === name ? name : `${name}: ${description}`;
    return Number.isFinite(length)
      ? `${what}; 1 is a length of ${formatCoordinate(length)}.`
      : what;
  });
  return axes.length > 2 ? [...said, `And ${axes.length - 2} more axes.`] : said;
}

/** The caption of several runs, whose heads name them and their steps: common things said once. */
export function commonCaption(
  captions: readonly { readonly run: string; readonly caption: readonly string[] }[],
): string[] {
  const [first, ...others] = captions;
  if (!first || others.length === 0) return [...(first?.caption ?? [])];
  const common = first.caption.filter((line) =>
    others.every(({ caption }) => caption.includes(line)),
  );
  const own = captions.flatMap(({ run, caption }) => {
    const lines = caption.slice(1).filter((line) => !common.includes(line));
    return lines.length > 0 ? [`${quoted(run)}: ${lines.join(" ")}`] : [];
  });
  return [...own, ...common];
}
