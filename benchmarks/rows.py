"""A row of the table: everyone's times of one task, measured in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import peers
from benchmarks.contenders import OURS, Contender, Slices, own
from benchmarks.machine import flops
from benchmarks.tasks import Task
from benchmarks.timing import Clock, Times, duration, measured, ratio, ratio_of_minima


@dataclass(frozen=True)
class Row:
    """What was seen of a task.

    Attributes:
        name: of the task.
        points: of the whole task.
        times: of everyone who could do it.
        unable: why others could not.
        evaluation: what the record says about who evaluated.
        flops: of one pass over the data; none where a slice does not need whole passes.
        drawing: seconds a point that drawing directions takes us.
    """

    name: str
    points: int
    times: Mapping[str, Times]
    unable: Mapping[str, str]
    evaluation: Any
    flops: float | None
    drawing: float

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
    rounds: int,
    budget: float,
    now: Clock,
    *,
    among: Iterable[str] | None = None,
    with_peers: bool = True,
) -> Row:
    """Measure a task.

    Args:
        task: what.
        rounds: how often everyone takes a turn.
        budget: seconds of a turn, of those who need not do the whole task.
        now: a clock.
        among: names of own contenders; all if left out.
        with_peers: whether other tools take part, where they can.
    """
    runs: dict[str, Contender] = own(task)
    if among is not None:
        runs = {name: one for name, one in runs.items() if name in set(among)}
    unable: dict[str, str] = {}
    if with_peers and task.whole:
        others, unable = peers.contenders(task)
        runs |= others
    times, failed = measured(runs.values(), rounds, budget, now)
    ours = runs[OURS].run
    return Row(
        task.name,
        task.points(task.most),
        times,
        unable | failed,
        ours.notes.get("evaluation") if isinstance(ours, Slices) else None,
        flops(task.case) if task.whole else None,
        duration(task.draw, now) / task.points(task.most),
    )
