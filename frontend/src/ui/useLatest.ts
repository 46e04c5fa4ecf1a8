import { useCallback, useLayoutEffect, useRef } from "react";

/** A function that gives what was last rendered: what is read seldom need not be passed on each time. */
export function useLatest<T>(value: T): () => T {
  const latest = useRef(value);
  useLayoutEffect(() => {
    latest.current = value;
  });
  return useCallback(() => latest.current, []);
}
