import { layoutAt, layoutBytes, type Series } from "../../data/catalog";

/** What a browser opens with ease; the same number as in static_page.py beside the plugin. */
export const MOST_BYTES = 200e6;

// The page itself, and what a record says besides its values.
const PAGE = 0.6e6;
const HEADER = 1500;

/** About how many bytes a page with every so many-th step of some series has. */
export function pageBytes(series: readonly Series[], every: number): number {
  let bytes = PAGE;
  for (const one of series) {
    for (let i = 0; i < one.steps.length; i += 1) {
      const layout = layoutAt(one, i);
      if (!layout || (i % every !== 0 && i !== one.steps.length - 1)) continue;
      bytes += (4 / 3) * (HEADER + layoutBytes(layout, 1));
    }
  }
  return bytes;
}

/** The least of some thinnings that makes the page small enough; the last where none does. */
export function leastEvery(series: readonly Series[], choices: readonly number[]): number {
  return choices.find((every) => pageBytes(series, every) <= MOST_BYTES) ?? choices.at(-1) ?? 1;
}
