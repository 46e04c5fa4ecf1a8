import { use, useEffect, useReducer } from "react";
import type { ByteCache } from "../data/byteCache";
import type { TaskName, Tasks } from "../workers/protocol";
import { DerivedContext } from "./derived";

/** What is to be derived from some values, and with which choices. */
export interface Derivable<K extends TaskName> {
  readonly source: object;
  readonly choices: string;
  readonly ask: () => Tasks[K]["asked"];
}

/**
 * What a worker derives from slices, each `null` until it has come: what was derived from something
 * else never stands in for it. `wanted` has to stay the same array as long as it says the same.
 */
export function useDerived<K extends TaskName, T>(
  task: K,
  cache: ByteCache<T>,
  read: (answer: Tasks[K]["answer"]) => T,
  wanted: readonly Derivable<K>[],
): readonly (T | null)[] {
  const { deriver } = use(DerivedContext);
  const [, drawAgain] = useReducer((count: number) => count + 1, 0);
  const found = wanted.map(({ source, choices }) => cache.get(source, choices) ?? null);
  const missing = found.includes(null);
  useEffect(() => {
    if (!missing) return undefined;
    const abort = new AbortController();
    for (const { source, choices, ask } of wanted) {
      if (cache.get(source, choices) !== undefined) continue;
      deriver.ask(task, ask(), abort.signal).then(
        (answer) => {
          cache.put(source, choices, read(answer));
          if (!abort.signal.aborted) drawAgain();
        },
        // Canceled because something else is looked at; or it cannot be computed, and the picture
        // stands without it.
        () => undefined,
      );
    }
    return () => abort.abort();
  }, [missing, wanted, task, cache, read, deriver]);
  return found;
}
