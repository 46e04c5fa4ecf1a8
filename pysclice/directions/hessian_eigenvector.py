"""Directions of extreme curvature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pysclice.core.eigenpairs import Eigenpair, Which, eigenpairs
from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable
from pysclice.directions.random import normal


@dataclass(frozen=True)
class HessianEigenvector(Composable):
    """An eigenvector of the Hessian of the first data set's loss, of L2 norm 1.

    The curvature of a slice along it is its eigenvalue, which the record notes with the residual
    norm and the number of products with the Hessian that it took.

    Args:
        index: 0 for the most extreme eigenvalue, 1 for the next, ...
        which: ``"largest"`` (default) or ``"smallest"`` eigenvalues, or largest in ``"magnitude"``.
        tolerance: residual norm at which the iteration ends, relative to the largest eigenvalue.
        products: most products with the Hessian to take.
        seed: of the vector that the iteration starts from; it also settles the sign.

    Raises:
        ValueError: a negative index, or another ``which``.
    """

    index: int = 0
    which: Which = "largest"
    tolerance: float = 1e-4
    products: int = 100
    seed: int = 0

    method = "Hessian eigenvector"

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ValueError(f"index is {self.index}; eigenvalues are counted from 0.")
        if self.which not in ("largest", "smallest", "magnitude"):
            raise ValueError(
                f"which is {self.which!r}, expected 'largest', 'smallest' or 'magnitude'."
            )

    @property
    def name(self) -> str:
        """Short label for an axis."""
        return f"eigenvector {self.index}" + (f" ({self.which})" if self.which != "largest" else "")

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        order = "in order of magnitude" if self.which == "magnitude" else f"{self.which} first"
        return f"Eigenvector {self.index} of the Hessian of the loss, {order}, of length 1"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The eigenvector, a tensor for each parameter."""
        return self._pair(surface, parameters).vector

    def notes(self, surface: LossSurface, parameters: Parameters) -> Mapping[str, Any]:
        """Eigenvalue, residual norm and number of products with the Hessian."""
        pair = self._pair(surface, parameters)
        return {"eigenvalue": pair.value, "residual": pair.residual, "products": pair.products}

    def _pair(self, surface: LossSurface, parameters: Parameters) -> Eigenpair:
        """This eigenpair; the iteration's others are kept for other axes of the same slice."""
        recipe = (self.which, self.tolerance, self.products, self.seed)
        # The two axes of a plane want neighboring ones: two cost hardly more than one.
        count = max(self.index + 1, 2)
        size = sum(tensor.numel() for tensor in parameters.values())

        def find() -> list[Eigenpair]:
            start = {name: normal(self.seed, name, t) for name, t in parameters.items()}
            return eigenpairs(
                surface,
                parameters,
                start,
                min(count, size, self.products),
                self.which,
                self.tolerance,
                self.products,
            )

        found: list[Eigenpair] = surface.once(("eigenpairs", count, *recipe), find)
        if self.index >= len(found):
            raise ValueError(
                f"Eigenvector {self.index} was asked for, but this Hessian has {len(found)} that "
                "the iteration can tell apart."
            )
        return found[self.index]
