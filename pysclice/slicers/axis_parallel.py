"""Lines along single coordinates of parameter space, all through the same focus points."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface
from pysclice.directions.axis import axis_along
from pysclice.directions.coordinate import Coordinate
from pysclice.slicers.focus_points import FocusPoint, here, name_of_focus_point
from pysclice.slicers.sampling import Span, sample, sampled
from pysclice.slices import Float64, Slice


@dataclass(frozen=True)
class AxisParallel:
    """One line for each chosen coordinate: a slice of shape (focus points, lines, samples).

    The picture of a surface by its axis-parallel slices is that of Sliceplorer (Torsney-Weir,
    Sedlmair, Möller 2017, doi:10.1111/cgf.13177).

    Args:
        count: how many coordinates to choose: those whose gradient is largest in magnitude. Fewer
            if the model has fewer.
        coordinates: the coordinates themselves, instead of a choice: ``Coordinate`` objects, or
            pairs ``("fc.weight", (3, 5))``.
        span: first and last coordinate. Coordinate 1 covers the root mean square of the tensor.
        samples: number of samples of each line, at least 2.
        focus_points: where the lines meet.

    Raises:
        TypeError, ValueError: a span, count or number of samples that makes no sense.
    """

    count: int = 64
    coordinates: tuple[Coordinate | tuple[str, tuple[int, ...]], ...] = ()
    span: Span = (-3.0, 3.0)
    samples: int = 25
    focus_points: tuple[FocusPoint, ...] = (here,)

    def __post_init__(self) -> None:
        sampled(self.span, self.samples)
        if not isinstance(self.count, int) or self.count < 1:
            raise ValueError(f"count is {self.count!r}, expected a whole number of at least 1.")
        object.__setattr__(self, "coordinates", tuple(map(_coordinate, self.coordinates)))

    @property
    def evaluations(self) -> int:
        """How often a slice runs the model over the data; a choice takes one gradient more."""
        lines = len(self.coordinates) or self.count
        points = len(_coefficients(sampled(self.span, self.samples), lines)) + 1
        return points * len(self.focus_points)

    def settled(self, surface: LossSurface, parameters: Parameters) -> AxisParallel:
        """The same slicer with its choice made: from now on it takes these coordinates."""
        chosen = tuple(self._chosen(surface, parameters))
        return dataclasses.replace(self, coordinates=chosen, count=len(chosen))

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Slice:
        """The slice around these parameters."""
        along = sampled(self.span, self.samples)
        chosen = self._chosen(surface, parameters)
        directions = [coordinate(surface, parameters) for coordinate in chosen]
        axes = tuple(
            axis_along(coordinate, tensors, parameters, along)
            for coordinate, tensors in zip(chosen, directions, strict=True)
        )
        starts = [focus_point(surface, parameters) for focus_point in self.focus_points]
        coefficients = _coefficients(along, len(chosen))
        found = sample(surface, starts, directions, coefficients)
        return Slice(
            kind="lines",
            method=Coordinate.method,
            axes=axes,
            focus_points=tuple(map(name_of_focus_point, self.focus_points)),
            mode=surface.mode,
            **found.fields(functools.partial(_with_center, along, len(chosen))),
        )

    def _chosen(self, surface: LossSurface, parameters: Parameters) -> Sequence[Coordinate]:
        if self.coordinates:
            return [_coordinate(coordinate) for coordinate in self.coordinates]
        return _steepest(surface.gradient(parameters), self.count)


def _coordinate(given: object) -> Coordinate:
    if isinstance(given, Coordinate):
        return given
    if isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[0], str):
        return Coordinate(given[0], tuple(int(i) for i in given[1]))
    raise TypeError(
        f"{given!r} names no coordinate; expected a pair such as ('fc.weight', (3, 5))."
    )


def _steepest(gradient: Parameters, count: int) -> list[Coordinate]:
    """The coordinates with the largest magnitude of the gradient, largest first."""
    candidates: list[tuple[float, str, tuple[int, ...]]] = []
    for name, tensor in gradient.items():
        flat = tensor.abs().double().reshape(-1)
        # NaN would win every comparison; a coordinate without a gradient comes last.
        best = flat.nan_to_num(0.0).topk(min(count, flat.numel()))
        places = np.unravel_index(best.indices.cpu().numpy(), tuple(tensor.shape))
        indices = zip(*(axis.tolist() for axis in places), strict=True) if places else [()]
        candidates += [
            (value, name, tuple(index))
            for value, index in zip(best.values.tolist(), indices, strict=True)
        ]
    candidates.sort(key=lambda candidate: -candidate[0])
    return [Coordinate(name, index) for _, name, index in candidates[:count]]


def _coefficients(along: Float64, lines: int) -> Float64:
    """Points of all lines but for the center that they share: (points, lines)."""
    moved = along[along != 0.0]
    result = np.zeros((lines * len(moved), lines))
    for line, (row, coordinate) in itertools.product(range(lines), enumerate(moved)):
        result[line * len(moved) + row, line] = coordinate
    return result


def _with_center(along: Float64, lines: int, moved: Float64, center: Float64) -> Float64:
    """Values on all samples, from those off the center and the center's own."""
    result = np.empty((len(center), lines, len(along)))
    result[...] = center[:, None, None]
    result[:, :, along != 0.0] = moved.reshape(len(center), lines, -1)
    return result
