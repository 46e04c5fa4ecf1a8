"""The Hessian or the generalized Gauss-Newton matrix of a loss surface, one product at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.surface import LossSurface

MatrixName = Literal["Hessian", "Gauss-Newton"]

# How a sentence calls each of them.
MATRICES: dict[str, str] = {
    "Hessian": "Hessian",
    "Gauss-Newton": "generalized Gauss-Newton matrix",
}


def check_matrix(matrix: str) -> None:
    """Nothing, if there is such a matrix.

    Raises:
        ValueError: there is not.
    """
    if matrix not in MATRICES:
        raise ValueError(f"matrix is {matrix!r}, expected one of {list(MATRICES)}.")


class CurvatureMatrix:
    """A symmetric matrix over flat vectors that hold all parameters one after the other.

    Vectors are on the surface's device, in the dtype of directions; real and imaginary parts of
    complex parameters are numbers of their own.

    Args:
        surface: its first data set and loss define the matrix.
        parameters: where.
        matrix: ``"Hessian"`` or ``"Gauss-Newton"``.
        on_product: called after each product.

    Attributes:
        size: number of rows.
        products: how many products were taken.
    """

    def __init__(
        self,
        surface: LossSurface,
        parameters: Parameters,
        matrix: MatrixName = "Hessian",
        on_product: Callable[[], None] | None = None,
    ) -> None:
        check_matrix(matrix)
        self._parameters = parameters
        self._device = surface.device
        self._multiply = {
            "Hessian": surface.hessian_product,
            "Gauss-Newton": surface.gauss_newton_product,
        }[matrix]
        self._on_product = on_product
        self.products = 0
        self.size = sum(map(_numbers_in, parameters.values()))

    def __call__(self, vector: Tensor) -> Tensor:
        """The matrix times a vector: (size,)."""
        product = self._multiply(self._parameters, self.shaped(vector))
        self.products += 1
        if self._on_product is not None:
            self._on_product()
        return self.flat(product)

    def flat(self, tensors: Parameters) -> Tensor:
        """A vector of its own, (size,), from a tensor for each parameter."""
        parts = [
            tensors[name].detach().to(self._device, direction_dtype(t.dtype))
            for name, t in self._parameters.items()
        ]
        reals = [torch.view_as_real(t.resolve_conj()) if t.is_complex() else t for t in parts]
        return torch.cat([part.reshape(-1) for part in reals])

    def shaped(self, vector: Tensor) -> Parameters:
        """A tensor for each parameter, from a vector: (size,)."""
        parts = vector.split([_numbers_in(tensor) for tensor in self._parameters.values()])
        result: Parameters = {}
        for (name, tensor), part in zip(self._parameters.items(), parts, strict=True):
            if tensor.is_complex():
                part = torch.complex(part[0::2], part[1::2])
            shaped = part.reshape(tensor.shape)
            result[name] = shaped.to(tensor.device, direction_dtype(tensor.dtype))
        return result


def _numbers_in(tensor: Tensor) -> int:
    return tensor.numel() * (2 if tensor.is_complex() else 1)
