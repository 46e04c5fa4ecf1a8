import { extent } from "../../data/slice";
import { axisLabel } from "../../plot/axisLabel";
import { createChart, linear } from "../../plot/chart";
import { withAir } from "../../plot/scale";
import type { Facet } from "../view";
import { drawLines } from "./drawLines";
import { curveOf } from "./lineModel";

/** A line as a part of a picture. */
export const lineFacet: Facet = {
  ratio: () => null,
  draw: (surface, box, { slice, channel, focusPoint, style }, look) => {
    const x = linear(look.extent ?? extent(slice.axes[0]));
    const center = channel.center[focusPoint] ?? NaN;
    drawLines(surface, createChart(box, x, withAir(look.scale)), {
      curves: [{ ...curveOf(slice, channel, focusPoint), ...style, center }],
      envelope: null,
      xLabel: axisLabel(slice.axes[0], Math.max(8, Math.floor(box.width / 7))),
      yLabel: channel.name,
      theme: look.theme,
      left: look.left,
      bottom: look.bottom,
    });
  },
};
