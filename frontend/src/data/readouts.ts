import { measureLine } from "./lineMeasures";
import { atFocusPoint, lineOf, type Axis, type Channel, type Slice } from "./slice";
import { summarize } from "./stats";

/** A number that describes a slice. */
export interface Reading {
  readonly label: string;
  /** NaN where the slice has no such number. */
  readonly value: number;
}

/** What can be read off one channel of a slice at one focus point, and what it cost. */
export function readings(slice: Slice, channel: Channel, focusPoint: number): Reading[] {
  return [
    ...measuredReadings(slice, channel, focusPoint),
    { label: "evaluations", value: slice.evaluations },
    { label: "examples", value: slice.examples },
  ];
}

/** What can be read off the values alone. */
export function measuredReadings(slice: Slice, channel: Channel, focusPoint: number): Reading[] {
  const values = atFocusPoint(slice, channel, focusPoint);
  const { low, high, nonfinite } = summarize(values);
  const finite = low <= high;
  const centers = slice.channels.map(({ name, center }) => ({
    label: `${name} at the focus point`,
    value: center[focusPoint] ?? NaN,
  }));
  return [
    ...(slice.kind === "spectrum" ? [] : centers),
    { label: `lowest ${channel.name}`, value: finite ? low : NaN },
    ...(finite ? placesOf(slice, values.indexOf(low)) : []),
    { label: `highest ${channel.name}`, value: finite ? high : NaN },
    ...(isLine(slice) ? ofLine(slice, channel, focusPoint) : []),
    { label: "share of the path's motion", value: slice.trajectory?.explained ?? NaN },
    { label: "values that are not finite", value: nonfinite },
  ];
}

function isLine({ kind, shape }: Slice): boolean {
  return kind === "lines" && shape[1] === 1;
}

/** The coordinates of a value by its place among those at the focus point. */
function placesOf({ kind, shape, axes }: Slice, index: number): Reading[] {
  const samples = shape[2];
  const at = (axis: Axis | undefined, i: number): Reading[] =>
    axis ? [{ label: `lowest along ${axis.name}`, value: axis.coordinates[i] ?? NaN }] : [];
  if (kind === "plane") {
    return [...at(axes[0], Math.floor(index / samples)), ...at(axes[1], index % samples)];
  }
  return shape[1] === 1 ? at(axes[0], index) : [];
}

function ofLine(slice: Slice, channel: Channel, focusPoint: number): Reading[] {
  const [axis] = slice.axes;
  if (!axis) return [];
  const { curvature, width, asymmetry } = measureLine({
    coordinates: axis.coordinates,
    values: lineOf(slice, channel, 0, focusPoint),
    center: channel.center[focusPoint] ?? NaN,
  });
  const unit = axis.length > 0 ? axis.length ** 2 : NaN;
  return [
    { label: "curvature", value: curvature / unit },
    { label: "width at +5 %", value: width.value },
    { label: "asymmetry", value: asymmetry },
  ];
}
