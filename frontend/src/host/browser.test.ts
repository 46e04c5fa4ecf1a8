import { afterEach, describe, expect, it, vi } from "vitest";
import { observeVisibility } from "./browser";

afterEach(() => void vi.unstubAllGlobals());

describe("visibility", () => {
  it("sees a frame that was laid out after its scripts ran, which no event tells", () => {
    const laidOut: (() => void)[] = [];
    vi.stubGlobal(
      "ResizeObserver",
      class {
        constructor(private readonly callback: () => void) {}
        observe(element: Element) {
          if (element === document.documentElement) laidOut.push(this.callback);
        }
      },
    );
    vi.stubGlobal("innerHeight", 0);
    const visible = observeVisibility(window);
    const heard = vi.fn();
    visible.subscribe(heard);
    expect(visible.get()).toBe(false);

    vi.stubGlobal("innerHeight", 600);
    for (const tell of laidOut) tell();
    expect(visible.get()).toBe(true);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("is lost and found with the height that TensorBoard gives a tab", () => {
    const visible = observeVisibility(window);
    expect(visible.get()).toBe(true);
    vi.stubGlobal("innerHeight", 0);
    window.dispatchEvent(new Event("resize"));
    expect(visible.get()).toBe(false);
    vi.stubGlobal("innerHeight", 600);
    window.dispatchEvent(new Event("resize"));
    expect(visible.get()).toBe(true);
  });
});
