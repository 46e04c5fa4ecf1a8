import type { Layout } from "../data/catalog";
import { smallMultiplesView } from "./smallMultiples/smallMultiplesView";
import { bundleView } from "./bundle/bundleView";
import { lineView } from "./line/lineView";
import { overStepsView } from "./line/overStepsView";
import { planeView } from "./plane/planeView";
import { ranksView } from "./ranks/ranksView";
import { eigenvaluesView } from "./spectrum/eigenvaluesView";
import { spectrumView } from "./spectrum/spectrumView";
import { surfaceView } from "./surface/surfaceView";
import type { View } from "./view";

/** All views, the preferred ones first. */
const VIEWS: readonly View[] = [
  planeView,
  surfaceView,
  lineView,
  overStepsView,
  smallMultiplesView,
  bundleView,
  ranksView,
  spectrumView,
  eigenvaluesView,
];

export function viewsFor(layout: Layout | null): readonly View[] {
  return layout ? VIEWS.filter((view) => view.supports(layout)) : [];
}

/** The chosen view where it can draw the layout, else the first that can. */
export function chooseView(layout: Layout | null, id: string | null): View | null {
  const views = viewsFor(layout);
  return views.find((view) => view.id === id) ?? views[0] ?? null;
}
