import { useEffect } from "react";
import { moveStep, positionAtOrBefore } from "../data/align";
import { frameKey, layoutAt, seriesNamed, strideFor } from "../data/catalog";
import { fieldKey, type FieldStore } from "../data/fieldStore";
import { Playback } from "../state/playback";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";

/** Moves the step while playing; waits for slices that have not arrived, stops at the end. */
export function usePlayback(selection: Selection, visible: boolean): void {
  const { store, fields } = useServices();
  const playing = useAppState((state) => state.playing);
  const framesPerSecond = useAppState((state) => state.framesPerSecond);
  useEffect(() => {
    if (!playing || !visible) return undefined;
    let painted = true;
    let frame = 0;
    // Drawing begins in the next frame: it is on screen when the one after that begins.
    const notePaint = () => {
      painted = false;
      frame = requestAnimationFrame(() => {
        frame = requestAnimationFrame(() => (painted = true));
      });
    };
    const playback = new Playback(() => {
      const { steps } = selection;
      const now = store.getState().step ?? steps[0] ?? 0;
      const next = moveStep(steps, now, 1);
      if (next === now) return "ended";
      const waiting = !arrived(selection, now, fields);
      if (store.getState().waiting !== waiting) store.setState({ waiting });
      if (waiting) return "waiting";
      if (!painted) return "painting";
      notePaint();
      store.setState({ step: next });
      return "moved";
    });
    playback.start(framesPerSecond, () => store.setState({ playing: false }));
    return () => {
      playback.stop();
      cancelAnimationFrame(frame);
      store.setState({ waiting: false });
    };
  }, [playing, visible, framesPerSecond, selection, store, fields]);
}

/** Whether every panel has its slice of the step, or the reason why it has none. */
export function arrived(selection: Selection, step: number, fields: FieldStore): boolean {
  return selection.visible.every(({ run }) => {
    const series = seriesNamed(run, selection.seriesName);
    const position = series ? positionAtOrBefore(series.steps, step) : -1;
    const layout = series && layoutAt(series, position);
    const key = series && frameKey(series, position);
    return !layout || !key || fields.has(fieldKey(key, strideFor(layout, selection.samples)));
  });
}
