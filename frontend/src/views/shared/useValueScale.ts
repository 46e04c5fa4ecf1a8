import { useMemo } from "react";
import { createScale, type Scale } from "../../plot/scale";
import type { ValueScale } from "../view";

/** The scale of the values, the same object as long as it says the same. */
export function useValueScale({ kind, domain: [low, high] }: ValueScale): Scale {
  return useMemo(() => createScale(kind, [low, high]), [kind, low, high]);
}
