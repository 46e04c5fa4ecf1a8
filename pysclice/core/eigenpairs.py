"""Extreme eigenpairs of a loss surface's curvature, by the Lanczos method."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pysclice.core.curvature_matrix import CurvatureMatrix, MatrixName
from pysclice.core.lanczos import Lanczos, Ritz
from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface
from pysclice.slices import Float64, Int64

Which = Literal["largest", "smallest", "magnitude"]


# Eigenvalues as close as this, as a share of the largest, pass for one when others are looked for.
_APART = 0.04


@dataclass(frozen=True, eq=False)
class Eigenpair:
    """An eigenvalue of a curvature matrix and its eigenvector.

    Attributes:
        value: in units of the loss per squared parameter.
        vector: name -> tensor, of L2 norm 1; its sign makes the inner product with the start
            vector of the iteration positive.
        residual: L2 norm of ``A v - value * v``, measured by a product of its own; bounds the
            distance to a true eigenvalue.
        products: how many products with the matrix it took to find all pairs.
    """

    value: float
    vector: Parameters
    residual: float
    products: int


def eigenpairs(
    surface: LossSurface,
    parameters: Parameters,
    start: Parameters,
    count: int = 1,
    which: Which = "largest",
    tolerance: float = 1e-4,
    products: int = 100,
    matrix: MatrixName = "Hessian",
    unknown: float = 0.0,
) -> list[Eigenpair]:
    """The ``count`` extreme eigenpairs of the curvature at these parameters, most extreme first.

    Lanczos iteration with full reorthogonalization, on the model's device. It ends when all
    residuals are below ``tolerance`` times the largest magnitude found, or after ``products``
    steps. The residuals are then measured, so that they also tell what products in low precision
    have spoiled. Holds a vector of the model's size for each step.

    Args:
        surface: its first data set and loss define the matrix.
        parameters: where.
        start: a direction to begin with that no wanted eigenvector is orthogonal to; drawn from a
            seed, say.
        count: how many eigenpairs. An eigenvalue with several eigenvectors counts once.
        which: ``"largest"`` and ``"smallest"`` eigenvalues, or the largest in ``"magnitude"``.
        tolerance: relative size of the residuals.
        products: most steps of the iteration, each a product with the matrix; each eigenpair takes
            another one. A product takes as long as about seven forward passes.
        matrix: ``"Hessian"``, or ``"Gauss-Newton"`` for the generalized Gauss-Newton matrix.
        unknown: for a start that was made from guesses: what any other eigenvector has of it at
            least, as the magnitude of an inner product with the start of length 1. The iteration
            then goes on, up to ``products`` steps, until no such eigenvector can be left among the
            wanted ones, if its eigenvalue is a twentieth of the largest away from theirs.

    Returns:
        Fewer than ``count`` if the space that can be reached from ``start`` has fewer.

    Raises:
        ValueError: ``count`` below 1 or above the number of parameters or of products; a curvature
            that is not finite.
    """
    multiply = CurvatureMatrix(surface, parameters, matrix)
    if not 1 <= count <= min(multiply.size, products):
        raise ValueError(
            f"{count} eigenpairs were asked for; expected 1 to {min(multiply.size, products)}, the "
            f"smaller of the {multiply.size} parameters and the {products} products that may be "
            "taken."
        )
    first = multiply.flat(start)
    lanczos = Lanczos(multiply, first)
    ritz = converged(lanczos, count, which, tolerance, products, unknown)
    found: list[tuple[float, Tensor, float]] = []
    for place in ordered(ritz, which)[:count]:
        vector = lanczos.combined(ritz.weights[:, place])
        if float(vector @ first) < 0:
            vector.neg_()
        value, residual = measured(multiply, vector)
        found.append((value, vector, residual))
    return [
        Eigenpair(value, multiply.shaped(vector), residual, multiply.products)
        for value, vector, residual in found
    ]


def converged(
    lanczos: Lanczos,
    count: int,
    which: Which,
    tolerance: float,
    products: int,
    unknown: float = 0.0,
) -> Ritz:
    """Take steps until the ``count`` wanted pairs are found; see ``eigenpairs``.

    An iteration that has begun goes on from where it is.
    """
    while True:
        if lanczos.basis:
            ritz = lanczos.ritz()
            wanted = ordered(ritz, which)[:count]
            goal = tolerance * float(np.abs(ritz.values).max())
            done = len(ritz.values) >= count and bool(np.all(ritz.residuals[wanted] <= goal))
            if done and unknown > 0:
                between = _between(ritz.values[wanted], which)
                done = all(lanczos.most_of_start(value) <= unknown for value in between)
            if done or lanczos.next is None or len(ritz.values) >= products:
                return ritz
        lanczos.step()


def ordered(ritz: Ritz, which: Which) -> Int64:
    """Places of the eigenvalues, the wanted ones first."""
    keys = {"largest": -ritz.values, "smallest": ritz.values, "magnitude": -np.abs(ritz.values)}
    return np.argsort(keys[which], kind="stable")


def _between(wanted: Float64, which: Which) -> list[float]:
    """Where further eigenvalues would be wanted too: beyond the first, and in the wide gaps."""
    sign = -1.0 if which == "smallest" else 1.0
    keys = (np.abs(wanted) if which == "magnitude" else sign * wanted).tolist()
    margin = _APART * float(np.abs(wanted).max())
    gaps = [(high + low) / 2 for high, low in itertools.pairwise(keys) if high - low > 2 * margin]
    places = [sign * key for key in (keys[0] + margin, *gaps)]
    return places + [-place for place in places] if which == "magnitude" else places


def measured(matrix: CurvatureMatrix, vector: Tensor) -> tuple[float, float]:
    """Eigenvalue and residual norm of an approximate eigenvector of length 1, by one product."""
    product = matrix(vector)
    value = float(product @ vector)
    return value, float(torch.linalg.vector_norm(product.sub_(vector, alpha=value)))
