import { useCallback, useEffect, useRef, type KeyboardEvent, type PointerEvent } from "react";
import { createCanvasSurface } from "../plot/canvasSurface";
import type { Size } from "../plot/chart";
import type { Surface2D } from "../plot/surface";
import { usePictures } from "./usePictures";

type Draw = (surface: Surface2D) => void;

interface PlotProps {
  readonly size: Size;
  /** The picture; drawn again when the function changes. */
  readonly draw: Draw;
  /** What moves with the pointer, on a canvas of its own. */
  readonly overlay: Draw | null;
  readonly label: string;
  /** What stands over it, where its panel has several pictures. */
  readonly title?: string;
  readonly onMove: (x: number, y: number) => void;
  readonly onLeave: () => void;
  readonly onClick?: (x: number, y: number) => void;
  /** Arrow keys on the focused plot: by how many samples to move. */
  readonly onArrow: (dx: number, dy: number) => void;
}

const ARROWS = new Map<string, readonly [number, number]>([
  ["ArrowLeft", [-1, 0]],
  ["ArrowRight", [1, 0]],
  ["ArrowUp", [0, 1]],
  ["ArrowDown", [0, -1]],
]);

export function Plot({
  size,
  draw,
  overlay,
  label,
  title,
  onMove,
  onLeave,
  onClick,
  onArrow,
}: PlotProps) {
  const picture = useCanvas(size, draw);
  const hairs = useCanvas(size, overlay);
  const element = useRef<HTMLDivElement>(null);
  usePictures(element, size, draw, title);
  const place = (event: PointerEvent<HTMLElement>): readonly [number, number] => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const arrow = ARROWS.get(event.key);
    if (event.key === "Escape") onLeave();
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.shiftKey ? 10 : 1;
    onArrow(arrow[0] * by, arrow[1] * by);
  };
  return (
    <div
      ref={element}
      className="plot"
      role="img"
      aria-label={label}
      tabIndex={0}
      style={{ width: size.width, height: size.height }}
      onPointerMove={(event) => onMove(...place(event))}
      onPointerLeave={onLeave}
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        onClick?.(event.clientX - box.left, event.clientY - box.top);
      }}
      onKeyDown={onKeyDown}
      onBlur={onLeave}
    >
      <canvas ref={picture} style={size} />
      <canvas ref={hairs} style={size} />
    </div>
  );
}

/** A canvas that is drawn once a frame at most, when what draws it or its size has changed. */
function useCanvas({ width, height }: Size, draw: Draw | null) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const paint = useCallback(() => {
    if (!canvas.current || width === 0 || height === 0) return;
    const surface = createCanvasSurface(canvas.current, width, height, window.devicePixelRatio);
    if (surface) draw?.(surface);
  }, [width, height, draw]);
  useEffect(() => {
    const frame = requestAnimationFrame(paint);
    return () => cancelAnimationFrame(frame);
  }, [paint]);
  useEffect(() => {
    // Another screen or another zoom: another pixel density.
    window.addEventListener("resize", paint);
    return () => window.removeEventListener("resize", paint);
  }, [paint]);
  return canvas;
}
