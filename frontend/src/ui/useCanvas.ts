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

interface Below {
  readonly paint: Paint;
  readonly room: string;
  readonly picture: HTMLCanvasElement;
}

/**
 * A canvas that is painted once a frame at most, when what paints it or its size has changed. What
 * is painted `under` it is kept as a picture until it changes itself.
 */
export function useCanvas(
  { width, height }: Size,
  paint: Paint | null,
  under: Paint | null = null,
): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const below = useRef<Below>(null);
  const repaint = useCallback(() => {
    if (!canvas.current || width === 0 || height === 0) return;
    const density = window.devicePixelRatio;
    const surface = createCanvasSurface(canvas.current, width, height, density);
    const context = canvas.current.getContext("2d");
    if (!surface || !context) return;
    if (under) {
      const room = `${width} ${height} ${density}`;
      if (below.current?.paint !== under || below.current.room !== room) {
        const picture = document.createElement("canvas");
        const ground = createCanvasSurface(picture, width, height, density);
        const own = picture.getContext("2d");
        if (ground && own) under(ground, own, density);
        below.current = { paint: under, room, picture };
      }
      const { picture } = below.current;
      context.drawImage(picture, 0, 0, picture.width / density, picture.height / density);
    }
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
