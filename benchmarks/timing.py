"""Times of contenders who take turns in one process, so that a slow moment is slow for all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from benchmarks.contenders import Contender, Unable
from pysclice.slices import Float64

Clock = Callable[[], float]


def clock(threads: int, device: str) -> Clock:
    """Seconds of CPU time for one thread, which other processes do not distort; else wall time."""
    if device != "cpu":

        def synchronized() -> float:
            torch.cuda.synchronize()
            return time.perf_counter()

        return synchronized
    return time.process_time if threads == 1 else time.perf_counter


@dataclass
class Times:
    """Seconds a point of a contender: one number for each of its turns.

    Attributes:
        points: that were evaluated in a turn.
        of_all: how many the whole task has.
        turns: seconds a point, drawing directions left out.
        drawing: seconds a point of the whole task that drawing directions takes, if it does.
        losses: of the last turn.
    """

    points: int
    of_all: int
    turns: list[float] = field(default_factory=list)
    drawing: float = 0.0
    losses: Float64 = field(default_factory=lambda: np.empty(0))

    @property
    def median(self) -> float:
        return statistics.median(self.turns)


def ratio(other: Times, ours: Times, drawing: float = 0.0) -> float:
    """How many times longer the other one takes: the median over rounds that both were in.

    Args:
        other: its times.
        ours: our times.
        drawing: seconds a point that drawing directions takes us; it counts if the other one has
            to draw them as well.
    """
    added = drawing if other.drawing else 0.0
    pairs = zip(other.turns, ours.turns, strict=False)
    return statistics.median((a + other.drawing) / (b + added) for a, b in pairs)


def ratio_of_minima(other: Times, ours: Times, drawing: float = 0.0) -> float:
    """The same of the best turns, which is steadier where intra-op threads wait for each other."""
    added = drawing if other.drawing else 0.0
    return (min(other.turns) + other.drawing) / (min(ours.turns) + added)


def measured(
    contenders: Iterable[Contender], rounds: int, budget: float, now: Clock
) -> tuple[dict[str, Times], dict[str, str]]:
    """Times by name, and why peers failed, by name.

    Args:
        contenders: who takes a turn in each round, in this order.
        rounds: how many. A peer takes fewer turns if they are long.
        budget: seconds of a turn, of those who need not do the whole task.
        now: a clock.
    """
    runs: list[tuple[Contender, int, int, float]] = []
    found: dict[str, Times] = {}
    failed: dict[str, str] = {}
    for one in contenders:
        try:
            samples, seconds = _warmed_up(one, budget, now)
            apart = 0.0 if one.draw is None else duration(one.draw, now)
        except Exception as error:  # another tool's error is a finding
            if not one.peer:
                raise
            failed[one.name] = told(error)
            continue
        turns = max(1, min(rounds, int(3 * budget / seconds))) if one.peer else rounds
        runs.append((one, samples, turns, apart))
        of_all = one.points(one.most)
        found[one.name] = Times(one.points(samples), of_all, drawing=apart / of_all)
    for turn in range(rounds):
        for one, samples, turns, apart in runs:
            if turn < turns:
                seconds, losses = _seconds(one, samples, now)
                times = found[one.name]
                times.turns.append((seconds - apart) / times.points)
                times.losses = losses
    return found, failed


def told(error: Exception) -> str:
    """An error in one line."""
    words = str(error).partition("\n")[0]
    return words if isinstance(error, Unable) else f"{type(error).__name__}: {words}"


def _warmed_up(one: Contender, budget: float, now: Clock) -> tuple[int, float]:
    """How many samples of each axis take about the budget, and how long they do."""
    samples = min(3, one.most)
    seconds, _ = _seconds(one, samples, now)
    if one.whole:
        return one.most, seconds
    while samples < one.most and seconds < budget / 2:
        # The first run is slow: no more than nine times the points at once.
        growth = min(9.0, budget / max(seconds, 1e-6)) ** (1 / one.dimensions)
        samples = min(one.most, max(samples + 2, int(samples * growth) | 1))
        seconds, _ = _seconds(one, samples, now)
    return samples, seconds


def _seconds(one: Contender, samples: int, now: Clock) -> tuple[float, Float64]:
    began = now()
    losses = one.run(samples)
    return now() - began, losses


def duration(run: Callable[[], object], now: Clock) -> float:
    """Seconds of something short: the least of three times."""
    times = []
    for _ in range(3):
        began = now()
        run()
        times.append(now() - began)
    return min(times)


def fewer(found: Mapping[str, Times]) -> list[str]:
    """Who was measured at fewer points than the task has, in words."""
    return [f"{name} at {t.points}" for name, t in found.items() if t.points < t.of_all]
