import { useCallback, useMemo, useState, type PointerEvent } from "react";
import { moveStep, nearestPosition } from "../data/align";
import { formatStep } from "../plot/format";
import type { Surface2D } from "../plot/surface";
import { themeFor } from "../plot/theme";
import { seek } from "../state/actions";
import type { Selection } from "../state/selection";
import { stepPlaces, unitFor } from "../state/stepUnits";
import { useAppState, useDark, useServices } from "../ui/context";
import { useCanvas } from "../ui/useCanvas";
import { useSize } from "../ui/useSize";
import { useRunStyle } from "../ui/useRunStyle";
import { formatPlace, placeText } from "./placeText";
import { restartsIn, restartText } from "./restarts";
import { drawHead, drawTicks, PADDING, shareOf, stepAt } from "./stepTicks";

/** How far from a flag the pointer still is at it. */
const NEAR = 5;

interface StepSliderProps {
  readonly selection: Selection;
  readonly step: number;
}

/** A slider over the steps that any visible run has logged; it rests on nothing in between. */
export function StepSlider({ selection, step }: StepSliderProps) {
  const { store } = useServices();
  const { steps } = selection;
  const dark = useDark();
  const styleOf = useRunStyle();
  const [element, size] = useSize();
  const [hovered, setHovered] = useState<number | null>(null);
  const waiting = useAppState((state) => state.waiting);
  const unit = unitFor(
    selection,
    useAppState((state) => state.stepUnit),
  );
  const places = useMemo(() => stepPlaces(selection, unit), [selection, unit]);
  const start = steps[0] ?? 0;
  const end = steps.at(-1) ?? start;
  const first = places(start);
  const last = places(end);
  const ticks = useCanvas(
    size,
    useCallback(
      (surface: Surface2D) =>
        drawTicks(surface, selection, [first, last], styleOf, themeFor(dark), places),
      [selection, first, last, dark, styleOf, places],
    ),
  );

  const left = (at: number) => PADDING + shareOf(at, [first, last]) * (size.width - 2 * PADDING);
  const at = left(places(step));
  // Drawn, since an element that moves with every step has the browser list its layers anew.
  const head = useCanvas(
    size,
    useCallback((surface: Surface2D) => drawHead(surface, at, themeFor(dark)), [at, dark]),
  );

  const pointed = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return stepAt(event.clientX - box.left, box.width, [first, last]);
  };
  const seekPlace = (place: number) => {
    const nearest = steps[nearestPosition(steps.map(places), place)];
    if (nearest !== undefined) seek(store, steps, nearest);
  };
  const restarts = useMemo(() => restartsIn(selection), [selection]);
  const pointedAt = restarts.filter(
    (restart) =>
      hovered !== null &&
      Math.abs(shareOf(places(restart.step), [first, last]) - shareOf(hovered, [first, last])) *
        (size.width - 2 * PADDING) <=
        NEAR,
  );
  return (
    <div
      ref={element}
      className="slider"
      role="slider"
      tabIndex={0}
      data-testid="step-slider"
      aria-label="Training step"
      aria-valuemin={start}
      aria-valuemax={end}
      aria-valuenow={step}
      {...(restarts.length > 0 && { "aria-describedby": "restarts" })}
      aria-valuetext={`step ${formatStep(step)} of ${formatStep(end)}${placeText(unit, places(step))}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        store.setState({ playing: false });
        seekPlace(pointed(event));
      }}
      onPointerMove={(event) => {
        const at = pointed(event);
        setHovered(at);
        if (event.buttons === 1) seekPlace(at);
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
      <canvas ref={ticks} className="slider-ticks" style={size} />
      {restarts.length > 0 && (
        <span id="restarts" className="visually-hidden" data-testid="restarts">
          {restartText(restarts)}
        </span>
      )}
      <span className="slider-track" />
      <canvas
        ref={head}
        className={`slider-head ${waiting ? "slider-waiting" : ""}`}
        style={size}
        title={waiting ? "Waiting for slices that have not arrived" : undefined}
      />
      {hovered !== null && steps.length > 1 && (
        <span className="slider-hint" style={{ left: left(hovered) }}>
          {restartText(pointedAt) || formatPlace(unit, hovered)}
        </span>
      )}
    </div>
  );
}
