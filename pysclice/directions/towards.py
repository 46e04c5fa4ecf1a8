"""The direction to another point in parameter space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.surface import LossSurface


@dataclass(frozen=True, eq=False)
class Towards:
    """The difference between another point and the focus point: coordinate 1 is the other point.

    Linear interpolation (Goodfellow et al. 2015, arXiv:1412.6544) is a line along it.

    Args:
        other: the other point: a module of the same architecture, a ``state_dict``, or a dictionary
            from parameter names to tensors. A module is read when the slice is taken.
        name: label of the axis.
    """

    other: nn.Module | Mapping[str, Tensor]
    name: str = "towards other"

    method = "linear interpolation"

    def __post_init__(self) -> None:
        if not isinstance(self.other, nn.Module | Mapping):
            raise TypeError(
                f"Towards got a {type(self.other).__name__}, expected a module, a state_dict or a "
                "dictionary from parameter names to tensors."
            )

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        return "Straight line to another point; coordinate 1 is that point"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """``other - parameters``, a tensor for each parameter.

        Raises:
            ValueError: the other point lacks a parameter, or has it in another shape.
        """
        other = self._tensors()
        result: Parameters = {}
        for name, here in parameters.items():
            there = other.get(name)
            if there is None:
                raise ValueError(
                    f"The other point has no parameter {name!r}; it has "
                    f"{', '.join(map(repr, list(other)[:4]))}, ... "
                    "Both ends must be of one architecture."
                )
            if there.shape != here.shape:
                raise ValueError(
                    f"Parameter {name!r} has shape {tuple(here.shape)} here and "
                    f"{tuple(there.shape)} at the other point; both ends must be of one "
                    f"architecture."
                )
            dtype = direction_dtype(here.dtype)
            result[name] = there.detach().to(here.device, dtype) - here.detach().to(dtype)
        return result

    def _tensors(self) -> Mapping[str, Tensor]:
        if isinstance(self.other, nn.Module):
            module = getattr(self.other, "_orig_mod", self.other)  # as LossSurface reads it
            return dict(module.named_parameters())
        return self.other
