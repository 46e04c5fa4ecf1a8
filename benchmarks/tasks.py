"""What is measured of each case: lines and planes, and slices that move only late layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import pysclice as ps
from benchmarks.cases import Case
from pysclice.core.parameters import Direction, Parameters
from pysclice.slices import Float64

Slicer = ps.Line | ps.Plane | ps.AxisParallel


class Given:
    """A direction that is drawn beforehand, since drawing is not what is compared."""

    def __init__(self, direction: ps.Random | ps.Group, surface: ps.LossSurface) -> None:
        self.name = direction.name
        self.method = direction.method
        self.description = direction.description
        self.recipe = direction.recipe
        self.tensors: Direction = direction(surface, surface.parameters())

    def __call__(self, surface: ps.LossSurface, parameters: Parameters) -> Direction:
        return self.tensors


@dataclass(frozen=True, eq=False)
class Task:
    """A slice of a case, of any number of samples.

    Attributes:
        case: model and data.
        label: what the table calls it.
        most: samples of each axis in a whole slice.
        slicer: samples of each axis -> the slicer.
        directions: what coefficients multiply; none where a loop written by hand would be another
            program.
        draw: draws them, as a slice of directions that are not given does.
        whole: it moves all layers, and other tools can do it too.
    """

    case: Case
    label: str
    most: int
    slicer: Callable[[int], Slicer]
    directions: tuple[Direction, ...] = ()
    draw: Callable[[], object] = tuple
    whole: bool = False

    @property
    def name(self) -> str:
        return f"{self.case.name}, {self.label}"

    @property
    def dimensions(self) -> int:
        return 2 if isinstance(self.slicer(3), ps.Plane) else 1

    def points(self, samples: int) -> int:
        """How often the model is evaluated for so many samples of each axis."""
        return self.slicer(samples).evaluations

    def coefficients(self, samples: int) -> Float64:
        """(points, directions), in the order of the slice's values."""
        along = [np.linspace(-1.0, 1.0, samples)] * len(self.directions)
        grid = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1)
        return grid.reshape(-1, len(self.directions))


def surface_of(case: Case, **options: Any) -> ps.LossSurface:
    """A new surface, which has kept and tuned nothing yet."""
    return ps.LossSurface(case.model, case.loss, case.data(), **options)


def line(case: Case, most: int) -> Task:
    """A line along a filter-normalized random direction."""
    return _along(case, "line", most, (ps.Random(0),), whole=True)


def plane(case: Case, most: int) -> Task:
    """A plane along two of them."""
    return _along(case, "plane", most, (ps.Random(0), ps.Random(1)), whole=True)


def group_plane(case: Case, label: str, members: str, most: int) -> Task:
    """A plane that moves the parameters of these names and no others."""
    along = tuple(ps.Group(members, along=ps.Random(seed)) for seed in (0, 1))
    return _along(case, label, most, along)


def _along(
    case: Case,
    label: str,
    most: int,
    directions: Sequence[ps.Random | ps.Group],
    whole: bool = False,
) -> Task:
    surface = surface_of(case)
    given = [Given(direction, surface) for direction in directions]

    def slicer(samples: int) -> Slicer:
        if len(given) == 1:
            return ps.Line(given[0], samples=samples)
        return ps.Plane(given[0], given[1], samples=samples)

    def draw() -> object:
        return [direction(surface, surface.parameters()) for direction in directions]

    return Task(case, label, most, slicer, tuple(one.tensors for one in given), draw, whole)


def axis_parallel(case: Case, label: str, members: str, most: int) -> Task:
    """Lines along eight coordinates, drawn among the parameters of these names."""
    surface = surface_of(case)
    chosen = ps.AxisParallel(count=8, choose="random", within=members).settled(
        surface, surface.parameters()
    )
    return Task(case, label, most, lambda n: dataclasses.replace(chosen, samples=n))


# Samples of each axis of a plane: a few seconds of work each on one core.
PLANES = {
    "logistic": 51,
    "MLP": 51,
    "MLP, 64 examples": 51,
    "MLP, loader": 15,
    "CNN": 11,
    "ResNet-20": 7,
    "GPT": 11,
}


def tasks(case: Case, quick: bool = False) -> list[Task]:
    """The rows of the table for a case; smaller ones if they only have to show that all works."""
    samples = PLANES[case.name]
    found = [line(case, 7 if quick else 51), plane(case, 5 if quick else samples)]
    if case.name == "ResNet-20":
        found += [
            group_plane(case, "last block", "layer3.2.*", 3 if quick else 13),
            group_plane(case, "classifier", "fc.*", 5 if quick else 51),
            axis_parallel(case, "axis-parallel, last block", "layer3.2.*", 3 if quick else 13),
        ]
    return found
