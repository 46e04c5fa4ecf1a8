"""Extreme eigenpairs of the Hessian of a loss surface, by the Lanczos method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.surface import LossSurface

Which = Literal["largest", "smallest", "magnitude"]


@dataclass(frozen=True, eq=False)
class Eigenpair:
    """An eigenvalue of the Hessian and its eigenvector.

    Attributes:
        value: in units of the loss per squared parameter.
        vector: name -> tensor, of L2 norm 1; its sign makes the inner product with the start
            vector of the iteration positive.
        residual: L2 norm of ``H v - value * v``; bounds the distance to a true eigenvalue.
        products: how many products with the Hessian the iteration took.
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
) -> list[Eigenpair]:
    """The ``count`` extreme eigenpairs of the Hessian at these parameters, most extreme first.

    Lanczos iteration with full reorthogonalization, which finds an eigenvalue once however long it
    runs (Golub and Van Loan 2013, "Matrix Computations", section 10.3), on the model's device. It
    ends when all residuals are below ``tolerance`` times the largest magnitude found, or after
    ``products`` products with the Hessian; the residuals say what was reached.

    Args:
        surface: its first data set and loss define the Hessian.
        parameters: where.
        start: a direction to begin with that no wanted eigenvector is orthogonal to; drawn from a
            seed, say.
        count: how many eigenpairs.
        which: ``"largest"`` and ``"smallest"`` eigenvalues, or the largest in ``"magnitude"``.
        tolerance: relative size of the residuals.
        products: most products with the Hessian; each takes about four forward passes.

    Raises:
        ValueError: ``count`` below 1 or above the number of parameters or of products; a Hessian
            that is not finite.
    """
    size = sum(tensor.numel() for tensor in parameters.values())
    if not 1 <= count <= min(size, products):
        raise ValueError(
            f"{count} eigenpairs were asked for; expected 1 to {min(size, products)}, the smaller "
            f"of the {size} parameters and the {products} products that may be taken."
        )
    basis = [_normalized(_flat(start, parameters))]
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    while True:
        product = _flat(
            surface.hessian_product(parameters, _shaped(basis[-1], parameters)), parameters
        )
        diagonal.append(float(product @ basis[-1]))
        # Twice: what rounding leaves of earlier vectors would grow into copies of eigenvalues.
        for _ in range(2):
            for vector in basis:
                product.sub_(vector, alpha=float(product @ vector))
        length = float(torch.linalg.vector_norm(product))
        if not np.isfinite(length) or not np.isfinite(diagonal[-1]):
            raise ValueError("The Hessian is not finite here: the loss has diverged.")
        values, vectors = np.linalg.eigh(
            np.diag(diagonal) + np.diag(off_diagonal, 1) + np.diag(off_diagonal, -1)
        )
        chosen = _order(values, which)[:count]
        scale = float(np.abs(values).max())
        done = len(diagonal) >= count and bool(
            np.all(length * np.abs(vectors[-1, chosen]) <= tolerance * scale)
        )
        exhausted = len(diagonal) == min(size, products) or length <= 1e-7 * max(scale, 1e-30)
        if done or exhausted:
            break
        off_diagonal.append(length)
        basis.append(product.div_(length))
    return [
        _pair(float(values[i]), vectors[:, i], basis, length, start, parameters) for i in chosen
    ]


def _pair(
    value: float,
    weights: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    basis: list[Tensor],
    length: float,
    start: Parameters,
    parameters: Parameters,
) -> Eigenpair:
    vector = torch.zeros_like(basis[0])
    for weight, part in zip(weights.tolist(), basis, strict=True):
        vector.add_(part, alpha=weight)
    vector = _normalized(vector)
    if float(vector @ _flat(start, parameters)) < 0:
        vector.neg_()
    residual = length * abs(float(weights[-1]))
    return Eigenpair(value, _shaped(vector, parameters), residual, len(basis))


def _order(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], which: Which
) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Places of the eigenvalues, the wanted ones first."""
    keys = {"largest": -values, "smallest": values, "magnitude": -np.abs(values)}
    return np.argsort(keys[which], kind="stable")


def _flat(tensors: Parameters, like: Parameters) -> Tensor:
    return torch.cat(
        [
            tensors[name].detach().to(direction_dtype(t.dtype)).reshape(-1)
            for name, t in like.items()
        ]
    )


def _shaped(vector: Tensor, like: Parameters) -> Parameters:
    parts = vector.split([tensor.numel() for tensor in like.values()])
    return {
        name: part.reshape(tensor.shape)
        for (name, tensor), part in zip(like.items(), parts, strict=True)
    }


def _normalized(vector: Tensor) -> Tensor:
    return vector.div(torch.linalg.vector_norm(vector))
