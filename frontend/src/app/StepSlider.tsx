import { useCallback, useEffect, useRef, useState, type PointerEvent } from "react";
import { moveStep } from "../data/align";
import { createCanvasSurface } from "../plot/canvasSurface";
import { formatStep } from "../plot/format";
import { themeFor } from "../plot/theme";
import { seek } from "../state/actions";
import type { Selection } from "../state/selection";
import { useDark, useServices } from "../ui/context";
import { useSize } from "../ui/useSize";
import { drawTicks, PADDING, shareOf, stepAt } from "./stepTicks";

interface StepSliderProps {
  readonly selection: Selection;
  readonly step: number;
}

/** A slider over the steps that any visible run has logged; it rests on nothing in between. */
export function StepSlider({ selection, step }: StepSliderProps) {
  const { store } = useServices();
  const { steps } = selection;
  const dark = useDark();
  const [element, size] = useSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const first = steps[0] ?? 0;
  const last = steps.at(-1) ?? first;
  const paint = useCallback(() => {
    if (!canvas.current || size.width === 0) return;
    const density = window.devicePixelRatio;
    const surface = createCanvasSurface(canvas.current, size.width, size.height, density);
    if (surface) drawTicks(surface, selection, [first, last], dark, themeFor(dark));
  }, [size, selection, first, last, dark]);
  useEffect(() => {
    const frame = requestAnimationFrame(paint);
    return () => cancelAnimationFrame(frame);
  }, [paint]);

  const pointed = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return stepAt(event.clientX - box.left, box.width, [first, last]);
  };
  const left = (at: number) =>
    `calc(${PADDING}px + ${shareOf(at, [first, last])} * (100% - ${2 * PADDING}px))`;
  return (
    <div
      ref={element}
      className="slider"
      role="slider"
      tabIndex={0}
      data-testid="step-slider"
      aria-label="Training step"
      aria-valuemin={first}
      aria-valuemax={last}
      aria-valuenow={step}
      aria-valuetext={`step ${formatStep(step)} of ${formatStep(last)}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        store.setState({ playing: false });
        seek(store, steps, pointed(event));
      }}
      onPointerMove={(event) => {
        const at = pointed(event);
        setHovered(at);
        if (event.buttons === 1) seek(store, steps, at);
      }}
      onPointerLeave={() => setHovered(null)}
      onKeyDown={(event) => {
        // Left, right, Home and End are the page's own keys; a slider also knows these.
        const by = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        seek(store, steps, moveStep(steps, step, by));
      }}
    >
      <canvas ref={canvas} style={size} />
      <span className="slider-track" />
      <span className="slider-thumb" style={{ left: left(step) }} />
      {hovered !== null && steps.length > 1 && (
        <span className="slider-hint" style={{ left: left(hovered) }}>
          {formatStep(Math.round(hovered))}
        </span>
      )}
    </div>
  );
}
