"""A direction of the user's own, with a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pysclice.core.normalization import (
    NORMALIZATIONS,
    Normalization,
    check_normalization,
    normalize,
)
from pysclice.core.parameters import Direction, Parameters, check_direction, direction_dtype
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable


@dataclass(frozen=True, eq=False)
class Custom(Composable):
    """Your own tensors, or a function that gives them, as a direction with a name.

    A bare function ``(surface, parameters) -> {name: tensor}`` is a direction already; this adds
    a label, a normalization, and sums with other directions.

    Args:
        tensors: parameter name -> tensor in the parameter's shape, or a function of the surface
            and the parameters that gives this. Parameters left out do not move.
        name: label of the axis.
        normalization: ``"none"`` (default), ``"unit"``, ``"filter"``, ``"layer"`` or ``"model"``.
        description: a sentence for the record.

    Raises:
        TypeError: neither a mapping nor a function.
        ValueError: an unknown normalization; when a slice is taken, tensors that do not fit.

    Example:
        >>> shrink = ps.Custom(lambda surface, p: {n: -t for n, t in p.items()}, name="shrink")
        >>> line = surface.slice(ps.Line(shrink, span=(0, 1), samples=5))
        >>> bool(abs(line.losses[0, 0, -1] - np.log(3)) < 1e-6)  # all weights are zero at 1
        True
    """

    tensors: Mapping[str, Tensor] | Callable[[LossSurface, Parameters], Direction]
    name: str = "custom direction"
    normalization: Normalization = "none"
    description: str = ""

    method = "custom direction"

    def __post_init__(self) -> None:
        check_normalization(self.normalization)
        if not (isinstance(self.tensors, Mapping) or callable(self.tensors)):
            raise TypeError(
                f"Custom got a {type(self.tensors).__name__}, expected a dictionary from parameter "
                "names to tensors, or a function (surface, parameters) that gives one."
            )
        if not self.description and self.normalization != "none":
            text = f"A custom direction, {NORMALIZATIONS[self.normalization]}"
            object.__setattr__(self, "description", text)

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The tensors, on the parameters' devices, normalized."""
        given = (
            self.tensors if isinstance(self.tensors, Mapping) else self.tensors(surface, parameters)
        )
        check_direction(given, parameters, f"Direction {self.name!r}")
        tensors = {
            name: torch.as_tensor(tensor)
            .detach()
            .to(parameters[name].device, direction_dtype(parameters[name].dtype))
            for name, tensor in given.items()
        }
        return normalize(tensors, parameters, self.normalization, surface.filters())
