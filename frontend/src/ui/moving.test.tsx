import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Moving, Paced, Settled, useMoving } from "./moving";

function Shown({ step }: { readonly step: number }) {
  return (
    <Moving step={step}>
      <Paced>
        <b>{`paced ${step}`}</b>
      </Paced>
      <Settled>
        <i>{`settled ${step}`}</i>
      </Settled>
      <IsMoving />
    </Moving>
  );
}

function IsMoving() {
  return <u>{useMoving() ? "moving" : "resting"}</u>;
}

beforeEach(() => vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

function wait(ms: number): void {
  act(() => {
    vi.advanceTimersByTime(ms);
  });
}

describe("what steps are scrubbed through", () => {
  it("shows every step that is looked at", () => {
    const { rerender } = render(<Shown step={0} />);
    for (const step of [1, 2, 3]) {
      wait(200);
      rerender(<Shown step={step} />);
      screen.getByText(`paced ${step}`);
      screen.getByText(`settled ${step}`);
      screen.getByText("resting");
    }
  });

  it("prints numbers ten times a second, and the rest once it is over", () => {
    const { rerender } = render(<Shown step={0} />);
    const printed = new Set<string | null>();
    const settled = new Set<string | null>();
    for (let step = 1; step <= 100; step += 1) {
      wait(10);
      rerender(<Shown step={step} />);
      printed.add(screen.getByText(/paced/).textContent);
      settled.add(screen.getByText(/settled/).textContent);
    }
    screen.getByText("moving");
    // A hundred steps took a second.
    expect(printed.size).toBeGreaterThanOrEqual(8);
    expect(printed.size).toBeLessThanOrEqual(12);
    expect(settled.size).toBeLessThanOrEqual(2);
    wait(130);
    screen.getByText("paced 100");
    screen.getByText("settled 100");
    screen.getByText("resting");
  });
});
