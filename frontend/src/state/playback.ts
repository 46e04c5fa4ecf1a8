/** Calls `advance` at a steady pace while playing; `advance` answers whether to go on. */
export class Playback {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly advance: () => "moved" | "waiting" | "ended") {}

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
      // A frame that is not there yet is waited for, never skipped.
      const now = performance.now();
      due = outcome === "waiting" ? now + 40 : Math.max(due + interval, now);
      this.timer = setTimeout(tick, due - now);
    };
    this.timer = setTimeout(tick, interval);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
