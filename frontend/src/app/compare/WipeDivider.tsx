import type { PointerEvent } from "react";
import type { Box } from "../../plot/geometry";

interface WipeDividerProps {
  readonly box: Box;
  /** From the left. */
  readonly percent: number;
  readonly left: string;
  readonly right: string;
  readonly onChange: (percent: number) => void;
}

const KEYS = new Map([
  ["ArrowLeft", -1],
  ["ArrowDown", -1],
  ["ArrowRight", 1],
  ["ArrowUp", 1],
  ["PageDown", -10],
  ["PageUp", 10],
  ["Home", -100],
  ["End", 100],
]);

/** The handle between two runs: dragged, or moved by arrow keys. */
export function WipeDivider({ box, percent, left, right, onChange }: WipeDividerProps) {
  const move = (to: number) => onChange(Math.min(100, Math.max(0, Math.round(to))));
  const onPointer = (event: PointerEvent<HTMLElement>) => {
    const parent = event.currentTarget.parentElement?.getBoundingClientRect();
    if (parent) move((100 * (event.clientX - parent.left - box.x)) / box.width);
  };
  return (
    <div
      className="wipe"
      role="slider"
      tabIndex={0}
      data-testid="wipe"
      aria-label="Divider between the two runs"
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={`${percent} % ${left}, ${100 - percent} % ${right}`}
      style={{ left: box.x + (percent / 100) * box.width, top: box.y, height: box.height }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
        event.currentTarget.focus();
      }}
      onPointerMove={(event) => {
        if (event.buttons === 1) onPointer(event);
      }}
      onKeyDown={(event) => {
        const by = KEYS.get(event.key);
        if (by === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        move(percent + by * (event.shiftKey && Math.abs(by) === 1 ? 10 : 1));
      }}
    >
      <span className="wipe-grip" aria-hidden="true" />
    </div>
  );
}
