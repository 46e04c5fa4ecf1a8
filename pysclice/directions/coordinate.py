"""A single coordinate of parameter space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch

from pysclice.core.parameters import Parameters, direction_dtype, norm, sparse
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable

Length: TypeAlias = Literal["layer", "weight"] | float


@dataclass(frozen=True)
class Coordinate(Composable):
    """One number among the parameters: the axis of an axis-parallel slice.

    Args:
        parameter: name of the tensor.
        index: position in the tensor, one integer a dimension; negative ones count from the end.
        length: what coordinate 1 covers: ``"layer"``, the root mean square of the tensor, so that
            lines through one tensor compare (a tensor of zeros takes that of all parameters);
            ``"weight"``, the magnitude of this number itself, so that coordinate -1 or 1 sets it to
            zero (a zero takes the length ``"layer"``); or a number in parameter units.

    Raises:
        ValueError: another length.

    Example:
        >>> coordinate = ps.Coordinate("0.weight", (3, 5), length=0.5)
        >>> coordinate.name
        '0.weight[3, 5]'
        >>> float(coordinate(surface, start)["0.weight"].to_dense()[3, 5])
        0.5
    """

    parameter: str
    index: tuple[int, ...]
    length: Length = "layer"

    method = "axis-parallel"

    def __post_init__(self) -> None:
        check_length(self.length, "length")

    @property
    def name(self) -> str:
        """Short label for an axis: ``conv.weight[3, 0, 1, 1]``."""
        return (
            f"{self.parameter}[{', '.join(map(str, self.index))}]" if self.index else self.parameter
        )

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        return f"The single coordinate {self.name}, in multiples of {_unit(self.length)}"

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What determines the direction, up to the parameters' values."""
        return {
            "direction": "coordinate",
            "at": [self.parameter, *self.index],
            "length": self.length,
        }

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """One sparse tensor with one entry.

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
        if self.length == "weight":
            length = float(tensor[self.index].abs()) or layer_scale(
                surface, parameters, self.parameter
            )
        elif self.length == "layer":
            length = layer_scale(surface, parameters, self.parameter)
        else:
            length = float(self.length)
        at = [i % size for i, size in zip(self.index, tensor.shape, strict=True)]
        place = torch.tensor(at, dtype=torch.int64, device=tensor.device)[:, None]
        value = torch.full((1,), length, dtype=direction_dtype(tensor.dtype), device=tensor.device)
        return {self.parameter: sparse(place, value, tensor.shape)}


def check_length(length: object, argument: str) -> None:
    """Nothing, if this says what a coordinate covers.

    Raises:
        ValueError: it does not.
    """
    if length in ("layer", "weight"):
        return
    if isinstance(length, bool) or not (isinstance(length, float | int) and 0 < length < math.inf):
        raise ValueError(
            f"{argument} is {length!r}, expected 'layer', 'weight' or a number above 0."
        )


def root_mean_square(surface: LossSurface, parameters: Parameters, name: str | None) -> float:
    """Root mean square over the entries of one tensor, or of all for None; once for a slice."""
    tensors = parameters if name is None else {name: parameters[name]}

    def find() -> float:
        return norm(tensors) / math.sqrt(sum(tensor.numel() for tensor in tensors.values()) or 1)

    found: float = surface.once(("root mean square", name), find)
    return found


def layer_scale(surface: LossSurface, parameters: Parameters, name: str) -> float:
    """The scale of a tensor: its root mean square.

    A tensor of zeros (a fresh bias) has no scale of its own: that of all parameters has to do.
    """
    own = root_mean_square(surface, parameters, name)
    return own or root_mean_square(surface, parameters, None) or 1.0


def _unit(length: Length) -> str:
    units = {"layer": "the root mean square of its tensor", "weight": "its own magnitude"}
    return units[length] if isinstance(length, str) else f"{length:g}"
