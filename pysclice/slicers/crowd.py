"""A bundle of lines, each along its own direction, all through the same focus points."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface
from pysclice.directions.axis import Directional, axis_along, notes_of
from pysclice.directions.composition import buffers_of
from pysclice.slicers.coarsening import coarser
from pysclice.slicers.focus_points import FocusPoints, expanded, here, name_of_focus_point
from pysclice.slicers.sampling import Span, sample, sampled
from pysclice.slices import Float64, Slice


class Directions(Protocol):
    """A family: any callable that gives several directions, such as ``Group.each("layer")``."""

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Sequence[Directional]:
        """The directions, one for each line."""
        ...


@dataclass(frozen=True)
class Crowd:
    """One line for each of many directions: a slice of shape (focus points, lines, samples).

    A crowd shows what varies. Of groups of parameters, ``Crowd(Group.each("layer"))``, it shows
    which of them the loss is sensitive to; of random directions, ``Crowd([Random(seed) for seed in
    range(32)])``, how much a single one tells of the others; of focus points,
    ``Crowd([Random(0)], focus_points=Around(64, radius=0.1))``, how much it matters where one looks
    (Torsney-Weir, Sedlmair, Möller 2017, "Sliceplorer", doi:10.1111/cgf.13177).

    All directions are held in memory at once. Groups along one direction share its tensors, and
    sparse directions hold their entries only; 32 random directions take 32 times the parameters.

    Args:
        directions: several directions; or a family, a callable ``(surface, parameters) -> several
            directions``, which a logger asks at its first step and then keeps.
        span: first and last coordinate of all lines, in multiples of each direction.
        samples: number of samples of each line, at least 2.
        focus_points: where the lines meet; the directions are the same at all of them.

    Raises:
        TypeError, ValueError: no directions, or a span or number of samples that makes no axis.

    Example:
        >>> crowd = surface.slice(ps.Crowd([ps.Random(seed) for seed in range(4)], samples=7))
        >>> crowd.shape, crowd.evaluations
        ((1, 4, 7), 25)
        >>> by_layer = surface.slice(ps.Crowd(ps.Group.each("layer"), samples=5))
        >>> [axis.name for axis in by_layer.axes]
        ['0', '2']
    """

    directions: Directions | Sequence[Directional]
    span: Span = (-1.0, 1.0)
    samples: int = 25
    focus_points: FocusPoints = (here,)

    method = "crowd"

    def __post_init__(self) -> None:
        sampled(self.span, self.samples)
        expanded(self.focus_points)
        if isinstance(self.directions, Sequence):
            object.__setattr__(self, "directions", _checked(self.directions))
        elif not callable(self.directions):
            raise TypeError(
                f"directions is a {type(self.directions).__name__}, expected several directions, "
                "such as [Random(0), Random(1)], or a family, such as Group.each('layer')."
            )

    @property
    def evaluations(self) -> int | None:
        """How often a slice runs the model over the data; None while a family is not settled."""
        if not isinstance(self.directions, Sequence):
            return None
        off_center = np.count_nonzero(sampled(self.span, self.samples))
        return (len(self.directions) * int(off_center) + 1) * len(expanded(self.focus_points))

    def settled(self, surface: LossSurface, parameters: Parameters) -> Crowd:
        """The same slicer with its directions made: from now on it takes these."""
        if isinstance(self.directions, Sequence):
            return self
        given = self.directions(surface, parameters)
        if not isinstance(given, Sequence):
            raise TypeError(
                f"The family of directions gave a {type(given).__name__}, expected several "
                "directions. Put a single direction into a list: Crowd([Random(0)])."
            )
        return dataclasses.replace(self, directions=given)

    def coarser(self) -> Crowd | None:
        """The same slicer with every other sample; None where that leaves too few."""
        return coarser(self)

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Slice:
        """The slice around these parameters."""
        directions = cast(Sequence[Directional], self.settled(surface, parameters).directions)
        along = sampled(self.span, self.samples)
        tensors = [direction(surface, parameters) for direction in directions]
        axes = tuple(
            axis_along(direction, moved, parameters, along)
            for direction, moved in zip(directions, tensors, strict=True)
        )
        points = expanded(self.focus_points)
        found = sample(
            surface,
            (point(surface, parameters) for point in points),
            tensors,
            _coefficients(along, len(directions)),
            buffers=[buffers_of(direction, surface, parameters) for direction in directions],
        )
        return Slice(
            kind="lines",
            method=self.method,
            axes=axes,
            focus_points=tuple(map(name_of_focus_point, points)),
            mode=surface.mode,
            notes=notes_of(directions, surface, parameters),
            **found.fields(functools.partial(_with_center, along, len(directions))),
        )


def _checked(directions: Sequence[Directional]) -> tuple[Directional, ...]:
    if not directions:
        raise ValueError("directions is empty; a crowd needs one direction or more.")
    for direction in directions:
        if not callable(direction):
            raise TypeError(
                f"One of the directions is a {type(direction).__name__}, expected a callable "
                "(surface, parameters) -> {name: tensor}, such as Random(0)."
            )
    return tuple(directions)


def _coefficients(along: Float64, lines: int) -> Float64:
    """Points of all lines but for the center that they share: (points, lines)."""
    moved = along[along != 0.0]
    result = np.zeros((lines, len(moved), lines))
    for line in range(lines):
        result[line, :, line] = moved
    return result.reshape(-1, lines)


def _with_center(along: Float64, lines: int, moved: Float64, center: Float64) -> Float64:
    """Values on all samples, from those off the center and the center's own."""
    result = np.empty((len(center), lines, len(along)))
    result[...] = center[:, None, None]
    result[:, :, along != 0.0] = moved.reshape(len(center), lines, -1)
    return result
