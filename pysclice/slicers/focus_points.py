"""Focus points: the parameters at which slices meet."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import torch

from pysclice.core.checkpoints import Source, check_source, read_parameters
from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.surface import LossSurface
from pysclice.directions.coordinate import layer_scale, root_mean_square
from pysclice.slicers.low_discrepancy import SEQUENCES, LowDiscrepancy, SequenceName

_CHUNK = 2**20  # numbers that are held in float64 at a time


class FocusPoint(Protocol):
    """Any callable that gives parameters; its ``name``, if it has one, stands in the record."""

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The focus point, given the parameters that the slice was asked for."""
        ...


class FocusPointFamily(Protocol):
    """Several focus points that belong together, such as ``Around``."""

    @property
    def focus_points(self) -> Sequence[FocusPoint]:
        """The focus points themselves; none of them holds tensors before it is asked."""
        ...


FocusPoints: TypeAlias = FocusPoint | FocusPointFamily | Sequence[FocusPoint | FocusPointFamily]


def here(surface: LossSurface, parameters: Parameters) -> Parameters:
    """The parameters that the slice was asked for: usually the model's current ones.

    Example:
        >>> ps.here(surface, start) is start
        True
        >>> slicer = ps.Line(ps.Random(0), samples=3, focus_points=(ps.here, ps.Checkpoint(other)))
        >>> surface.slice(slicer).focus_points
        ('current parameters', 'checkpoint')
    """
    return parameters


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The parameters of a checkpoint as a focus point, read when the slice is taken.

    Buffers stay those of the model that is sliced: where a checkpoint's BatchNorm statistics
    matter, load it into the model instead, or move along ``Towards``.

    Args:
        source: a module of the same architecture, a ``state_dict``, a dictionary from parameter
            names to tensors, or the path of a checkpoint (``.safetensors``, a file of
            ``torch.save``, a folder of Hugging Face).
        name: what the record calls it. Default: the name of the file, or ``"checkpoint"``.

    Raises:
        TypeError: another kind of source.

    Example:
        >>> torch.save(other.state_dict(), "epoch 3.pt")
        >>> slicer = ps.Line(ps.Random(0), samples=3, focus_points=ps.Checkpoint("epoch 3.pt"))
        >>> found = surface.slice(slicer)
        >>> found.focus_points
        ('epoch 3',)
        >>> there = ps.LossSurface(other, nn.CrossEntropyLoss(), (inputs, targets))
        >>> bool(found.center["train/loss"][0] == there(there.parameters())["train/loss"])
        True
    """

    source: Source
    name: str = ""

    def __post_init__(self) -> None:
        check_source(self.source, "Checkpoint")
        if not self.name:
            name = "checkpoint"
            if isinstance(self.source, str | os.PathLike):
                name = Path(self.source).stem
            object.__setattr__(self, "name", name)

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The checkpoint's parameters, in the dtypes and on the devices of those here.

        Raises:
            ValueError: the source lacks a parameter, or has it in another shape.
            FileNotFoundError: there is no checkpoint at the path.
        """
        found = read_parameters(self.source, parameters, "The checkpoint")
        return {name: found[name].to(here) for name, here in parameters.items()}


@dataclass(frozen=True)
class Around:
    """Focus points that fill the surroundings of the parameters evenly.

    ``count`` points of a low-discrepancy sequence, in a ball or a box around the parameters that
    the slice was asked for. With ``"sobol"`` and ``"halton"`` the first 16 points of ``Around(64,
    ...)`` are those of ``Around(16, ...)``, to the bit, so a crowd can grow; a power of two is
    spread most evenly. A Latin hypercube is divided by its ``count`` and cannot be extended.

    Any number of parameters will do: coordinates are taken in blocks, each with its own scrambled
    sequence in its own order (Latin supercube sampling, Owen 1998, doi:10.1145/272991.273010; see
    ``pysclice.slicers.low_discrepancy``). Points are made one by one and on the host, in the memory
    of one copy of the parameters.

    In a space of many dimensions nearly all of a ball is close to its surface: with more than some
    hundred parameters all points have almost the full distance ``radius``.

    Args:
        count: how many points.
        radius: of the ball in L2 norm, or half the width of the box, in units of ``scale``.
        sequence: ``"sobol"``, ``"halton"`` or ``"latin hypercube"``.
        shape: ``"ball"``, filled uniformly; or ``"box"``, in which all parameters vary by up to
            ``radius`` independently.
        scale: ``"model"``: the L2 norm of all parameters together for a ball, their root mean
            square for a box. ``"layer"``: each tensor varies in units of its own root mean square,
            which makes the ball an ellipsoid in which each tensor moves by about ``radius`` times
            its own norm (a tensor of zeros takes the root mean square of all). ``"none"``: units
            of the parameters.
        seed: of the scrambling, any integer.

    Raises:
        ValueError: a count below 1, a radius that is not above 0, or an unknown word.

    Example:
        >>> nearby = ps.Around(8, radius=0.1)
        >>> crowd = ps.Crowd([ps.Random(0)], samples=5, focus_points=(ps.here, nearby))
        >>> found = surface.slice(crowd)
        >>> found.shape, found.focus_points[:3]
        ((9, 1, 5), ('current parameters', 'sobol 0', 'sobol 1'))
        >>> first = nearby.focus_points[0](surface, start)
        >>> def length(tensors):
        ...     return sum(float((t**2).sum()) for t in tensors) ** 0.5
        >>> length(first[n] - start[n] for n in start) / length(start.values()) < 0.1
        True
    """

    count: int
    radius: float
    sequence: SequenceName = "sobol"
    shape: Literal["ball", "box"] = "ball"
    scale: Literal["model", "layer", "none"] = "model"
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise ValueError(f"count is {self.count!r}, expected a whole number of at least 1.")
        if not (isinstance(self.radius, int | float) and 0 < self.radius < math.inf):
            raise ValueError(f"radius is {self.radius!r}, expected a number above 0.")
        for field, words in (
            ("sequence", SEQUENCES),
            ("shape", ("ball", "box")),
            ("scale", ("model", "layer", "none")),
        ):
            if getattr(self, field) not in words:
                raise ValueError(f"{field} is {getattr(self, field)!r}, expected one of {words}.")

    @property
    def focus_points(self) -> tuple[FocusPoint, ...]:
        """The points, which make their tensors when they are asked."""
        return tuple(_Nearby(self, number) for number in range(self.count))


@dataclass(frozen=True)
class _Nearby:
    """One of the points of ``Around``."""

    around: Around
    number: int

    @property
    def name(self) -> str:
        return f"{self.around.sequence} {self.number}"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        around = self.around
        sequence = LowDiscrepancy(around.sequence, around.count, around.seed)
        ball = around.shape == "ball"
        # The first coordinate is the best distributed one: in a ball it settles the radius.
        position, square = int(ball), 0.0
        offsets: Parameters = {}
        for name, tensor in parameters.items():
            offset = torch.empty(tensor.shape, dtype=direction_dtype(tensor.dtype))
            flat = (torch.view_as_real(offset) if offset.is_complex() else offset).view(-1)
            for start in range(0, flat.numel(), _CHUNK):
                part = flat[start : start + _CHUNK]
                first = position + start
                numbers = sequence.numbers(self.number, first, first + part.numel())
                numbers = torch.special.ndtri(numbers) if ball else 2.0 * numbers - 1.0
                square += float(numbers.square().sum())
                part.copy_(numbers)
            position += flat.numel()
            offsets[name] = offset
        reach = around.radius
        if ball:
            # Normal numbers point in all directions alike, whatever their length.
            share = float(sequence.numbers(self.number, 0, 1)) ** (1.0 / (position - 1))
            reach *= share / math.sqrt(square)
            if around.scale != "none":
                # The L2 norm of all parameters, divided by their root mean square.
                reach *= math.sqrt(sum(tensor.numel() for tensor in parameters.values()))
        result: Parameters = {}
        for name, tensor in parameters.items():
            offset = offsets.pop(name).to(tensor.device)
            scale = reach * self._scale(surface, parameters, name)
            result[name] = torch.add(tensor.detach(), offset, alpha=scale).to(tensor.dtype)
        return result

    def _scale(self, surface: LossSurface, parameters: Parameters, name: str) -> float:
        if self.around.scale == "layer":
            return layer_scale(surface, parameters, name)
        if self.around.scale == "model":
            return root_mean_square(surface, parameters, None) or 1.0
        return 1.0


def name_of_focus_point(focus_point: FocusPoint) -> str:
    """What the record calls a focus point."""
    if focus_point is here:
        return "current parameters"
    for attribute in ("name", "__name__"):
        name = getattr(focus_point, attribute, None)
        if isinstance(name, str):
            return name
    return type(focus_point).__name__


def expanded(focus_points: FocusPoints) -> tuple[FocusPoint, ...]:
    """Focus points one by one, from a single one, a family, or several of either.

    Raises:
        TypeError: something among them is no focus point.
        ValueError: there are none.
    """
    given = focus_points if isinstance(focus_points, tuple | list) else (focus_points,)
    result: list[FocusPoint] = []
    for one in given:
        family = getattr(one, "focus_points", None)
        if family is not None:
            result += family
        elif callable(one):
            result.append(one)
        else:
            raise TypeError(
                f"One of the focus points is a {type(one).__name__}, expected `here`, "
                "Checkpoint(...), Around(...) or a callable (surface, parameters) -> parameters."
            )
    if not result:
        raise ValueError("focus_points is empty; take (here,) for the current parameters.")
    return tuple(result)
