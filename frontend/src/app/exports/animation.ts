import type { Composition } from "./composition";
import { blobOf, toCanvas, type Look } from "./files";
import { vp8Of, webm } from "./webm";
import { zip, type Member } from "./zip";

/** What is filmed: the page is led through the steps, and what it then shows is drawn. */
export interface Film {
  readonly steps: readonly number[];
  readonly look: Look;
  readonly density: number;
  readonly seek: (step: number) => void;
  /** Resolves once the page shows the step that it was led to. */
  readonly shown: (signal: AbortSignal) => Promise<void>;
  readonly composition: () => Composition | null;
  readonly onFrame: (done: number) => void;
}

/** Every step as a picture of its own, in one archive. */
export async function filmPictures(film: Film, signal: AbortSignal): Promise<Blob> {
  const members: Member[] = [];
  for await (const { canvas, step } of frames(film, signal)) {
    const content = await bytesOf(canvas, "image/png");
    members.push({ name: `step-${`${step}`.padStart(10, "0")}.png`, content });
  }
  return zip(members);
}

/**
 * Every step as a frame of a video. Not by the browser's recorder: it works by the clock, so it
 * drops frames where the machine is slow and films the waiting between them.
 */
export async function filmVideo(
  film: Film,
  framesPerSecond: number,
  signal: AbortSignal,
): Promise<Blob> {
  const pictures: Uint8Array[] = [];
  let size = { width: 0, height: 0 };
  for await (const { canvas } of frames(film, signal)) {
    pictures.push(vp8Of(await bytesOf(canvas, "image/webp", QUALITY)));
    size = { width: canvas.width, height: canvas.height };
  }
  return webm({ ...size, framesPerSecond, frames: pictures });
}

const QUALITY = 0.92;

async function bytesOf(
  canvas: HTMLCanvasElement,
  type: string,
  quality?: number,
): Promise<Uint8Array> {
  const blob = await blobOf(canvas, type, quality);
  return new Uint8Array(await blob.arrayBuffer());
}

/** One canvas that holds step after step; all frames have the size of the first. */
async function* frames(film: Film, signal: AbortSignal) {
  const canvas = document.createElement("canvas");
  let size: Composition["size"] | null = null;
  for (const [i, step] of film.steps.entries()) {
    film.seek(step);
    await film.shown(signal);
    signal.throwIfAborted();
    const composition = film.composition();
    if (!composition) throw new Error(`There is no picture at step ${step}.`);
    size ??= composition.size;
    toCanvas(canvas, { ...composition, size }, film.look, film.density);
    yield { canvas, step };
    film.onFrame(i + 1);
  }
}

/** The steps of a range, every so many-th of them, with the last. */
export function stepsBetween(
  steps: readonly number[],
  from: number,
  to: number,
  every: number,
): number[] {
  const inside = steps.filter((step) => step >= from && step <= to);
  return inside.filter((_, i) => i % every === 0 || i === inside.length - 1);
}
