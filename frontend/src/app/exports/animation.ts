import type { Composition } from "./composition";
import { pngOf, toCanvas, type Look } from "./files";
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

const VIDEO_TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];

export function videoType(): string | null {
  if (typeof MediaRecorder === "undefined") return null;
  return VIDEO_TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

/** Every step as a picture of its own, in one archive. */
export async function filmPictures(film: Film, signal: AbortSignal): Promise<Blob> {
  const members: Member[] = [];
  for await (const { canvas, step } of frames(film, signal)) {
    const png = await pngOf(canvas);
    members.push({
      name: `step-${`${step}`.padStart(10, "0")}.png`,
      content: new Uint8Array(await png.arrayBuffer()),
    });
  }
  return zip(members);
}

/** Every step as a frame of a video; the recorder rests while the page is on its way to the next. */
export async function filmVideo(
  film: Film,
  framesPerSecond: number,
  type: string,
  signal: AbortSignal,
): Promise<Blob> {
  let recording: Recording | null = null;
  try {
    for await (const { canvas } of frames(film, signal)) {
      recording ??= new Recording(canvas, type);
      await recording.add(1000 / framesPerSecond);
    }
    if (!recording) throw new Error("There is no step to film.");
    return await recording.finish();
  } finally {
    recording?.stop();
  }
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

/** A recorder that is given its frames one by one. */
class Recording {
  private readonly parts: Blob[] = [];
  private readonly recorder: MediaRecorder;
  private readonly track: CanvasCaptureMediaStreamTrack;

  constructor(canvas: HTMLCanvasElement, mimeType: string) {
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    if (!track) throw new Error("This browser cannot film a picture; choose PNG instead.");
    this.track = track as CanvasCaptureMediaStreamTrack;
    const bits = Math.min(40e6, Math.max(4e6, 8 * canvas.width * canvas.height));
    this.recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: bits });
    this.recorder.addEventListener("dataavailable", ({ data }) => this.parts.push(data));
  }

  /** The canvas as the next frame, on screen for that long. */
  async add(milliseconds: number): Promise<void> {
    if (this.recorder.state === "inactive") this.recorder.start();
    else this.recorder.resume();
    this.track.requestFrame();
    await pause(milliseconds);
    this.recorder.pause();
  }

  async finish(): Promise<Blob> {
    // A frame lasts until the next one: the last is given once more as its own end.
    this.recorder.resume();
    this.track.requestFrame();
    await pause(60);
    const stopped = new Promise((resolve) => this.recorder.addEventListener("stop", resolve));
    this.recorder.stop();
    await stopped;
    return new Blob(this.parts, { type: "video/webm" });
  }

  stop(): void {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    this.track.stop();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
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
