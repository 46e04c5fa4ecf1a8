import { lazy, Suspense } from "react";
import type { ViewProps } from "../view";

// Few look at surfaces, and nobody at first: their code comes when it is asked for.
const View = lazy(async () => ({ default: (await import("./SurfaceView")).SurfaceView }));
const Controls = lazy(async () => ({
  default: (await import("./SurfaceControls")).SurfaceControls,
}));

export function LazySurface(props: ViewProps) {
  return (
    <Suspense fallback={<div className="skeleton" />}>
      <View {...props} />
    </Suspense>
  );
}

export function LazySurfaceControls() {
  return (
    <Suspense fallback={null}>
      <Controls />
    </Suspense>
  );
}
