import { createContext } from "react";
import { ByteCache } from "../data/byteCache";
import type { Clustering } from "../data/cluster";
import type { Contour } from "../plot/contours";
import { contourBytes } from "../plot/packedContours";
import { Deriver, startWorker } from "../workers/deriver";

/**
 * Less than half of it are arrays, the rest is the browser's own form of them: with 80 MB of slices,
 * 16 MB of their shares (plot/raster.ts) and 20 MB of moving pictures (views/plane/drawPlane.ts),
 * arrays stay below 128 MB.
 */
const CONTOUR_BUDGET = 64 * 2 ** 20;
const QUANTILE_BUDGET = 2 * 2 ** 20;
const CLUSTER_BUDGET = 2 ** 19;

interface Derived {
  readonly deriver: Deriver;
  readonly contours: ByteCache<readonly Contour[]>;
  readonly quantiles: ByteCache<readonly Float64Array[]>;
  readonly clusters: ByteCache<Clustering>;
}

/** What is computed from slices beside the page, and what of it is kept. */
export const DerivedContext = createContext<Derived>({
  deriver: new Deriver(startWorker),
  contours: new ByteCache<readonly Contour[]>(CONTOUR_BUDGET, contourBytes),
  quantiles: new ByteCache<readonly Float64Array[]>(QUANTILE_BUDGET, (found) =>
    found.reduce((bytes, { byteLength }) => bytes + byteLength, 128),
  ),
  clusters: new ByteCache<Clustering>(
    CLUSTER_BUDGET,
    ({ members, medoids }) => members.byteLength + 8 * medoids.length + 128,
  ),
});
