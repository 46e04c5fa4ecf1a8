"""A row of the table: everyone's times of one task, measured in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.contenders import NAIVE, OURS, REFERENCE, Contender, Slices, own
from benchmarks.machine import flops
from benchmarks.tasks import Task
from benchmarks.timing import Clock, Pace, Times, duration, measured, ratio, ratio_of_minima
from pysclice.slices import Float64


@dataclass(frozen=True)
class Row:
    """What was seen of a task.

    Attributes:
        name: of the task.
        points: of the whole task.
        times: of everyone who could do it.
        unable: why others could not.
        evaluations: what the records of our turns say of how they were evaluated.
        flops: of one pass over the data; none where a slice does not need whole passes.
        drawing: seconds a point that drawing directions takes us.
        difference: largest one between our losses and those of the naive loop and the reference, at
            the ends and middles of the axes: as a share of the loss plus 0.01.
    """

    name: str
    points: int
    times: Mapping[str, Times]
    unable: Mapping[str, str]
    evaluations: Sequence[Mapping[str, Any]]
    flops: float | None
    drawing: float
    difference: float

    def ratio(self, other: str) -> float | None:
        """How many times longer the other one takes; none if it was not measured."""
        if other not in self.times:
            return None
        return ratio(self.times[other], self.times[OURS], self.drawing)

    def ratio_of_minima(self, other: str) -> float | None:
        if other not in self.times:
            return None
        return ratio_of_minima(self.times[other], self.times[OURS], self.drawing)


def row(
    task: Task,
    pace: Pace,
    now: Clock,
    *,
    among: Iterable[str] | None = None,
    with_peers: bool = True,
) -> Row:
    """Measure a task.

    Args:
        task: what.
        pace: how long it may take.
        now: a clock.
        among: names of own contenders; all if left out.
        with_peers: whether other tools take part, where they can.
    """
    runs: dict[str, Contender] = own(task)
    if among is not None:
        chosen = set(among)
        runs = {name: one for name, one in runs.items() if name in chosen}
    unable: dict[str, str] = {}
    if with_peers and task.whole:
        others, unable = peers.contenders(task)
        runs |= others
    times, failed = measured(runs.values(), pace, now)
    ours = runs[OURS].run
    return Row(
        task.name,
        task.points(task.most),
        times,
        unable | failed,
        ours.evaluations[-len(times[OURS].turns) :] if isinstance(ours, Slices) else [],
        flops(task.case) if task.whole else None,
        duration(task.draw, now) / task.points(task.most),
        _difference(times, task.dimensions),
    )


def _difference(times: Mapping[str, Times], dimensions: int) -> float:
    ours = _common(times[OURS].losses, dimensions)
    others = [_common(times[one].losses, dimensions) for one in (NAIVE, REFERENCE) if one in times]
    return max((float(np.max(abs(ours - o) / (abs(o) + 1e-2))) for o in others), default=0.0)


def _common(losses: Float64, dimensions: int) -> Float64:
    """Those at the ends and in the middle of each axis: in every grid with an odd number."""
    every = slice(None, None, losses.shape[-1] // 2)
    return losses[..., every, every] if dimensions == 2 else losses[..., every]
