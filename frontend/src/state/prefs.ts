import { RUN_PALETTES, type RunPalette } from "../data/runColors";
import { RUN_ORDERS, type RunOrder } from "./runOrder";
import { SPEEDS, type State } from "./store";

const KEY = "pysclice.prefs.v1";

/** What a person likes, whatever the data: kept in the browser and never in the link. */
export type Prefs = Pick<
  State,
  "railOpen" | "detailsOpen" | "inspectorOpen" | "framesPerSecond" | "runOrder" | "runPalette"
>;

const isFlag = (value: unknown) => typeof value === "boolean";

/** What each of them can be; anything else that was kept is forgotten. */
const VALID: Readonly<Record<keyof Prefs, (value: unknown) => boolean>> = {
  railOpen: isFlag,
  detailsOpen: isFlag,
  inspectorOpen: isFlag,
  framesPerSecond: (value) => SPEEDS.some((speed) => speed === value),
  runPalette: (value) => RUN_PALETTES.includes(value as RunPalette),
  runOrder: (value) => RUN_ORDERS.includes(value as RunOrder),
};

const NAMES = Object.keys(VALID) as (keyof Prefs)[];

export function prefsOf(state: Prefs): Prefs {
  return Object.fromEntries(NAMES.map((name) => [name, state[name]])) as unknown as Prefs;
}

export function readPrefs(storage: () => Storage = () => window.localStorage): Partial<Prefs> {
  try {
    const found: unknown = JSON.parse(storage().getItem(KEY) ?? "{}");
    if (typeof found !== "object" || found === null) return {};
    const known = Object.entries(found).filter(
      ([name, value]) => Object.hasOwn(VALID, name) && VALID[name as keyof Prefs](value),
    );
    return Object.fromEntries(known);
  } catch {
    return {};
  }
}

/** Keeps what has changed. A narrow page closes what would cover it: that is nobody's wish. */
export function writePrefs(
  prefs: Prefs,
  before: Prefs,
  storage: () => Storage = () => window.localStorage,
): void {
  try {
    const changed = NAMES.filter((name) => prefs[name] !== before[name]);
    const kept = Object.fromEntries(changed.map((name) => [name, prefs[name]]));
    storage().setItem(KEY, JSON.stringify({ ...readPrefs(storage), ...kept }));
  } catch {
    // A browser may forbid storage; the page then starts from its defaults.
  }
}
