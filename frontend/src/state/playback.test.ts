import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Playback, type Advance } from "./playback";

describe("playing", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([1, 2, 5, 10, 20, 30])("moves once a frame at %i frames a second", (speed) => {
    let moved = 0;
    const playback = new Playback(() => {
      moved += 1;
      return "moved";
    });
    playback.start(speed, () => undefined);
    vi.advanceTimersByTime(3000 + 1);
    playback.stop();
    expect(Math.abs(moved - 3 * speed)).toBeLessThanOrEqual(1);
  });

  it("waits for what has not arrived or is not drawn, and skips nothing", () => {
    const outcomes: Advance[] = ["moved", "waiting", "waiting", "painting", "moved", "ended"];
    const asked: Advance[] = [];
    const playback = new Playback(() => {
      const outcome = outcomes[asked.length] ?? "ended";
      asked.push(outcome);
      return outcome;
    });
    const onEnd = vi.fn();
    playback.start(10, onEnd);
    vi.advanceTimersByTime(2000);
    expect(asked).toEqual(outcomes);
    expect(onEnd).toHaveBeenCalledOnce();
    expect(playback.playing).toBe(false);
  });
});
