import type { KeyboardEvent, PointerEvent } from "react";
import type { Size } from "../plot/chart";
import type { Surface2D } from "../plot/surface";
import { useCanvas } from "./useCanvas";
import { usePinch, type Pinch } from "./usePinch";
import { useWheel } from "./useWheel";
import { usePictures } from "./usePictures";

type Draw = (surface: Surface2D) => void;

interface PlotProps {
  readonly size: Size;
  /** The picture; drawn again when the function changes. */
  readonly draw: Draw;
  /** What stands under it and changes seldom: painted once, and kept as a picture. */
  readonly under?: Draw;
  /** The picture with all that may still be missing on screen, for files; `draw` where nothing is. */
  readonly whole?: Draw;
  /** What moves with the pointer, on a canvas of its own. */
  readonly overlay: Draw | null;
  readonly label: string;
  /** What stands over it, where its panel has several pictures. */
  readonly title?: string;
  readonly onMove: (x: number, y: number) => void;
  readonly onLeave: () => void;
  readonly onClick?: (x: number, y: number) => void;
  /** Two fingers, the wheel or keys on the focused plot, for pictures that can show a part. */
  readonly onZoom?: (pinch: Pinch) => void;
  /** Arrow keys on the focused plot: by how many samples to move. */
  readonly onArrow: (dx: number, dy: number) => void;
  /** Enter on the focused plot: what a click does at the cursor. */
  readonly onEnter?: () => void;
  /** Escape on the focused plot, before it is left; answers whether there was something to undo. */
  readonly onEscape?: () => boolean;
}

const ARROWS = new Map<string, readonly [number, number]>([
  ["ArrowLeft", [-1, 0]],
  ["ArrowRight", [1, 0]],
  ["ArrowUp", [0, 1]],
  ["ArrowDown", [0, -1]],
]);

const FACTORS = new Map([
  ["+", 1.25],
  ["=", 1.25],
  ["-", 0.8],
]);

export function Plot(props: PlotProps) {
  const { size, draw, under = null, whole = draw, overlay, label, title } = props;
  const { onMove, onLeave, onClick, onZoom, onArrow, onEnter, onEscape } = props;
  const picture = useCanvas(size, draw, under);
  const hairs = useCanvas(size, overlay);
  const element = usePictures(size, whole, title);
  usePinch(element, onZoom);
  useWheel(element, onZoom);
  const place = (event: PointerEvent<HTMLElement>): readonly [number, number] => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const arrow = ARROWS.get(event.key);
    if (event.key === "Escape" && !onEscape?.()) onLeave();
    if (event.key === "Enter") onEnter?.();
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const factor = FACTORS.get(event.key);
    if (onZoom && factor !== undefined) onZoom({ factor });
    if (!arrow && !(onZoom && factor !== undefined)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!arrow) return;
    const by = event.shiftKey ? 10 : 1;
    onArrow(arrow[0] * by, arrow[1] * by);
  };
  return (
    <div
      ref={element}
      className={`plot ${onZoom ? "plot-zoom" : ""}`}
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
      {overlay && <canvas ref={hairs} style={size} />}
    </div>
  );
}
