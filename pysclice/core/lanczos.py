"""The Lanczos iteration, which finds out about a matrix by multiplying with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pysclice.slices import Float64

# Below this share of the largest eigenvalue, what a step adds is rounding.
_ROUNDING = 1e-7


@dataclass(frozen=True, eq=False)
class Ritz:
    """What the iteration knows of the matrix's eigenvalues.

    Attributes:
        values: (steps,) estimated eigenvalues, smallest first.
        weights: (steps, steps): column i holds the weights of the basis in eigenvector i.
        residuals: (steps,) norms of ``A v - value * v``, each a bound of the distance to an
            eigenvalue.
    """

    values: Float64
    weights: Float64
    residuals: Float64


class Lanczos:
    """An orthonormal basis of the space of ``start``, ``A start``, ``A A start``, ...

    With the basis as columns of Q, ``A Q = Q T + length * next e^T`` where T is tridiagonal and e
    the last unit vector (Golub and Van Loan 2013, "Matrix Computations", section 10.1). With full
    reorthogonalization, so that an eigenvalue appears once however long the iteration runs (section
    10.3). Memory: a vector for each step.

    Args:
        product: a symmetric matrix times a vector.
        start: (size,), not zero. The iteration finds no eigenvector that it is orthogonal to.

    Attributes:
        basis: the vectors, (size,) each.
        next: the next one; None once the space is complete and no step can be taken.
        length: see above; 0 once the space is complete.
    """

    def __init__(self, product: Callable[[Tensor], Tensor], start: Tensor) -> None:
        self._product = product
        self._diagonal: list[float] = []
        self._off_diagonal: list[float] = []
        self.basis: list[Tensor] = []
        self.next: Tensor | None = normalized(start)
        self.length = 0.0

    def step(self) -> None:
        """Multiply once and add a vector to the basis.

        Raises:
            ValueError: a product that is not finite.
        """
        assert self.next is not None, "the space is complete"
        if self.basis:
            self._off_diagonal.append(self.length)
        self.basis.append(self.next)
        rest = self._product(self.next)
        self._diagonal.append(float(rest @ self.next))
        # Twice: what rounding leaves of earlier vectors would grow into copies of eigenvalues.
        for _ in range(2):
            for vector in self.basis:
                rest.sub_(vector, alpha=float(rest @ vector))
        self.length = float(torch.linalg.vector_norm(rest))
        if not np.isfinite(self.length) or not np.isfinite(self._diagonal[-1]):
            raise ValueError(
                "The curvature is not finite here: the loss has diverged, or has no second "
                "derivative."
            )
        scale = float(np.abs(np.linalg.eigvalsh(self.tridiagonal)).max())
        complete = len(self.basis) == len(rest) or self.length <= _ROUNDING * max(scale, 1e-30)
        if complete:
            self.next, self.length = None, 0.0
        else:
            self.next = rest.div_(self.length)

    @property
    def tridiagonal(self) -> Float64:
        """T: (steps, steps)."""
        result: Float64 = np.diag(np.array(self._diagonal))
        result += np.diag(self._off_diagonal, 1) + np.diag(self._off_diagonal, -1)
        return result

    def ritz(self) -> Ritz:
        """Eigenvalues and eigenvectors of T."""
        values, weights = np.linalg.eigh(self.tridiagonal)
        return Ritz(values, weights, self.length * np.abs(weights[-1]))

    def most_of_start(self, eigenvalue: float) -> float:
        """The most that an eigenvector with this eigenvalue can have of the start.

        Its component along vector j of the basis is ``p_j(eigenvalue)`` times that along the first
        one, where the polynomials p_j obey the recurrence of T. The squares of all of them sum to 1
        at most, so that its square along the first is at most the reciprocal of ``sum p_j**2``, the
        Christoffel function. It falls with every step, but not at eigenvalues that are found.

        Returns:
            A bound of the magnitude of its inner product with the start of length 1.
        """
        before, here, total, length = 0.0, 1.0, 1.0, 0.0
        for diagonal, next_length in zip(self._diagonal, self._off_diagonal, strict=False):
            before, here = here, ((eigenvalue - diagonal) * here - length * before) / next_length
            length = next_length
            total += here**2
            if total > 1e100:  # no need to know how small the bound is
                break
        return 1.0 / math.sqrt(total)

    def combined(self, weights: Float64) -> Tensor:
        """The basis added up with these weights, (steps,): a vector of length 1."""
        vector = torch.zeros_like(self.basis[0])
        for weight, part in zip(weights.tolist(), self.basis, strict=True):
            vector.add_(part, alpha=weight)
        return normalized(vector)


def normalized(vector: Tensor) -> Tensor:
    """The vector, scaled to L2 norm 1."""
    return vector.div(torch.linalg.vector_norm(vector))
