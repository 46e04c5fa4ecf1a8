/** How often to look again for a slice that has not arrived, and for a picture that is being drawn. */
const WAIT_MS = 40;
const PAINT_MS = 4;

export type Advance = "moved" | "waiting" | "painting" | "ended";

/** Calls `advance` at a steady pace while playing; `advance` answers whether to go on. */
export class Playback {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly advance: () => Advance) {}

  get playing(): boolean {
    return this.timer !== undefined;
  }

  start(framesPerSecond: number, onEnd: () => void): void {
    this.stop();
    const interval = 1000 / framesPerSecond;
    let due = performance.now() + interval;
    const tick = () => {
      const outcome = this.advance();
      if (outcome === "ended") {
        this.timer = undefined;
        onEnd();
        return;
      }
      // A frame that is not there yet, or not on screen yet, is waited for and never skipped.
      const now = performance.now();
      if (outcome === "moved") due = Math.max(due + interval, now);
      else if (outcome === "waiting") due = now + WAIT_MS;
      const next = outcome === "painting" ? now + PAINT_MS : due;
      this.timer = setTimeout(tick, next - now);
    };
    this.timer = setTimeout(tick, interval);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
