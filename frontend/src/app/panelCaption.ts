import type { Axis, Slice } from "../data/slice";
import { formatCoordinate, formatStep, formatValue } from "../plot/format";
import { PAGE_VERSION } from "../version";
import { sentencesFor } from "../views/shared/recordSentences";
import type { PanelSlice, ValueScale, View } from "../views/view";

/** What a picture stands for, in sentences: whoever finds the file can say how it came about. */
export function captionOf(panel: PanelSlice, view: View, value: ValueScale): string[] {
  const { run, series, slice, channel } = panel;
  const [low, high] = value.domain;
  return [
    [run, series.name, channel.name, `step ${formatStep(slice.step)}`].join(", "),
    `${[slice.method, samplesOf(slice), ...focusPointOf(panel, view)].join(", ")}.`,
    ...axesOf(slice.axes),
    ...sentencesFor(view, panel, value),
    `${value.kind} scale from ${formatValue(low)} to ${formatValue(high)}. pysclice ${PAGE_VERSION}.`,
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

/** The caption of several runs in one picture: what is the same for all is said once. */
export function commonCaption(captions: readonly (readonly string[])[]): string[] {
  const [first = [], ...others] = captions;
  const common = first.filter((line) => others.every((other) => other.includes(line)));
  const own = captions.flatMap((lines) => lines.filter((line) => !common.includes(line)));
  return [...new Set(own), ...common];
}
