import { createContext, use, useLayoutEffect, useRef, useState, type ReactNode } from "react";

/** Steps that follow each other sooner than this are scrubbed through, not looked at. */
const QUICK_MS = 60;
const REST_MS = 120;

/** Whether what is shown is replaced again and again: then speed counts more than detail. */
const MovingContext = createContext(false);

interface MovingProps {
  readonly step: number;
  readonly children: ReactNode;
}

/** Tells what it holds whether a step follows the last one quickly, until it rests. */
export function Moving({ step, children }: MovingProps) {
  return <MovingContext value={useQuickChanges(step)}>{children}</MovingContext>;
}

export function useMoving(): boolean {
  return use(MovingContext);
}

function useQuickChanges(step: number): boolean {
  const [moving, setMoving] = useState(false);
  const last = useRef(-Infinity);
  useLayoutEffect(() => {
    const now = performance.now();
    if (now - last.current < QUICK_MS) setMoving(true);
    last.current = now;
    const timer = setTimeout(() => setMoving(false), REST_MS);
    return () => clearTimeout(timer);
  }, [step]);
  return moving;
}

/** A value that need not keep up with every step: it stays as it was until the steps rest. */
export function useSettled<T>(value: T): T {
  const moving = useMoving();
  const [kept, keep] = useState(value);
  if (!moving && kept !== value) keep(value);
  return moving ? kept : value;
}

/** What is shown a moment later where steps are scrubbed through. */
export function Settled({ children }: { readonly children: ReactNode }) {
  return useSettled(children);
}
