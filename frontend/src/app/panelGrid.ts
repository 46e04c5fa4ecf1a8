const LEAST_WIDTH = 320;
const LEAST_HEIGHT = 288;
const GAP = 8;
// A panel's head and axes take about this much more of its height than of its width.
const HEAD = 40;

/** How many columns make the panels largest, given that none is narrower than it can bear. */
export function columnsFor(panels: number, width: number, height: number): number {
  let best = 1;
  let bestSize = 0;
  for (let columns = 1; columns <= Math.max(1, panels); columns += 1) {
    const rows = Math.ceil(panels / columns);
    const panelWidth = (width - GAP * (columns - 1)) / columns;
    if (columns > 1 && panelWidth < LEAST_WIDTH) break;
    const panelHeight = Math.max(LEAST_HEIGHT, (height - GAP * (rows - 1)) / rows);
    // What has to be scrolled to is not seen.
    const seen = Math.min(1, height / (rows * (panelHeight + GAP) - GAP));
    const size = seen * Math.min(panelWidth, panelHeight - HEAD);
    // More columns must be worth it: fewer are calmer.
    if (size > bestSize * 1.05) {
      best = columns;
      bestSize = size;
    }
  }
  return best;
}
