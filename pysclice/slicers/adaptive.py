"""A grid of which only some points are measured, so many that the others can be interpolated.

The points that are measured are points of the grid, so their values are exact and the grid itself
is what is left where interpolation will not do. The algorithm knows no model: it asks for values.

Round by round (the constants were found on planes and lines of trained networks):

1. A coarse grid, closer along the border, and the middles of its cells. The surrogate through the
   first, held against the middles, says how far off it is, and where.
2. Where the last round moved the surrogate by a share of what is allowed, and a surrogate of
   another order does not agree with it, the next finer points are measured: middles of cells and
   middles of edges take turns, each by a factor sqrt(2) closer.
3. When nothing moves any more, points drawn at random are measured that the surrogate knows nothing
   of. If it misses any, they join it and refinement goes on, and then it is tested harder.

Cells of the coarse grid in which something is not finite are measured as a whole, since nothing is
known of where a divergence ends. Once half of the grid is needed, all of it is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TypeAlias

import numpy as np

from pysclice.slicers.nesting import halvings
from pysclice.slicers.surrogate import interpolated
from pysclice.slices import Float64, Int64, Mask

# Flat indices (points,) in C order of the grid -> values (points, channels).
Oracle: TypeAlias = Callable[[Int64], Float64]

# By number of axes: samples of the coarse grid along each, and the shares of the allowed difference
# by which a surrogate may move, and may differ from another, without being refined. A round leaves
# about 1/16 of what it moved on a line, where it halves the spacing, and 1/4 on a plane.
START = {1: 7, 2: 9}
MOVES = {1: 0.5, 2: 0.3}
DIFFERS = {1: 0.125, 2: 0.1}
# Between even spacing (0) and Chebyshev's (1), since a surrogate is least sure at the border.
TOWARDS_BORDER = 0.25
# Clean hold-outs say that 90 % of the points are within the tolerance, unless by chance: in 0.9**n
# of the cases. All three chances together stay below 5 %.
HOLD_OUTS = (30, 47, 73)
# A share of the largest value by which two evaluations of one point may differ.
ROUNDING = 1e-5
MOST_OF_THE_GRID = 0.5
# An axis of fewer samples leaves nothing out.
FEWEST_SAMPLES = 5


@dataclass(frozen=True, eq=False)
class HoldOuts:
    """How far the surrogate was off at random points that it knew nothing of.

    Attributes:
        missed: (channels, points): differences between surrogate and value, without sign.
        ranges: (channels,): highest less lowest value found of each channel.
        allowed: the difference that is allowed in the first channel.
    """

    missed: Float64
    ranges: Float64
    allowed: float


@dataclass(frozen=True, eq=False)
class Refinement:
    """What is known of the grid after a round.

    Attributes:
        values: (channels, *shape): measured or interpolated.
        evaluated: (*shape): which of them were measured.
        hold_outs: those that were clean, after the last round; None before, and where the whole
            grid was measured.
    """

    values: Float64
    evaluated: Mask
    hold_outs: HoldOuts | None = None


def refinements(
    oracle: Oracle, shape: Sequence[int], tolerance: float, also: Sequence[int] = ()
) -> Iterator[Refinement]:
    """The grid after each round of measurements, the last one within the tolerance.

    Args:
        oracle: flat indices (points,) -> values (points, channels); asked once a round and never
            twice for a point. The first channel decides where the grid is refined.
        shape: samples of each axis, of one or two.
        tolerance: of the first channel, as a share of the range of its finite values found so far.
            Differences below 1e-5 of its largest value are rounding, which is always allowed.
        also: flat indices to measure in the first round.
    """
    known = _Known(oracle, tuple(shape), tolerance)
    stage = stages(shape)
    first = stage <= 1
    first.ravel()[list(also)] = True
    if min(shape) < FEWEST_SAMPLES or not known.affords(first):
        known.measure(~known.evaluated)
        yield known.measured_fully()
        return
    known.measure(first)
    before, now = known.surrogate(stage == 0), known.surrogate()
    hold_outs = iter(HOLD_OUTS)
    randomness = np.random.default_rng(0)
    reached = 1
    while before is not None and now is not None:
        yield known.filled(now)
        reached += 1
        wanted = known.doubted(before, now) & (stage <= reached) | known.beside_nonfinite()
        wanted &= ~known.evaluated
        drawn = None
        if not wanted.any():
            left = np.flatnonzero(~known.evaluated)
            count = next(hold_outs, None)
            if count is None or count >= len(left):
                break
            drawn = randomness.choice(left, count, replace=False)
            wanted.ravel()[drawn] = True
            # What is read from a slice first, its lowest and its highest value, is measured.
            wanted.ravel()[[np.argmin(now[0]), np.argmax(now[0])]] = True
            wanted &= ~known.evaluated
        if not known.affords(wanted):
            break
        known.measure(wanted)
        if drawn is not None and known.agrees(now, wanted):
            # The surrogate that was tested is the one that is shown.
            yield known.filled(now, drawn)
            return
        before, now = now, known.surrogate()
    known.measure(~known.evaluated)
    yield known.measured_fully()


def stages(shape: Sequence[int]) -> Int64:
    """In which round each point of a grid has its turn: (*shape), from 0 for the coarse grid.

    Then middles of cells and, on a plane, middles of edges take turns.
    """
    levels = np.meshgrid(
        *(halvings(start_positions(n, len(shape)), n) for n in shape), indexing="ij"
    )
    level = np.max(levels, axis=0)
    in_a_middle = np.all([each == level for each in levels], axis=0)
    turns = np.where(level == 0, 0, 2 * level - in_a_middle)
    rank: Int64 = np.unique(turns, return_inverse=True)[1].reshape(level.shape).astype(np.int64)
    return rank


def start_positions(samples: int, axes: int) -> Float64:
    """Where the coarse grid stands on an axis: whole numbers from 0 to samples - 1, increasing."""
    even = np.linspace(0, 1, min(START[axes], samples))
    towards_border = (1 - np.cos(np.pi * even)) / 2
    mixed = (1 - TOWARDS_BORDER) * even + TOWARDS_BORDER * towards_border
    return np.unique(np.round(mixed * (samples - 1)))


class _Known:
    """The values of a grid as they become known."""

    def __init__(self, oracle: Oracle, shape: tuple[int, ...], tolerance: float) -> None:
        self._oracle = oracle
        self._tolerance = tolerance
        self._values: Float64 | None = None  # (channels, *shape)
        self.evaluated: Mask = np.zeros(shape, dtype=np.bool_)
        starts = (start_positions(n, len(shape)).astype(int).tolist() for n in shape)
        self._cells = list(
            product(*([slice(a, b + 1) for a, b in pairwise(start)] for start in starts))
        )

    @property
    def values(self) -> Float64:
        assert self._values is not None, "measured in the first round"
        return self._values

    def measure(self, wanted: Mask) -> None:
        which = np.flatnonzero(wanted & ~self.evaluated)
        if not len(which):
            return
        found = self._oracle(which)
        if self._values is None:
            self._values = np.full((found.shape[1], *self.evaluated.shape), np.nan)
        self._values.reshape(len(self._values), -1)[:, which] = found.T
        self.evaluated.ravel()[which] = True

    def affords(self, wanted: Mask) -> bool:
        """Whether there is still something to save with these points."""
        return int(np.count_nonzero(self.evaluated | wanted)) <= MOST_OF_THE_GRID * wanted.size

    @property
    def _finite(self) -> Mask:
        """Where all channels are known and finite."""
        finite: Mask = self.evaluated & np.all(np.isfinite(self.values), axis=0)
        return finite

    @property
    def allowed(self) -> float:
        """The difference that is allowed in the first channel."""
        finite = self.values[0, self._finite]
        return float(max(self._tolerance * np.ptp(finite), ROUNDING * np.abs(finite).max()))

    def beside_nonfinite(self) -> Mask:
        """Cells of the coarse grid, borders included, in which something is not finite."""
        beside = np.zeros_like(self.evaluated)
        nonfinite = self.evaluated & ~self._finite
        for cell in self._cells:
            if nonfinite[cell].any():
                beside[cell] = True
        return beside & ~self.evaluated

    def surrogate(self, among: Mask | None = None) -> Float64 | None:
        """Interpolated from the finite values, (channels, *shape); None where that cannot be."""
        return interpolated(self._finite if among is None else self._finite & among, self.values)

    def doubted(self, before: Float64, now: Float64) -> Mask:
        """Where a surrogate has just moved, and another one is not of its opinion."""
        axes = now[0].ndim
        moved: Mask = np.abs(now[0] - before[0]) > MOVES[axes] * self.allowed
        if not np.any(moved & ~self.evaluated):
            return moved
        other = interpolated(self._finite, self.values[:1], again=True)
        if other is None:
            return moved
        disagrees: Mask = np.abs(now[0] - other[0]) > DIFFERS[axes] * self.allowed
        return moved & disagrees

    def agrees(self, surrogate: Float64, measured: Mask) -> bool:
        """Whether it is within what is allowed at points it knew nothing of, all being finite."""
        missed = np.abs(surrogate[0] - self.values[0])[measured]
        return bool(np.all(missed <= self.allowed) and np.all(self._finite[measured]))

    def filled(self, surrogate: Float64, hold_outs: Int64 | None = None) -> Refinement:
        """What was measured, and the surrogate elsewhere.

        No interpolated value lies beyond the measured ones: no loss below 0, no accuracy above 1.
        The surrogate's own lowest and highest are measured, so that this cuts off next to nothing.
        """
        finite = self.values[:, self._finite]
        ends = (-1, *(1,) * self.evaluated.ndim)
        clipped = np.clip(
            surrogate, finite.min(axis=1).reshape(ends), finite.max(axis=1).reshape(ends)
        )
        found = None
        if hold_outs is not None:
            missed = np.abs(surrogate - self.values).reshape(len(self.values), -1)[:, hold_outs]
            found = HoldOuts(missed, np.ptp(finite, axis=1), self.allowed)
        values = np.where(self.evaluated, self.values, clipped)
        return Refinement(values, self.evaluated.copy(), found)

    def measured_fully(self) -> Refinement:
        return Refinement(self.values, self.evaluated)
