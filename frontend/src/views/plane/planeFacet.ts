import { evaluatedAt, extent } from "../../data/slice";
import { drawAxes, drawFrame } from "../../plot/axes";
import { axisLabel } from "../../plot/axisLabel";
import { createChart, linear } from "../../plot/chart";
import { allowedError } from "../shared/recordSentences";
import type { Facet } from "../view";
import { drawField } from "./drawPlane";
import { gridOf } from "./planeModel";
import { pathOf } from "./trajectoryModel";

const MOST_UNEQUAL = 4;

/** A plane as a part of a picture: equal units on both axes, no color bar of its own. */
export const planeFacet: Facet = {
  ratio: ({ axes }) => {
    const [x, y] = [extent(axes[0]), extent(axes[1])];
    const ratio = (y[1] - y[0]) / (x[1] - x[0]);
    return ratio > MOST_UNEQUAL || ratio * MOST_UNEQUAL < 1 ? null : ratio;
  },
  draw: (surface, box, { slice, channel, focusPoint }, look) => {
    const chart = createChart(box, linear(extent(slice.axes[0])), linear(extent(slice.axes[1])));
    const { left, bottom, theme } = look;
    drawField(surface, chart, {
      ...look,
      slice,
      channel,
      grid: gridOf(slice, channel, focusPoint),
      path: pathOf({ slice, focusPoint }),
      pin: null,
      evaluated: evaluatedAt(slice, focusPoint),
      allowed: allowedError({ slice, channel }),
    });
    drawFrame(surface, box, theme);
    drawAxes(surface, chart, theme, {
      xLabel: axisLabel(slice.axes[0], Math.max(8, Math.floor(box.width / 7))),
      yLabel: axisLabel(slice.axes[1], Math.max(8, Math.floor(box.height / 7))),
      grid: false,
      xTicks: Math.max(2, box.width / 56),
      yTicks: Math.max(2, box.height / 56),
      left,
      bottom,
    });
  },
};
