import { useCallback, useSyncExternalStore } from "react";
import { useVisible } from "./useCatalog";

/** The time in whole periods, in milliseconds; a hidden page has no timer. */
export function useNow(period: number): number {
  const visible = useVisible();
  const subscribe = useCallback(
    (listener: () => void) => {
      if (!visible) return () => undefined;
      const timer = setInterval(listener, period);
      return () => clearInterval(timer);
    },
    [visible, period],
  );
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / period) * period);
}
