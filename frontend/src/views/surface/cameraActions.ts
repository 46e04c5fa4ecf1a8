import { between, limited, type Camera } from "../../data/camera";
import type { Store } from "../../state/store";

const FLIGHT_MS = 280;
let flight = 0;

/** Turns, zooms or stretches at once. */
export function moveCamera(store: Store, change: Partial<Camera>): void {
  cancelAnimationFrame(flight);
  store.setState(({ camera }) => ({ camera: limited({ ...camera, ...change }) }));
}

export function orbit(store: Store, azimuth: number, elevation: number): void {
  const { camera } = store.getState();
  moveCamera(store, {
    azimuth: camera.azimuth + azimuth,
    elevation: camera.elevation + elevation,
  });
}

export function zoom(store: Store, factor: number): void {
  moveCamera(store, { distance: store.getState().camera.distance * factor });
}

/** Goes to another view, in one motion unless the user wants none. */
export function flyTo(store: Store, change: Partial<Camera>): void {
  cancelAnimationFrame(flight);
  const from = store.getState().camera;
  const to = { ...from, ...change };
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
    moveCamera(store, to);
    return;
  }
  const start = performance.now();
  const fly = (now: number) => {
    const share = Math.min(1, Math.max(0, (now - start) / FLIGHT_MS));
    const eased = share * share * (3 - 2 * share);
    store.setState({ camera: limited(share < 1 ? between(from, to, eased) : to) });
    if (share < 1) flight = requestAnimationFrame(fly);
  };
  flight = requestAnimationFrame(fly);
}
