"""A single coordinate of parameter space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pysclice.core.parameters import Parameters, direction_dtype, norm
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable


@dataclass(frozen=True)
class Coordinate(Composable):
    """One number among the parameters: the axis of an axis-parallel slice.

    Args:
        parameter: name of the tensor.
        index: position in the tensor, one integer a dimension; negative ones count from the end.
        length: what coordinate 1 covers: ``"layer"``, the root mean square of the tensor, so that
            lines through one tensor compare (a tensor of zeros takes that of all parameters); or a
            number in parameter units.
    """

    parameter: str
    index: tuple[int, ...]
    length: float | str = "layer"

    method = "axis-parallel"

    def __post_init__(self) -> None:
        if not (
            self.length == "layer" or (isinstance(self.length, float | int) and self.length > 0)
        ):
            raise ValueError(f"length is {self.length!r}, expected 'layer' or a number above 0.")

    @property
    def name(self) -> str:
        """Short label for an axis: ``conv.weight[3, 0, 1, 1]``."""
        return (
            f"{self.parameter}[{', '.join(map(str, self.index))}]" if self.index else self.parameter
        )

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        unit = "root mean squares of its tensor" if self.length == "layer" else f"{self.length:g}"
        return f"The single coordinate {self.name}, in multiples of {unit}"

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What determines the direction, up to the parameters' values."""
        return {
            "direction": "coordinate",
            "at": [self.parameter, *self.index],
            "length": self.length,
        }

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """One tensor, zero but for one entry.

        Raises:
            ValueError: no such parameter, or the index lies outside of it.
        """
        tensor = parameters.get(self.parameter)
        if tensor is None:
            raise ValueError(
                f"There is no trainable parameter {self.parameter!r}; the model has "
                f"{', '.join(map(repr, list(parameters)[:6]))}, ..."
            )
        inside = len(self.index) == tensor.ndim and all(
            -size <= i < size for i, size in zip(self.index, tensor.shape, strict=True)
        )
        if not inside:
            raise ValueError(
                f"Index {self.index} lies outside of {self.parameter!r}, whose shape is "
                f"{tuple(tensor.shape)}."
            )
        result = torch.zeros_like(tensor, dtype=direction_dtype(tensor.dtype))
        if self.length == "layer":
            # A tensor of zeros (a fresh bias) has no scale of its own: the model's has to do.
            result[self.index] = _rms({self.parameter: tensor}) or _rms(parameters) or 1.0
        else:
            result[self.index] = float(self.length)
        return {self.parameter: result}


def _rms(tensors: Parameters) -> float:
    """Root mean square over all entries of all tensors."""
    return norm(tensors) / math.sqrt(sum(tensor.numel() for tensor in tensors.values()))
