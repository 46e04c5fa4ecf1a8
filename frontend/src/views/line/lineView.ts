import type { Layout } from "../../data/catalog";
import type { View } from "../view";
import { LineView } from "./LineView";

export const lineView: View = {
  id: "line",
  label: "Line",
  supports: isSingleLine,
  Component: LineView,
  overlays: true,
  colors: false,
  needsAllSteps: false,
};

export function isSingleLine(layout: Layout): boolean {
  return layout.kind === "lines" && layout.shape.length === 3 && layout.shape[1] === 1;
}
