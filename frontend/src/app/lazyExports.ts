import { lazy } from "react";

// Files are made once in a while, so what makes them is loaded when a menu opens.
export const PanelExports = lazy(() =>
  import("./exports/PanelExports").then((found) => ({ default: found.PanelExports })),
);

export const StageExports = lazy(() =>
  import("./exports/StageExports").then((found) => ({ default: found.StageExports })),
);

export const ExportDialog = lazy(() =>
  import("./exports/ExportDialog").then((found) => ({ default: found.ExportDialog })),
);

export const PictureExports = lazy(() =>
  import("./exports/PictureExports").then((found) => ({ default: found.PictureExports })),
);
