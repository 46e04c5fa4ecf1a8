import type { View } from "../view";
import { asSample, sampleAt } from "../line/lineModel";
import { aroundAll, bundleSentences, curvesOf } from "./bundleModel";
import { BundleControls } from "./BundleControls";
import { BundleView } from "./BundleView";

export const bundleView: View = {
  id: "bundle",
  label: "Bundle",
  supports: ({ kind, shape }) =>
    kind === "lines" && shape.length === 3 && (shape[0] ?? 0) * (shape[1] ?? 0) > 1,
  Component: BundleView,
  ToolbarChoices: BundleControls,
  overlays: true,
  colors: false,
  needsAllSteps: false,
  allFocusPoints: true,
  dots: false,
  notes: [],
  domain: aroundAll,
  sampleAt: (panel, { x, line }) => {
    const curve = line === null ? undefined : curvesOf(panel)[line];
    return curve ? asSample(sampleAt(curve, x)) : null;
  },
  sentences: bundleSentences,
};
