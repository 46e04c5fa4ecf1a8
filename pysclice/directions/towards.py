"""The direction to another point in parameter space."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from pysclice.core.checkpoints import Source, check_source, read_buffers, read_parameters
from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.sharding import local, part_of, sharded_as
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable


@dataclass(frozen=True, eq=False)
class Towards(Composable):
    """The difference between another point and the focus point: coordinate 1 is the other point.

    Linear interpolation (Goodfellow et al. 2015, arXiv:1412.6544) is a line along it. Where the
    other point brings floating-point buffers along (a module or a ``state_dict`` with BatchNorm's
    statistics), these move with the parameters, so that coordinate 1 is that network; beyond the
    ends, each stays within the range that its ends span.

    Args:
        other: the other point: a module of the same architecture, a ``state_dict``, a dictionary
            from parameter names to tensors, or the path of a checkpoint (``.safetensors``, a file
            of ``torch.save``, a folder of Hugging Face). Modules and files are read when the slice
            is taken.
        name: label of the axis.

    Raises:
        TypeError: another kind of point.

    Example:
        >>> line = surface.slice(ps.Line(ps.Towards(other), span=(0, 1), samples=5))
        >>> there = ps.LossSurface(other, nn.CrossEntropyLoss(), (inputs, targets))
        >>> bool(abs(line.losses[0, 0, -1] - there(there.parameters())["train/loss"]) < 1e-6)
        True
    """

    other: Source
    name: str = "towards other"

    method = "linear interpolation"

    def __post_init__(self) -> None:
        check_source(self.other, "Towards")

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        return "Straight line to another point; coordinate 1 is that point"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """``other - parameters``, a tensor for each parameter.

        Raises:
            ValueError: the other point lacks a parameter, or has it in another shape.
            FileNotFoundError: there is no checkpoint at the path.
        """
        other = read_parameters(self.other, parameters, "The other point")
        result: Parameters = {}
        for name, here in parameters.items():
            dtype = direction_dtype(here.dtype)
            there = local(part_of(other[name], here)).to(dtype)
            result[name] = sharded_as(there - local(here).detach().to(dtype), here)
        return result

    def buffers(self, surface: LossSurface, parameters: Parameters) -> dict[str, Tensor]:
        """``other - current`` for the model's floating-point buffers that the other point has."""
        here = dict(surface.model.named_buffers())
        there = read_buffers(self.other, surface.model, parameters)
        return {name: tensor - here[name].detach() for name, tensor in there.items()}
