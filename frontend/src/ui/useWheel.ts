import { useEffect, useRef } from "react";
import { placeIn, type Pinch } from "./usePinch";

/**
 * The wheel over an element that has the focus. React listens passively, which cannot keep the page
 * from scrolling.
 */
export function useWheel(
  plot: { readonly current: HTMLElement | null },
  onWheel: ((pinch: Pinch) => void) | undefined,
): void {
  const act = useRef(onWheel);
  useEffect(() => {
    act.current = onWheel;
  }, [onWheel]);
  const wanted = onWheel !== undefined;
  useEffect(() => {
    const element = plot.current;
    if (!element || !wanted) return undefined;
    const onEvent = (event: WheelEvent) => {
      // Whoever only scrolls past should not be held up.
      if (document.activeElement !== element) return;
      event.preventDefault();
      const at = placeIn(element, event);
      act.current?.({ factor: Math.exp(-0.0015 * event.deltaY), from: at, to: at });
    };
    element.addEventListener("wheel", onEvent, { passive: false });
    return () => element.removeEventListener("wheel", onEvent);
  }, [plot, wanted]);
}
