"""Directions of extreme curvature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pysclice.core.curvature_matrix import MATRICES, MatrixName, check_matrix
from pysclice.core.eigenpairs import Eigenpair, Which, eigenpairs
from pysclice.core.parameters import Parameters, dot, norm
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable
from pysclice.directions.random import normal


@dataclass(frozen=True)
class HessianEigenvector(Composable):
    """An eigenvector of the curvature of the first data set's loss, of L2 norm 1.

    The curvature of a slice along it is its eigenvalue. The record notes the ``eigenvalue``, its
    ``residual`` norm and the number of ``products`` with the matrix that were taken, whether the
    iteration had a ``warm_start``, and the ``overlap`` with the eigenvector that it started from: 1
    where nothing has turned, None without a warm start.

    A warm start begins with the eigenvectors of the previous slice on the same surface. The sign is
    then that of the previous one, so that a direction does not flip from step to step. Half of the
    start is drawn all the same, anew each time, and the iteration goes on until an eigenvector that
    has come up since would have shown: its share of the drawn half grows with every product, until
    nine of ten draws would exceed what it can be (``Lanczos.most_of_start``). The surface holds on
    to ``max(index + 1, 2)`` vectors.

    Args:
        index: 0 for the most extreme eigenvalue, 1 for the next, ...
        which: ``"largest"`` (default) or ``"smallest"`` eigenvalues, or largest in ``"magnitude"``.
        tolerance: residual norm at which the iteration ends, relative to the largest eigenvalue.
        products: most steps of the iteration, each a product with the matrix; it holds a vector for
            each. Measuring the residuals takes ``max(index + 1, 2)`` products more.
        seed: of the vector that the iteration starts from; it also settles the sign.
        matrix: ``"Hessian"`` (default), or ``"Gauss-Newton"`` for the generalized Gauss-Newton
            matrix, see ``LossSurface.gauss_newton_product``.
        warm_start: whether to begin with the previous slice's eigenvectors. Without it equal
            parameters give equal bits.

    Raises:
        ValueError: a negative index, another ``which`` or ``matrix``.

    Example:
        >>> direction = ps.HessianEigenvector(0)
        >>> along = surface.slice(ps.Line(direction, span=(-0.1, 0.1), samples=13))
        >>> eigenvalue = along.notes["eigenvector 0"]["eigenvalue"]
        >>> abs(measures.curvature(along).value / eigenvalue - 1) < 0.01
        True
    """

    index: int = 0
    which: Which = "largest"
    tolerance: float = 1e-4
    products: int = 100
    seed: int = 0
    matrix: MatrixName = "Hessian"
    warm_start: bool = True

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ValueError(f"index is {self.index}; eigenvalues are counted from 0.")
        if self.which not in ("largest", "smallest", "magnitude"):
            raise ValueError(
                f"which is {self.which!r}, expected 'largest', 'smallest' or 'magnitude'."
            )
        check_matrix(self.matrix)

    @property
    def method(self) -> str:
        """The family of a slice along it."""
        return f"{self.matrix} eigenvector"

    @property
    def name(self) -> str:
        """Short label for an axis."""
        matrix = "" if self.matrix == "Hessian" else f"{self.matrix} "
        which = "" if self.which == "largest" else f" ({self.which})"
        return f"{matrix}eigenvector {self.index}{which}"

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        order = "in order of magnitude" if self.which == "magnitude" else f"{self.which} first"
        matrix = MATRICES[self.matrix]
        return f"Eigenvector {self.index} of the {matrix} of the loss, {order}, of length 1"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The eigenvector, a tensor for each parameter.

        Raises:
            ValueError: a curvature that is not finite, or that has fewer eigenvectors.
        """
        return self._found(surface, parameters).pair.vector

    def notes(self, surface: LossSurface, parameters: Parameters) -> Mapping[str, Any]:
        """What the record says of it; see above."""
        found = self._found(surface, parameters)
        return {
            "eigenvalue": found.pair.value,
            "residual": found.pair.residual,
            "products": found.pair.products,
            "warm_start": found.overlap is not None,
            "overlap": found.overlap,
        }

    def _found(self, surface: LossSurface, parameters: Parameters) -> _Found:
        # The two axes of a plane want neighboring ones: two cost hardly more than one.
        count = max(self.index + 1, 2)
        recipe = (self.which, self.tolerance, self.products, self.seed, self.matrix)
        key = ("eigenpairs", count, *recipe, self.warm_start)
        every: list[_Found] = surface.once(key, lambda: self._find(surface, parameters, count, key))
        if self.index >= len(every):
            raise ValueError(
                f"Eigenvector {self.index} was asked for, but this {MATRICES[self.matrix]} has "
                f"{len(every)} that the iteration can tell apart."
            )
        return every[self.index]

    def _find(
        self, surface: LossSurface, parameters: Parameters, count: int, key: object
    ) -> list[_Found]:
        kept: _Kept = surface.kept.get(key, _Kept([], 0))
        previous = _fitting(kept.vectors, parameters) if self.warm_start else []
        size = sum(tensor.numel() for tensor in parameters.values())
        pairs = eigenpairs(
            surface,
            parameters,
            self._start(previous, kept.slices, parameters),
            min(count, size, self.products),
            self.which,
            self.tolerance,
            self.products,
            self.matrix,
            # Nine of ten eigenvectors have a tenth of an ordinary share of the drawn half, or more.
            unknown=0.1 * math.sqrt(0.5 / size) if previous else 0.0,
        )
        found = [_Found(pair, None) for pair in pairs]
        for place, (pair, before) in enumerate(zip(pairs, previous, strict=False)):
            cosine = dot(pair.vector, before)
            if cosine < 0:
                for tensor in pair.vector.values():
                    tensor.neg_()
            found[place] = _Found(pair, min(abs(cosine), 1.0))
        if self.warm_start:
            surface.kept[key] = _Kept([pair.vector for pair in pairs], kept.slices + 1)
        return found

    def _start(
        self, previous: Sequence[Parameters], slices: int, parameters: Parameters
    ) -> Parameters:
        """What the iteration starts from: the previous eigenvectors and as much that is drawn."""
        if not previous:
            return {name: normal(self.seed, name, t) for name, t in parameters.items()}
        start = {n: normal(self.seed, f"start {slices} {n}", t) for n, t in parameters.items()}
        share = norm(start) / math.sqrt(len(previous))
        for vector in previous:
            for name, tensor in start.items():
                tensor.add_(vector[name], alpha=share)
        return start


@dataclass(frozen=True, eq=False)
class _Kept:
    """The eigenvectors of the last slice, and how many slices there have been."""

    vectors: Sequence[Parameters]
    slices: int


@dataclass(frozen=True, eq=False)
class _Found:
    """An eigenpair, and the cosine with the one before; None for a cold start."""

    pair: Eigenpair
    overlap: float | None


def _fitting(vectors: Sequence[Parameters], parameters: Parameters) -> list[Parameters]:
    """The vectors on the parameters' devices; none if they were found for other parameters."""
    shapes = {name: tensor.shape for name, tensor in parameters.items()}
    if any({n: t.shape for n, t in vector.items()} != shapes for vector in vectors):
        return []
    return [{n: t.to(parameters[n].device) for n, t in vector.items()} for vector in vectors]
