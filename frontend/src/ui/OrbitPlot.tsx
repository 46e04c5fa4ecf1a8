import { useRef, type KeyboardEvent, type PointerEvent } from "react";
import type { Size } from "../plot/chart";
import type { Surface2D } from "../plot/surface";
import { useCanvas, type Paint } from "./useCanvas";
import { usePictures } from "./usePictures";
import { usePinch, type Pinch } from "./usePinch";
import { useWheel } from "./useWheel";

interface OrbitPlotProps {
  readonly size: Size;
  /** The picture on screen. */
  readonly paint: Paint;
  /** What stands under it and does not turn: painted once, and kept as a picture. */
  readonly under: Paint | null;
  /** What moves with the pointer, on a canvas of its own. */
  readonly paintCursor: Paint | null;
  /** The picture in a file. */
  readonly draw: (surface: Surface2D) => void;
  readonly label: string;
  readonly onMove: (x: number, y: number) => void;
  readonly onLeave: () => void;
  /** Arrow keys: by how many samples to move. */
  readonly onArrow: (dx: number, dy: number) => void;
  /** Dragged, or Alt and arrow keys: by how many pixels. */
  readonly onOrbit: (dx: number, dy: number) => void;
  readonly onZoom: (factor: number) => void;
  /** Answers whether the key stood for anything. */
  readonly onKey: (key: string) => boolean;
}

const ARROWS = new Map<string, readonly [number, number]>([
  ["ArrowLeft", [-1, 0]],
  ["ArrowRight", [1, 0]],
  ["ArrowUp", [0, 1]],
  ["ArrowDown", [0, -1]],
]);
const KEY_PIXELS = 10;

/**
 * A picture that can be gone around: drag, Alt and arrow keys; nearer by two fingers, or by the wheel
 * once it has the focus.
 */
export function OrbitPlot(props: OrbitPlotProps) {
  const { size, paint, under, paintCursor, draw, label, onMove, onLeave } = props;
  const picture = useCanvas(size, paint, under);
  const cursor = useCanvas(size, paintCursor);
  const plot = usePictures(size, draw);
  const dragged = useRef<{ x: number; y: number } | null>(null);
  // A camera is nearer where things are larger.
  const onZoom = ({ factor }: Pinch) => props.onZoom(1 / factor);
  useWheel(plot, onZoom);
  usePinch(plot, onZoom);
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const from = dragged.current;
    if (from && event.currentTarget.hasPointerCapture(event.pointerId)) {
      props.onOrbit(event.clientX - from.x, event.clientY - from.y);
      dragged.current = { x: event.clientX, y: event.clientY };
      return;
    }
    const box = event.currentTarget.getBoundingClientRect();
    onMove(event.clientX - box.left, event.clientY - box.top);
  };
  return (
    <div
      ref={plot}
      className="plot plot-orbit"
      role="img"
      aria-label={label}
      tabIndex={0}
      style={size}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        dragged.current = { x: event.clientX, y: event.clientY };
        onLeave();
      }}
      onPointerUp={() => (dragged.current = null)}
      onPointerCancel={() => (dragged.current = null)}
      onPointerMove={onPointerMove}
      onPointerLeave={onLeave}
      onKeyDown={(event) => onKeyDown(event, props)}
      onBlur={onLeave}
    >
      <canvas ref={picture} style={size} />
      <canvas ref={cursor} style={size} />
    </div>
  );
}

function onKeyDown(event: KeyboardEvent<HTMLElement>, props: OrbitPlotProps): void {
  const { onLeave, onArrow, onOrbit, onKey } = props;
  if (event.ctrlKey || event.metaKey) return;
  const arrow = ARROWS.get(event.key);
  const by = event.shiftKey ? 10 : 1;
  if (event.key === "Escape") onLeave();
  if (arrow && event.altKey) {
    // As if the scene were dragged that way.
    const pixels = KEY_PIXELS * (event.shiftKey ? 4 : 1);
    onOrbit(arrow[0] * pixels, -arrow[1] * pixels);
  } else if (arrow) onArrow(arrow[0] * by, arrow[1] * by);
  else if (event.altKey || !onKey(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
}
