import { createContext, use, useLayoutEffect, useRef, useState, type ReactNode } from "react";

/** Steps that follow each other sooner than this are scrubbed through, not looked at. */
const QUICK_MS = 60;
const REST_MS = 120;
// Nobody reads numbers that change more often, and each change lays the page out anew.
const BEAT_MS = 100;

/** Whether what is shown is replaced again and again: then speed counts more than detail. */
const MovingContext = createContext(false);

/** Changes with the steps, but not as often while they are scrubbed through. */
const BeatContext = createContext(0);

interface MovingProps {
  readonly step: number;
  readonly children: ReactNode;
}

/** Tells what it holds whether a step follows the last one quickly, until it rests. */
export function Moving({ step, children }: MovingProps) {
  const { moving, beat } = useQuickChanges(step);
  return (
    <MovingContext value={moving}>
      <BeatContext value={beat}>{children}</BeatContext>
    </MovingContext>
  );
}

export function useMoving(): boolean {
  return use(MovingContext);
}

function useQuickChanges(step: number) {
  const [moving, setMoving] = useState(false);
  const [beat, setBeat] = useState(0);
  const last = useRef(-Infinity);
  const lastBeat = useRef(-Infinity);
  useLayoutEffect(() => {
    const now = performance.now();
    if (now - last.current < QUICK_MS) setMoving(true);
    last.current = now;
    if (now - lastBeat.current >= BEAT_MS) {
      lastBeat.current = now;
      setBeat(now);
    }
    const timer = setTimeout(() => setMoving(false), REST_MS);
    return () => clearTimeout(timer);
  }, [step]);
  return { moving, beat };
}

/** A value that need not keep up with every step: it stays as it was until the steps rest. */
export function useSettled<T>(value: T): T {
  const moving = useMoving();
  const [kept, keep] = useState(value);
  if (!moving && kept !== value) keep(value);
  return moving ? kept : value;
}

/** What is read while steps are scrubbed through: shown at most ten times a second then. */
export function Paced({ children }: { readonly children: ReactNode }) {
  const moving = useMoving();
  const beat = use(BeatContext);
  const [kept, keep] = useState({ children, beat });
  if (kept.children !== children && (!moving || kept.beat !== beat)) keep({ children, beat });
  return moving ? kept.children : children;
}

/** What is shown a moment later where steps are scrubbed through. */
export function Settled({ children }: { readonly children: ReactNode }) {
  return useSettled(children);
}
