"""The direction of steepest ascent."""

from __future__ import annotations

from dataclasses import dataclass

from pysclice.core.normalization import (
    NORMALIZATIONS,
    Normalization,
    check_normalization,
    normalize,
)
from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable


@dataclass(frozen=True)
class Gradient(Composable):
    """The gradient of the first data set's loss at the focus point; uphill is positive.

    Args:
        normalization: ``"unit"`` (default: coordinates are distances), ``"filter"``, ``"layer"``,
            ``"model"``, or ``"none"`` (coordinate -1 is a step of gradient descent at rate 1).

    Raises:
        ValueError: an unknown normalization.

    Example:
        >>> downhill = surface.slice(ps.Line(ps.Gradient(), span=(-1, 0), samples=13))
        >>> bool(downhill.losses[0, 0, -2] < downhill.center["train/loss"][0])
        True
    """

    normalization: Normalization = "unit"

    name = "gradient"
    method = "gradient"

    def __post_init__(self) -> None:
        check_normalization(self.normalization)

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        return f"Gradient of the loss at the focus point, {NORMALIZATIONS[self.normalization]}"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The gradient, a tensor for each parameter."""
        gradient = surface.once("gradient", lambda: surface.gradient(parameters))
        return normalize(gradient, parameters, self.normalization, surface.filters())
