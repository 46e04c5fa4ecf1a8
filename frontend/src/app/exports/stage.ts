import type { Picture } from "../../ui/plotRegistry";

const STILL = 2;

/**
 * Resolves once every panel shows what it was asked for, and no picture has changed for two frames
 * of the screen: what is worked out beside the page may arrive after its slice.
 */
export async function stageIsStill(
  pictures: ReadonlySet<Picture>,
  signal: AbortSignal,
): Promise<void> {
  let still = 0;
  let last: readonly unknown[] = [];
  await nextFrame();
  while (still < STILL) {
    await nextFrame();
    signal.throwIfAborted();
    const failed = document.querySelector("[data-testid=panel][data-state=failed]");
    if (failed) {
      const run = failed.getAttribute("data-run") ?? "";
      throw new Error(`A slice of ${run} could not be loaded; nothing was written.`);
    }
    const waiting = document.querySelector(
      "[data-testid=panel]:is([data-state=pending], [data-state=loading])",
    );
    const drawn = [...pictures].map(({ draw }) => draw);
    const same = drawn.length === last.length && drawn.every((draw, i) => draw === last[i]);
    still = !waiting && same ? still + 1 : 0;
    last = drawn;
  }
}

function nextFrame(): Promise<unknown> {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}

/** The pictures of one panel, or all of them. */
export function picturesOf(pictures: Iterable<Picture>, run: string | null): Picture[] {
  return [...pictures].filter(({ panel }) => run === null || panel?.()?.run === run);
}
