import { useCallback, useEffect, useRef, useState } from "react";

/** How far something slow has come. */
export type Progress =
  | { readonly state: "idle" }
  | { readonly state: "running"; readonly done: number }
  | { readonly state: "done"; readonly sentence: string }
  | { readonly state: "failed"; readonly sentence: string };

/** Something slow that can be stopped, and is when its dialog goes. */
export function useTask() {
  const [progress, setProgress] = useState<Progress>({ state: "idle" });
  const abort = useRef<AbortController | null>(null);
  const cancel = useCallback(() => abort.current?.abort(), []);
  useEffect(() => cancel, [cancel]);
  const start = (
    task: (signal: AbortSignal, onDone: (done: number) => void) => Promise<string>,
  ): void => {
    const own = new AbortController();
    abort.current = own;
    setProgress({ state: "running", done: 0 });
    task(own.signal, (done) => setProgress({ state: "running", done })).then(
      (sentence) => setProgress({ state: "done", sentence }),
      (error: unknown) => {
        const sentence = error instanceof Error ? error.message : "It could not be made.";
        setProgress(own.signal.aborted ? { state: "idle" } : { state: "failed", sentence });
      },
    );
  };
  return { progress, start, cancel };
}
