import { useCallback } from "react";
import { runStyle, type RunStyle } from "../data/runColors";
import { useAppState, useDark } from "./context";

/** The look of a run by its place. */
export type StyleOf = (place: number) => RunStyle;

/** How runs look in the theme and the palette of the page. */
export function useRunStyle(): StyleOf {
  const dark = useDark();
  const palette = useAppState((state) => state.runPalette);
  return useCallback((place) => runStyle(place, dark, palette), [dark, palette]);
}
