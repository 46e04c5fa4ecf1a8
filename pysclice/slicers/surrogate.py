"""A smooth function through the values that were measured, evaluated on the whole grid."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from pysclice.slices import Float64, Mask

# Beyond so many nodes one system of equations for all of them takes longer than many small ones.
MOST_NODES = 1500
NEIGHBORS = 100
# A quintic has that many coefficients in the polynomial below it, which nodes have to determine.
FEWEST_NODES = 6


def interpolated(nodes: Mask, values: Float64, *, again: bool = False) -> Float64 | None:
    """What a smooth function through some points of a grid is at all of its points.

    On a line a cubic spline; on a plane the sum of a quadratic polynomial and radial functions r^5
    around the nodes, with the plane as the unit square (Wendland 2004, "Scattered Data
    Approximation", chapter 8). Neither has a parameter to choose. A second opinion comes from a
    spline of fifth degree, and from radial functions r^3.

    Args:
        nodes: (*shape of the grid): where the function is held to the values.
        values: (channels, *shape of the grid), finite at the nodes, whatever elsewhere.
        again: whether to give the second opinion.

    Returns:
        (channels, *shape of the grid), the values themselves at the nodes; or None where the nodes
        determine no such function, such as when all of them lie on a line of a plane.
    """
    if np.count_nonzero(nodes) < FEWEST_NODES:
        return None
    places = np.argwhere(nodes)
    targets = values[:, nodes].T  # (nodes, channels)
    if nodes.ndim == 1:
        degree = 5 if again else 3
        spline = scipy_interpolate().make_interp_spline(places[:, 0], targets, k=degree)
        found = spline(np.arange(nodes.size))
    else:
        unit = np.array(nodes.shape) - 1.0
        everywhere = np.argwhere(np.ones_like(nodes)) / unit
        try:
            found = scipy_interpolate().RBFInterpolator(
                places / unit,
                targets,
                kernel="cubic" if again else "quintic",
                neighbors=NEIGHBORS if len(places) > MOST_NODES else None,
            )(everywhere)
        except np.linalg.LinAlgError:
            return None
    result: Float64 = found.T.reshape(values.shape)
    result[:, nodes] = values[:, nodes]
    return result


def scipy_interpolate() -> ModuleType:
    """``scipy.interpolate``.

    Raises:
        ImportError: scipy is not installed.
    """
    try:
        import scipy.interpolate
    except ImportError as error:
        raise ImportError(
            "Adaptive sampling interpolates with scipy, which is not installed: "
            "pip install 'pysclice[science]', or take sampling='grid'."
        ) from error
    module: ModuleType = scipy.interpolate
    return module
