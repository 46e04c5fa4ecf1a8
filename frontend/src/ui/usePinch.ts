import { useEffect, useRef } from "react";

type Point = readonly [number, number];

/** What was at one pixel of an element comes to another, and is larger by a factor there. */
export interface Pinch {
  readonly factor: number;
  /** Nothing where no place was named. */
  readonly from?: Point;
  readonly to?: Point;
}

/**
 * Two fingers on an element: how their middle moves and how they part. Meanwhile, and until both are
 * lifted, the element hears of no finger, so that nothing else follows them.
 */
export function usePinch(
  plot: { readonly current: HTMLElement | null },
  onPinch: ((pinch: Pinch) => void) | undefined,
): void {
  const act = useRef(onPinch);
  useEffect(() => {
    act.current = onPinch;
  }, [onPinch]);
  const wanted = onPinch !== undefined;
  useEffect(() => {
    const element = plot.current;
    if (!element || !wanted) return undefined;
    const fingers = new Map<number, Point>();
    let pinching = false;
    const onDown = (event: PointerEvent) => {
      if (event.pointerType !== "touch") return;
      fingers.set(event.pointerId, placeIn(element, event));
      pinching ||= fingers.size === 2;
      if (pinching) event.stopPropagation();
    };
    const onMove = (event: PointerEvent) => {
      if (!fingers.has(event.pointerId)) return;
      const before = [...fingers.values()];
      fingers.set(event.pointerId, placeIn(element, event));
      if (!pinching) return;
      event.stopPropagation();
      if (fingers.size !== 2) return;
      const after = [...fingers.values()];
      const factor = distance(after) / distance(before);
      act.current?.({ factor, from: middle(before), to: middle(after) });
    };
    const onEnd = (event: PointerEvent) => {
      fingers.delete(event.pointerId);
      if (fingers.size === 0) pinching = false;
    };
    // Or the browser would scroll or magnify the page, and take the fingers away.
    const onTouch = (event: TouchEvent) => {
      if (event.touches.length > 1) event.preventDefault();
    };
    const ends = ["pointerup", "pointercancel"] as const;
    const touches = ["touchstart", "touchmove"] as const;
    element.addEventListener("pointerdown", onDown);
    element.addEventListener("pointermove", onMove);
    for (const name of ends) element.addEventListener(name, onEnd);
    for (const name of touches) element.addEventListener(name, onTouch, { passive: false });
    return () => {
      element.removeEventListener("pointerdown", onDown);
      element.removeEventListener("pointermove", onMove);
      for (const name of ends) element.removeEventListener(name, onEnd);
      for (const name of touches) element.removeEventListener(name, onTouch);
    };
  }, [plot, wanted]);
}

/** Never nothing: two fingers may come to the same pixel. */
function distance([a = [0, 0], b = [0, 0]]: readonly Point[]): number {
  return Math.max(16, Math.hypot(a[0] - b[0], a[1] - b[1]));
}

function middle([a = [0, 0], b = [0, 0]]: readonly Point[]): Point {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

export function placeIn(element: Element, event: MouseEvent): Point {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}
