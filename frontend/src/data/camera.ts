/** From where surfaces are seen; all panels share one. Kept round, so that a link gives it back. */
export interface Camera {
  /** Degrees: how far the camera has gone around, counterclockwise; 0 has the first axis across. */
  readonly azimuth: number;
  /** Degrees above the plane: 0 is seen from the side, 90 from above. */
  readonly elevation: number;
  /** 1 shows all of a surface; less is nearer. */
  readonly distance: number;
  /** What heights are multiplied by. */
  readonly exaggeration: number;
  /** Whether what is farther away is smaller. */
  readonly perspective: boolean;
}

export const DEFAULT_CAMERA: Camera = {
  azimuth: 35,
  elevation: 38,
  distance: 1,
  exaggeration: 1,
  perspective: true,
};

export const LIMITS = {
  elevation: [0, 90],
  distance: [0.6, 2.5],
  exaggeration: [0.2, 3],
} as const;

export const PRESETS = [
  { name: "Top", key: "1", azimuth: 0, elevation: 90 },
  { name: "Front", key: "2", azimuth: 0, elevation: 0 },
  { name: "Side", key: "3", azimuth: 90, elevation: 0 },
  {
    name: "Iso",
    key: "4",
    azimuth: DEFAULT_CAMERA.azimuth,
    elevation: DEFAULT_CAMERA.elevation,
  },
] as const;

/** The camera within its limits, its numbers rounded to what a link holds. */
export function limited(camera: Camera): Camera {
  const clamped = (key: keyof typeof LIMITS, digits: number) => {
    const [low, high] = LIMITS[key];
    return round(Math.min(Math.max(camera[key], low), high), digits);
  };
  const turned = round(camera.azimuth - 360 * Math.floor((camera.azimuth + 180) / 360), 1);
  const result = {
    azimuth: turned === 180 ? -180 : turned,
    elevation: clamped("elevation", 1),
    distance: clamped("distance", 3),
    exaggeration: clamped("exaggeration", 2),
    perspective: camera.perspective,
  };
  // The very object, so that a link leaves it out.
  return isSame(result, DEFAULT_CAMERA) ? DEFAULT_CAMERA : result;
}

function isSame(a: Camera, b: Camera): boolean {
  return (
    a.azimuth === b.azimuth &&
    a.elevation === b.elevation &&
    a.distance === b.distance &&
    a.exaggeration === b.exaggeration &&
    a.perspective === b.perspective
  );
}

/** The camera a share of the way to another, around by the shorter side. */
export function between(from: Camera, to: Camera, share: number): Camera {
  const mix = (a: number, b: number) => a + share * (b - a);
  const turn = ((((to.azimuth - from.azimuth + 180) % 360) + 360) % 360) - 180;
  return {
    azimuth: from.azimuth + share * turn,
    elevation: mix(from.elevation, to.elevation),
    distance: mix(from.distance, to.distance),
    exaggeration: mix(from.exaggeration, to.exaggeration),
    perspective: to.perspective,
  };
}

// Adding zero makes of -0 the 0 that a text gives back.
function round(value: number, digits: number): number {
  return Number(value.toFixed(digits)) + 0;
}
