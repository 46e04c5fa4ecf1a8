import { positionAtOrBefore } from "../../data/align";
import { channelOf } from "../../data/slice";
import type { PanelSlice } from "../view";
import { curveOf, type Curve } from "./lineModel";

/** The curve of another step of a panel's series. */
export interface StepCurve extends Curve {
  readonly step: number;
}

/** The curve at a position among the steps; nothing until its slice has arrived. */
export function curveAt(panel: PanelSlice, position: number): StepCurve | null {
  const slice = panel.sliceAt(position);
  const channel = slice && channelOf(slice, panel.channel.name);
  if (!slice || !channel || slice.shape[0] <= panel.focusPoint) return null;
  return { ...curveOf(slice, channel, panel.focusPoint), step: slice.step };
}

export interface Skin extends StepCurve {
  /** How many steps it is away: below zero before, above zero after. */
  readonly away: number;
}

/** Up to `count` steps before and after the one that is shown, the farthest first. */
export function skinsOf(panel: PanelSlice, count: number): Skin[] {
  const { series, slice } = panel;
  const here = positionAtOrBefore(series.steps, slice.step);
  const skins: Skin[] = [];
  for (let distance = count; distance >= 1; distance -= 1) {
    for (const away of [-distance, distance]) {
      const position = here + away;
      if (position < 0 || position >= series.steps.length) continue;
      const curve = curveAt(panel, position);
      if (curve) skins.push({ ...curve, away });
    }
  }
  return skins;
}

const MOST_RIDGES = 60;

export interface Ridge extends StepCurve {
  readonly position: number;
}

/** Ridges of all steps, or of as many as can be told apart, evenly chosen; the oldest first. */
export function ridgesOf(panel: PanelSlice): Ridge[] {
  const { series, slice } = panel;
  const chosen = new Set(ridgePositions(series.steps.length));
  // The step that is shown is always among them.
  chosen.add(positionAtOrBefore(series.steps, slice.step));
  return [...chosen]
    .sort((a, b) => a - b)
    .flatMap((position) => {
      const curve = curveAt(panel, position);
      return curve ? [{ ...curve, position }] : [];
    });
}

/** Positions of at most 59 steps, so that with the one that is shown they are 60. */
export function ridgePositions(count: number): number[] {
  const most = count <= MOST_RIDGES ? count : MOST_RIDGES - 1;
  return Array.from({ length: most }, (_, i) =>
    most === 1 ? 0 : Math.round((i * (count - 1)) / (most - 1)),
  );
}
