"""Times of contenders who take turns in one process, so that a slow moment is slow for all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from benchmarks.contenders import OURS, Contender, Unable
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


@dataclass(frozen=True)
class Pace:
    """How long measuring may take.

    Attributes:
        rounds: at most so many, in which everyone takes a turn.
        seconds: no further round is begun after so many, two rounds done.
        turn: seconds of a turn of whoever need not do the whole task.
        turn_of_peers: the same of other tools.
    """

    rounds: int
    seconds: float
    turn: float
    turn_of_peers: float


@dataclass(frozen=True)
class _Entry:
    """Who takes part at how many samples in how many rounds, and what of a turn is drawing."""

    one: Contender
    samples: int
    turns: int
    drawing: float
    times: Times

    def take_turn(self, now: Clock) -> None:
        seconds, self.times.losses = _seconds(self.one, self.samples, now)
        self.times.turns.append((seconds - self.drawing) / self.times.points)


def measured(
    contenders: Iterable[Contender], pace: Pace, now: Clock
) -> tuple[dict[str, Times], dict[str, str]]:
    """Times by name, and why peers failed, by name.

    Every other round runs backwards, so that a machine that grows slower favors nobody.
    """
    entries: dict[str, _Entry] = {}
    failed: dict[str, str] = {}
    for one in contenders:
        try:
            entries[one.name] = _entry(one, pace, now)
        except Exception as error:  # another tool's error is a finding
            if not one.peer:
                raise
            failed[one.name] = told(error)
    # Where others have had their turns, another one of ours tells nothing.
    others = [entry.turns for name, entry in entries.items() if name != OURS]
    began = time.perf_counter()
    for turn in range(max(1, *others) if others else pace.rounds):
        if turn >= 2 and time.perf_counter() - began > pace.seconds:
            break
        order = list(entries.values())
        for entry in order if turn % 2 == 0 else reversed(order):
            if turn < entry.turns:
                entry.take_turn(now)
    return {name: entry.times for name, entry in entries.items()}, failed


def _entry(one: Contender, pace: Pace, now: Clock) -> _Entry:
    """Warm a contender up, and decide how many samples and turns it gets."""
    budget = pace.turn_of_peers if one.peer else pace.turn
    samples, seconds = _warmed_up(one, budget, now)
    drawing = 0.0 if one.draw is None else duration(one.draw, now)
    of_all = one.points(one.most)
    times = Times(one.points(samples), of_all, drawing=drawing / of_all)
    turns = pace.rounds
    if one.peer:
        turns = min(turns, max(int(one.whole), int(3 * budget / seconds)))
    if turns == 0:
        # A long one takes no other turn than this.
        times.turns.append((seconds - drawing) / times.points)
    return _Entry(one, samples, turns, drawing, times)


def told(error: Exception) -> str:
    """An error in one line."""
    words = " ".join(str(error).split())[:120]
    return words if isinstance(error, Unable) else f"{type(error).__name__}: {words}"


def _warmed_up(one: Contender, budget: float, now: Clock) -> tuple[int, float]:
    """How many samples of each axis take about the budget, and how long they do."""
    samples = min(3, one.most)
    seconds, _ = _seconds(one, samples, now)
    if one.whole:
        return one.most, seconds * one.points(one.most) / one.points(samples)
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


def fewer(found: Mapping[str, Times]) -> str:
    """Who was measured at fewer points than the task has, in words."""
    names: dict[int, list[str]] = {}
    for name, times in found.items():
        if times.points < times.of_all:
            names.setdefault(times.points, []).append(name)
    return "; ".join(f"at {points}: {', '.join(names[points])}" for points in sorted(names))
