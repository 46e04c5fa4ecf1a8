"""A grid measured in rounds: coarse before fine, or only where it cannot be interpolated."""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from pysclice.core.parameters import Direction, Parameters
from pysclice.core.surface import LossSurface
from pysclice.slicers.adaptive import HoldOuts, Refinement, refinements
from pysclice.slicers.nesting import SubGrid, progressive_levels, progressive_order
from pysclice.slicers.sampling import Rounds, Sampled, joined, sample
from pysclice.slicers.surrogate import scipy_interpolate
from pysclice.slices import Axis, Float64, Int64, Slice

Sampling: TypeAlias = Literal["grid", "adaptive"]
Notes: TypeAlias = dict[str, Any]


def check_sampling(sampling: object, tolerance: object) -> None:
    """Nothing, if these make sense.

    Raises:
        TypeError: the tolerance is no number.
        ValueError: another word for the sampling, or a tolerance that is not between 0 and 1.
    """
    if sampling not in ("grid", "adaptive"):
        raise ValueError(f"sampling is {sampling!r}, expected 'grid' or 'adaptive'.")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float):
        raise TypeError(f"tolerance is {tolerance!r}, expected a number such as 0.01.")
    if not 0 < tolerance < 1:
        raise ValueError(
            f"tolerance is {tolerance}, expected a share of the range of the values between 0 and "
            "1, such as 0.01."
        )


def points_of(coordinates: Sequence[Float64]) -> Float64:
    """All points of a grid: (points, axes), the last axis running fastest."""
    grid = np.stack(np.meshgrid(*coordinates, indexing="ij"), axis=-1)
    return grid.reshape(-1, len(coordinates))


@dataclass(frozen=True, eq=False)
class Found:
    """What is known of a grid after a round.

    Attributes:
        kept: the samples of each axis that it is known at.
        sampled: the values there; points in C order of the kept samples.
        notes: what the record says of the sampling.
    """

    kept: SubGrid
    sampled: Sampled
    notes: Notes = field(default_factory=dict)

    def axes(self, axes: Sequence[Axis]) -> tuple[Axis, ...]:
        """The grid's axes with the samples that were kept."""
        return tuple(
            dataclasses.replace(axis, coordinates=axis.coordinates[kept])
            for axis, kept in zip(axes, self.kept, strict=True)
        )


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid around some focus points, to be measured.

    Attributes:
        surface: what to measure.
        starts: each gives a focus point, the same one whenever it is asked.
        directions: one for each axis.
        coordinates: (samples,) of each axis.
        buffers: what moves with each direction; goes to ``surface.measure``.
        sampling: whether to measure all points, or as many as the others can be interpolated from.
        tolerance: to which share of the range.
    """

    surface: LossSurface
    starts: Sequence[Callable[[], Parameters]]
    directions: Sequence[Direction]
    coordinates: Sequence[Float64]
    buffers: Sequence[Direction]
    sampling: Sampling
    tolerance: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples of each axis."""
        return tuple(map(len, self.coordinates))

    def found(self) -> Found:
        """The whole grid.

        Raises:
            ImportError: adaptive sampling without scipy.
            ValueError: adaptive sampling with replicates.
        """
        if self.sampling == "adaptive":
            *_, last = self._adaptively()
            return last
        starts = (start() for start in self.starts)  # one at a time in memory
        points = points_of(self.coordinates)
        return Found(
            self._everything,
            sample(self.surface, starts, self.directions, points, buffers=self.buffers),
        )

    def progressively(self) -> Iterator[Found]:
        """What is known after each round; the last is the whole grid.

        Raises:
            ImportError: adaptive sampling without scipy.
            ValueError: adaptive sampling with replicates.
        """
        return self._adaptively() if self.sampling == "adaptive" else self._coarse_to_fine()

    def _coarse_to_fine(self) -> Iterator[Found]:
        everywhere = [self._rounds(start) for start in self.starts]
        order, done = progressive_order(self.shape), 0
        for kept in progressive_levels(self.shape):
            points = np.ravel_multi_index(np.ix_(*kept), self.shape).ravel()
            for rounds in everywhere:
                rounds.measure(order[done : len(points)])
            done = len(points)
            yield Found(kept, joined([rounds.sampled(points) for rounds in everywhere]))

    def _adaptively(self) -> Iterator[Found]:
        scipy_interpolate()  # missing before anything is measured, not after
        refining = [self._refined(self._rounds(start)) for start in self.starts]
        latest = [next(each) for each in refining]
        while True:
            sampled = joined([sampled for sampled, _ in latest])
            notes = sampling_notes([r for _, r in latest], list(sampled.values), self.tolerance)
            yield Found(self._everything, sampled, {"sampling": notes})
            further = [next(each, None) for each in refining]
            if not any(further):
                return
            latest = [new or old for new, old in zip(further, latest, strict=True)]

    def _refined(self, rounds: Rounds) -> Iterator[tuple[Sampled, Refinement]]:
        """Around one focus point."""

        def values(which: Int64) -> Float64:
            rounds.measure(which)
            if rounds.has_replicates:
                raise ValueError(
                    "Replicates need every point measured: ask for them with sampling='grid', or "
                    "slice adaptively with replicates=0."
                )
            return np.stack([channel[which] for channel in rounds.values.values()], axis=1)

        also = [] if rounds.center is None else [rounds.center]
        for refined in refinements(values, self.shape, self.tolerance, also):
            flat = refined.values.reshape(len(refined.values), -1)
            filled = dict(zip(rounds.values, flat, strict=True))
            yield rounds.sampled(filled=(filled, refined.evaluated.ravel())), refined

    def _rounds(self, start: Callable[[], Parameters]) -> Rounds:
        points = points_of(self.coordinates)
        return Rounds(self.surface, start, self.directions, points, buffers=self.buffers)

    @property
    def _everything(self) -> SubGrid:
        return tuple(np.arange(samples) for samples in self.shape)


class InRounds(ABC):
    """A slicer of a grid, which can be asked for coarse pictures on the way."""

    @abstractmethod
    def _prepared(
        self, surface: LossSurface, parameters: Parameters
    ) -> tuple[Grid, Callable[[Found], Slice]]:
        """What to measure, and how it becomes a slice."""

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Slice:
        """The slice around these parameters."""
        grid, slice_of = self._prepared(surface, parameters)
        return slice_of(grid.found())

    def progressively(
        self, surface: LossSurface, parameters: Parameters | None = None
    ) -> Iterator[Slice]:
        """The slice, first of a few samples, then of more and more; the last is the slice itself.

        A plane is there, coarsely, after about 3 % of the work. Each slice holds all samples of the
        one before, and no sample is measured twice; only the focus point is, every time. With
        adaptive sampling all are of the full size, and it is the interpolation that gets better.

        Args:
            surface: what to slice.
            parameters: the focus point; the model's current parameters if left out.

        Example:
            >>> slicer = ps.Plane(ps.Random(seed=0), ps.Random(seed=1), samples=13)
            >>> [plane.shape for plane in slicer.progressively(surface)]
            [(1, 4, 4), (1, 7, 7), (1, 13, 13)]
        """
        began = time.perf_counter()
        start = surface.parameters() if parameters is None else parameters
        grid, slice_of = self._prepared(surface, start)
        for found in grid.progressively():
            seconds = time.perf_counter() - began
            yield dataclasses.replace(slice_of(found), wall_time=time.time(), seconds=seconds)


def sampling_notes(found: Sequence[Refinement], channels: Sequence[str], tolerance: float) -> Notes:
    """What the record says of the sampling, all focus points together; JSON values."""
    evaluated = sum(int(np.count_nonzero(known.evaluated)) for known in found)
    points = sum(known.evaluated.size for known in found)
    tested = [known.hold_outs for known in found if known.hold_outs is not None]
    final = all(known.evaluated.all() or known.hold_outs is not None for known in found)
    notes: Notes = {
        "method": "adaptive",
        "tolerance": tolerance,
        "channel": channels[0],
        "evaluated": evaluated,
        "points": points,
        "full_grid": evaluated == points,
    }
    if not final:
        return notes | {
            "sentence": f"{evaluated:,} of {points:,} points so far, the others guessed."
        }
    if not tested:
        return notes | {
            "estimated_error": 0.0,
            "sentence": f"All {points:,} points were evaluated: half of them or less would not do.",
        }
    missed = {
        name: np.concatenate([each.missed[number] / _range(each, number) for each in tested])
        for number, name in enumerate(channels)
    }
    within = np.concatenate([each.missed[0] <= each.allowed for each in tested])
    count, largest = len(within), float(missed[channels[0]].max())
    rounding = any(each.allowed > 1.001 * tolerance * _range(each, 0) for each in tested)
    asked = "rounding" if rounding else f"{100 * tolerance:g} % of the range of the values"
    return notes | {
        "allowed": _rounded(max(each.allowed for each in tested)),
        "estimated_error": _rounded(largest),
        "hold_outs": {
            "count": count,
            "within": _rounded(float(within.mean())),
            "channels": {
                name: {"largest": _rounded(float(m.max())), "mean": _rounded(float(m.mean()))}
                for name, m in missed.items()
            },
        },
        "sentence": f"{evaluated:,} of {points:,} points were evaluated, the others interpolated: "
        f"with 95 % confidence at least 90 % of them to {asked}, since {count} points drawn at "
        f"random were (the worst to {100 * largest:.2g} %).",
    }


def _range(hold_outs: HoldOuts, channel: int) -> float:
    """Highest less lowest value, or 1 where there is no difference to divide by."""
    return float(hold_outs.ranges[channel]) or 1.0


def _rounded(share: float) -> float:
    return float(f"{share:.4g}")
