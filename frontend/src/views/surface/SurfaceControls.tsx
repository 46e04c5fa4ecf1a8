import { useSyncExternalStore } from "react";
import { DEFAULT_CAMERA, LIMITS, PRESETS } from "../../data/camera";
import { useAppState, useServices } from "../../ui/context";
import { flyTo, moveCamera } from "./cameraActions";
import { renderers } from "./rendererSource";

const [LEAST, MOST] = LIMITS.exaggeration;

/** The camera of all surfaces at once. */
export function SurfaceControls() {
  const { store } = useServices();
  const camera = useAppState((state) => state.camera);
  const wireframe = useAppState((state) => state.wireframe);
  return (
    <div className="view-controls" role="region" aria-label="Camera" data-testid="surface-controls">
      <div className="presets">
        {PRESETS.map(({ name, key, azimuth, elevation }) => (
          <button
            key={name}
            type="button"
            className="preset"
            aria-pressed={camera.azimuth === azimuth && camera.elevation === elevation}
            title={`Look from there (${key}, while a surface has the focus)`}
            onClick={() => flyTo(store, { azimuth, elevation })}
          >
            {name}
          </button>
        ))}
      </div>
      <label className="view-control" title="Heights are multiplied by this; colors stay">
        Height
        <input
          type="range"
          data-testid="exaggeration"
          min={LEAST}
          max={MOST}
          step={0.1}
          value={camera.exaggeration}
          onChange={(event) => moveCamera(store, { exaggeration: Number(event.target.value) })}
        />
        <output className="exaggeration">{camera.exaggeration.toFixed(1)}×</output>
      </label>
      <label className="view-control">
        <input
          type="checkbox"
          data-testid="perspective"
          checked={camera.perspective}
          onChange={(event) => moveCamera(store, { perspective: event.target.checked })}
        />
        Perspective
      </label>
      <label className="view-control">
        <input
          type="checkbox"
          data-testid="wireframe"
          checked={wireframe}
          onChange={(event) => store.setState({ wireframe: event.target.checked })}
        />
        Wireframe
      </label>
      <button type="button" className="preset" onClick={() => flyTo(store, DEFAULT_CAMERA)}>
        Reset
      </button>
      <WithoutWebGl />
    </div>
  );
}

function WithoutWebGl() {
  const state = useSyncExternalStore(renderers.subscribe, renderers.getState);
  if (state === "ready") return null;
  return (
    <span className="without-webgl" role="status" data-testid="without-webgl">
      {state === "lost"
        ? "The browser took WebGL away. Surfaces are drawn without it, more slowly."
        : "WebGL is not available in this browser. Surfaces are drawn without it, more slowly."}
      <button type="button" className="preset" onClick={renderers.retry}>
        Retry
      </button>
    </span>
  );
}
