import { useCallback, useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { createCanvasSurface } from "../plot/canvasSurface";
import type { Size } from "../plot/chart";
import type { Surface2D } from "../plot/surface";

/** Draws on a canvas, through the surface or on its own. */
export type Paint = (
  surface: Surface2D,
  context: CanvasRenderingContext2D,
  density: number,
) => void;

interface Painted {
  readonly under: Paint | null;
  readonly room: string;
}

/**
 * A canvas that is painted once a frame at most, when what paints it or its size has changed. Where
 * something is painted `under` it, `paint` fills the same pixels each time, and the rest is painted
 * only when it has changed itself.
 */
export function useCanvas(
  { width, height }: Size,
  paint: Paint | null,
  under: Paint | null = null,
): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const painted = useRef<Painted>(null);
  const repaint = useCallback(() => {
    if (!canvas.current || width === 0 || height === 0) return;
    const density = window.devicePixelRatio;
    const room = `${width} ${height} ${density}`;
    const last = painted.current;
    const keep = under !== null && last?.under === under && last.room === room;
    const surface = createCanvasSurface(canvas.current, width, height, density, keep);
    const context = canvas.current.getContext("2d");
    if (!surface || !context) return;
    if (!keep) under?.(surface, context, density);
    painted.current = { under, room };
    paint?.(surface, context, density);
  }, [width, height, paint, under]);
  const latest = useRef(repaint);
  const frame = useRef(0);
  // Before effects that may wait: what moved with an event is seen in the frame of that event. A
  // frame that was asked for is never put off: what changes every frame would never be seen.
  useLayoutEffect(() => {
    latest.current = repaint;
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      latest.current();
    });
  }, [repaint]);
  useEffect(
    () => () => {
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    },
    [],
  );
  useEffect(() => {
    // Another screen or another zoom: another pixel density.
    window.addEventListener("resize", repaint);
    return () => window.removeEventListener("resize", repaint);
  }, [repaint]);
  return canvas;
}
