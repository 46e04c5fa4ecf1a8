const LEAST_WIDTH = 288;
const LEAST_HEIGHT = 288;
const GAP = 8;
// A panel's head and axes take about this much more of its height than of its width.
const HEAD = 40;
const PADDING = 8;
// Head, note and borders of a panel.
const CHROME = 32 + 27 + 6;

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

/** How high rows are: as the stage allows, but not higher than their pictures can use. */
export function rowHeightFor(
  panels: number,
  columns: number,
  stage: { readonly width: number; readonly height: number },
  most: (width: number) => number,
): number {
  const rows = Math.ceil(panels / columns);
  const width = (stage.width - 2 * PADDING - GAP * (columns - 1)) / columns - 2;
  const fair = (stage.height - 2 * PADDING - GAP * (rows - 1)) / rows;
  return Math.floor(Math.max(LEAST_HEIGHT, Math.min(fair, most(width) + CHROME)));
}
