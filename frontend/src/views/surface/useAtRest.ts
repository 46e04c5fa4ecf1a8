import { useEffect, useState } from "react";

const REST_MS = 160;

/** Whether what is drawn has stayed the same for a moment. */
export function useAtRest(drawn: object): boolean {
  const [resting, setResting] = useState<object | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setResting(drawn), REST_MS);
    return () => clearTimeout(timer);
  }, [drawn]);
  return resting === drawn;
}
