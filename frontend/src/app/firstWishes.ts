import type { Catalog, Layout } from "../data/catalog";
import { createPanels, wishesFor } from "../state/panels";
import { select } from "../state/selection";
import type { Services } from "../ui/context";
import { chooseView } from "../views/registry";

/** Asks for what the page shows first, so that it is under way while the page is being built. */
export function wishForFirst(catalog: Catalog, { host, store, fields, loader }: Services): void {
  const choices = store.getState();
  const selection = select(catalog, host.runs.get(), choices);
  const view = chooseView(selection.layout, choices.view);
  const supports = (layout: Layout) => view?.supports(layout) ?? false;
  const step = choices.step ?? selection.steps.at(-1) ?? 0;
  const panels = createPanels(selection, step, supports, fields);
  const { wishes, urgent } = wishesFor(panels, panels.length);
  loader.want(wishes.slice(0, urgent), urgent);
}
