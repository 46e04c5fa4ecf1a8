import { useMemo } from "react";
import { PRESETS } from "../../data/camera";
import { useServices } from "../../ui/context";
import { flyTo, orbit, zoom } from "./cameraActions";

// A whole number of the tenths that the camera is rounded to, or slow motions would be lost.
const DEGREES_PER_PIXEL = 0.5;

/** What turns the camera of all surfaces: the pointer, the wheel and keys. */
export function useCameraControls() {
  const { store } = useServices();
  return useMemo(
    () => ({
      onOrbit: (dx: number, dy: number) =>
        orbit(store, -DEGREES_PER_PIXEL * dx, DEGREES_PER_PIXEL * dy),
      onZoom: (factor: number) => zoom(store, factor),
      onKey: (key: string) => {
        const preset = PRESETS.find((candidate) => candidate.key === key);
        if (preset) flyTo(store, { azimuth: preset.azimuth, elevation: preset.elevation });
        else if (key === "+" || key === "=") zoom(store, 1 / 1.1);
        else if (key === "-") zoom(store, 1.1);
        else return false;
        return true;
      },
    }),
    [store],
  );
}
