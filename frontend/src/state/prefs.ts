import { RUN_ORDERS, type RunOrder } from "./runOrder";
import { SPEEDS, type State } from "./store";

const KEY = "pysclice.prefs.v1";

/** What a person likes, whatever the data: kept in the browser and never in the link. */
export type Prefs = Pick<State, "railOpen" | "detailsOpen" | "framesPerSecond" | "runOrder">;

export function readPrefs(storage: () => Storage = () => window.localStorage): Partial<Prefs> {
  try {
    const found: unknown = JSON.parse(storage().getItem(KEY) ?? "{}");
    if (typeof found !== "object" || found === null) return {};
    const { railOpen, detailsOpen, framesPerSecond, runOrder } = found as Record<string, unknown>;
    return {
      ...(typeof railOpen === "boolean" && { railOpen }),
      ...(typeof detailsOpen === "boolean" && { detailsOpen }),
      ...(SPEEDS.some((speed) => speed === framesPerSecond) && {
        framesPerSecond: framesPerSecond as number,
      }),
      ...(RUN_ORDERS.some((order) => order === runOrder) && { runOrder: runOrder as RunOrder }),
    };
  } catch {
    return {};
  }
}

export function writePrefs(
  { railOpen, detailsOpen, framesPerSecond, runOrder }: Prefs,
  storage: () => Storage = () => window.localStorage,
): void {
  try {
    storage().setItem(KEY, JSON.stringify({ railOpen, detailsOpen, framesPerSecond, runOrder }));
  } catch {
    // A browser may forbid storage; the page then starts from its defaults.
  }
}
