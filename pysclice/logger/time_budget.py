"""A bound on the wall time that slicing takes: an account, and what it lets a logger do.

The account earns a fraction of the wall time and pays for whatever the logger took. A slice is
taken only once the account covers what it is expected to cost, so the bound holds whatever the
plan is worth: a plan that is wrong makes a slice late, not training slow. What was not spent is
kept for one round of slices at most, and what a second earns, so that the bound holds for the last
while as for the whole run, also after training became faster.

The plan gives up what hurts least, first. It makes the interval longer, up to 8 times: every slice
that is taken stays as good, and compares with those before it. Then it leaves out every other
sample, down to 13 an axis: what stays is exact. Then it measures on fewer examples, down to 256,
which shifts all values a little (the standard errors say by how much). Then come the last samples
and examples, and after these the interval is made as long as it takes. A series shall not flicker:
its resolution changes only if three slices in a row have called for it, and becomes finer only if
that leaves a third of the time to spare.

All of it is a function of the clock that was given, so that it can be tested without waiting.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pysclice.core.surface import Slicer

# The account opens with what it earns in these seconds, or the first step could show nothing.
_OPENING_SECONDS = 10.0

# How much longer the interval becomes before the resolution suffers.
_MOST_STRETCH = 8

# How often in a row another resolution, or a shorter interval, has to be wanted.
_PATIENCE = 3

# What is given up in turn: samples down to the first number, then examples down to the second.
_STAGES = ((13, 256), (2, 64))

# Loops have pauses, such as a validation, and slices are held up: the median of so many leaves two
# of them out.
_REMEMBERED = 5


@dataclass(frozen=True)
class Level:
    """How well a series is measured.

    Attributes:
        slicer: what takes the slices; None where that is left to another process.
        samples: a number for all axes, or one for each; None where the slicer has none.
        examples: size of the draw of examples; None for all of them.
        work: evaluations times examples.
        told: whether the slicer says how many evaluations it takes; if not, ``work`` counts one.
    """

    slicer: Slicer | None
    samples: tuple[int, ...] | None = None
    examples: int | None = None
    work: float = 1.0
    told: bool = False


def levels_of(slicer: Slicer, all_examples: int) -> tuple[Level, ...]:
    """What a slicer can be reduced to, in the order in which it is: as asked for first.

    Args:
        slicer: with a method ``coarser() -> slicer | None``, if it can have fewer samples.
        all_examples: how many examples the surface has; 0 where it cannot be told.
    """

    def level(slicer: Slicer, examples: int | None) -> Level:
        evaluations = getattr(slicer, "evaluations", None)
        work = (evaluations or 1) * (examples or all_examples or 1)
        return Level(slicer, _samples_of(slicer), examples, work, evaluations is not None)

    result = [level(slicer, None)]
    for least_samples, least_examples in _STAGES:
        while (coarser := _coarser(slicer, least_samples)) is not None:
            slicer = coarser
            result.append(level(slicer, result[-1].examples))
        while (fewer := _halved(result[-1].examples or all_examples)) >= least_examples:
            result.append(level(slicer, fewer))
    return tuple(result)


def _samples_of(slicer: object) -> tuple[int, ...] | None:
    samples = getattr(slicer, "samples", None)
    if isinstance(samples, tuple):
        return samples
    return (samples,) if isinstance(samples, int) else None


def _coarser(slicer: Slicer, least: int) -> Slicer | None:
    make = getattr(slicer, "coarser", None)
    coarser: Slicer | None = make() if callable(make) else None
    # An axis that cannot become coarser keeps what it has, which may be less.
    before, after = _samples_of(slicer), _samples_of(coarser)
    if before and after and any(a < least for a, b in zip(after, before, strict=True) if a < b):
        return None
    return coarser


def _halved(examples: int) -> int:
    """The largest power of two below this number: a smaller draw is part of a larger one."""
    return 1 << ((examples - 1).bit_length() - 1) if examples > 1 else 0


class Account:
    """Seconds that slicing may take: a fraction of the wall time, less what was taken.

    Args:
        fraction: of the wall time, between 0 and 1.
        clock: gives seconds, such as ``time.perf_counter``. It is first asked when something is
            spent for the first time, and the wall time counts from there.
    """

    def __init__(self, fraction: float, clock: Callable[[], float]) -> None:
        self.fraction = fraction
        self._clock = clock
        self._opened: float | None = None
        self._entered: float | None = None
        self._spent = 0.0
        self._forfeited = 0.0
        self._advance = fraction * _OPENING_SECONDS  # covered by what is earned first

    @contextmanager
    def spending(self) -> Iterator[None]:
        """What is done inside is paid for, also if it fails."""
        self._entered = self._clock()
        if self._opened is None:
            self._opened = self._entered
        try:
            yield
        finally:
            self._spent = self.spent
            self._entered = None

    @property
    def elapsed(self) -> float:
        """Wall time since the account was opened."""
        return 0.0 if self._opened is None else self._clock() - self._opened

    @property
    def spent(self) -> float:
        """Seconds that slicing has taken so far."""
        return self._spent + (0.0 if self._entered is None else self._clock() - self._entered)

    @property
    def balance(self) -> float:
        """Seconds that slicing may take now; negative where it has to wait."""
        earned = max(self.fraction * self.elapsed, self._advance)
        return earned - self.spent - self._forfeited

    def keep_at_most(self, seconds: float) -> None:
        """Forfeit what was saved beyond this: first of the advance, so that less is to be earned.

        What a second earns is kept in any case. To decide takes time as well, and a sum that just
        covers the next slice would not cover it any more.
        """
        beyond = max(0.0, self.balance - seconds - self.fraction)
        advanced = max(0.0, self._advance - self.fraction * self.elapsed)
        self._advance -= min(beyond, advanced)
        self._forfeited += beyond - min(beyond, advanced)


class _Costs:
    """What a series' slices are expected to take at each of its levels, in seconds.

    Args:
        levels: as asked for first.
        seconds_of_work: seconds of one evaluation of one example, where it was measured.
    """

    def __init__(self, levels: Sequence[Level], seconds_of_work: float | None) -> None:
        self._levels = levels
        self._seconds_of_work = seconds_of_work
        self._known: dict[int, float] = {}
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._recent_level: int | None = None
        self._count = 0

    def measured(self, level: int, seconds: float) -> None:
        """Learn from a slice.

        The median, so that one that was held up by something else does not count. The machine's
        speed changes for all levels alike, so what is known of the others follows. The first slice
        of all warms up, and serves until there is a second one.
        """
        self._count += 1
        if self._count == 2:
            self._known.clear()
        if level != self._recent_level or self._count == 2:
            self._recent.clear()
            self._recent_level = level
        self._recent.append(seconds)
        estimate = max(statistics.median_low(self._recent), 1e-9)
        if level in self._known:
            change = estimate / self._known[level]
            self._known = {other: known * change for other, known in self._known.items()}
        self._known[level] = estimate

    def __getitem__(self, level: int) -> float | None:
        """Expected seconds; None where nothing is known."""
        if level in self._known:
            return self._known[level]
        of = self._levels[level]
        if not self._known:
            return self._seconds_of_work * of.work if self._seconds_of_work and of.told else None
        nearest, *others = sorted(
            self._known, key=lambda known: abs(self._levels[known].work - of.work)
        )
        work, seconds = self._levels[nearest].work, self._known[nearest]
        for other in others:
            distance = self._levels[other].work - work
            # A direction may cost as much as its slice, at any resolution.
            slope = max(0.0, (self._known[other] - seconds) / distance) if distance else 0.0
            if distance and slope * work <= seconds:
                return seconds + slope * (of.work - work)
        return seconds * of.work / work


@dataclass
class _Series:
    """What was decided of one series."""

    levels: Sequence[Level]
    costs: _Costs
    level: int = 0
    stretch: int = 1
    last: int | None = None  # step of its last slice that was due
    planned: bool = False
    fresh: bool = False  # whether a slice was taken since its level was last thought over
    wanted: int = 0  # how often in a row a coarser (positive) or a finer level would have fitted
    shorter: int = 0  # how often in a row a shorter interval would have done

    @property
    def cost(self) -> float | None:
        return self.costs[self.level]


class TimeBudget:
    """Which series to slice when, and how finely, so that slicing stays below its share of time.

    Series share alike: each may take the same part of the budget, and what one does not need goes
    to the others. So one that is expensive is reduced, and not those beside it.

    Args:
        fraction: of the wall time that slicing may take, between 0 and 1.
        every: steps between two chances to slice; None where they come otherwise. An interval
            then counts chances.
        clock: gives seconds.
    """

    def __init__(self, fraction: float, every: int | None, clock: Callable[[], float]) -> None:
        self.account = Account(fraction, clock)
        self._every = every or 1
        self._chances: int | None = None if every else -1
        self._series: dict[str, _Series] = {}
        self._all_examples = 0
        self._by_hand = False
        self._last: tuple[int, float] | None = None  # step and seconds of training at a chance
        self._between: deque[float] = deque(maxlen=_REMEMBERED)

    def __contains__(self, name: str) -> bool:
        """Whether this series was added."""
        return name in self._series

    def add(
        self, name: str, levels: Sequence[Level], all_examples: int, seconds_of_work: float | None
    ) -> None:
        """Take up a series.

        Args:
            name: of the series.
            levels: what it can be reduced to, as asked for first.
            all_examples: number of examples without a draw.
            seconds_of_work: seconds of one evaluation of one example, if known.
        """
        self._series[name] = _Series(levels, _Costs(levels, seconds_of_work))
        self._all_examples = all_examples

    def remove(self, name: str) -> None:
        """Forget a series."""
        self._series.pop(name, None)

    def chance(self, step: int, *, by_hand: bool = False) -> None:
        """Here slices can be taken: measure training, and plan.

        Args:
            step: the training step.
            by_hand: the caller wants a slice now. Where all of them are wanted by hand, they come
                as often as they come, and the plan can only choose how fine they are.
        """
        if by_hand and self._last is not None and not self._by_hand:
            return  # one more than the interval asks for
        if self._chances is not None:
            self._chances += 1
            step = self._chances
        if by_hand != self._by_hand:
            self._by_hand, self._last = by_hand, None
            self._between.clear()
        training = self.account.elapsed - self.account.spent
        if self._last is not None:
            steps, seconds = step - self._last[0], training - self._last[1]
            if by_hand and seconds > 0:
                self._between.append(seconds)
            elif not by_hand and steps > 0:  # fewer where training was resumed
                self._between.append(seconds / steps * self._every)
        self._last = (step, training)
        self._plan()
        costs = [series.cost for series in self._series.values()]
        if costs and None not in costs:  # what is unknown may take all there is
            self.account.keep_at_most(sum(cost for cost in costs if cost is not None))

    def due(self, step: int, *, all_: bool = False) -> list[str]:
        """The series whose interval has passed, or all; those first that have waited longest."""
        step = step if self._chances is None else self._chances
        due = {
            name: -1 if series.last is None else series.last
            for name, series in self._series.items()
            if all_
            or series.last is None
            or step // (every := series.stretch * self._every) != series.last // every
        }
        return sorted(due, key=due.__getitem__)

    def affords(self, name: str) -> bool:
        """Whether the account covers the next slice; of one that is unknown, whether it is open."""
        balance, cost = self.account.balance, self._series[name].cost
        # A little less, or what was saved up to just this sum might be short of it by rounding.
        return balance > 0 and balance >= 0.999 * (cost or 0.0)

    def level(self, name: str) -> Level:
        """How well this series is to be measured."""
        series = self._series[name]
        return series.levels[series.level]

    def taken(self, name: str, step: int, seconds: float | None, *, by_hand: bool = False) -> None:
        """A slice was taken.

        Args:
            name: of the series.
            step: the training step.
            seconds: how long it took; None if it failed, which says nothing of the next one.
            by_hand: whether it was due, or wanted by hand.
        """
        series = self._series[name]
        series.fresh = True
        if not by_hand:
            series.last = step if self._chances is None else self._chances
        if seconds is not None:
            series.costs.measured(series.level, seconds)

    def note(self, name: str) -> dict[str, Any]:
        """What a record says of the budget and what it made of the series.

        Its keys: ``fraction``, ``spent`` (the fraction so far), ``interval`` (steps; None where
        slices come by hand or by a schedule that counts no steps), ``every`` (that was asked for),
        ``samples`` and ``full_samples`` (one number for all axes, or one for each, or None),
        ``examples`` and ``full_examples``, ``sentence``.
        """
        series = self._series[name]
        level, full = self.level(name), series.levels[0]
        regular = not self._by_hand and self._chances is None
        interval = series.stretch * self._every if regular else None
        examples = level.examples or self._all_examples
        reductions = []
        if level.samples != full.samples:
            fewer, all_samples = _text(level.samples), _text(full.samples)
            reductions.append(f"{fewer} of {all_samples} samples an axis")
        if level.examples is not None:
            reductions.append(f"{examples:,} of {self._all_examples:,} examples")
        often = f", every {interval:,} steps" if regular else ""
        if self._chances is not None and not self._by_hand and series.stretch > 1:
            often = f", every {_ordinal(series.stretch)} time"
        return {
            "fraction": self.account.fraction,
            "spent": round(self.account.spent / max(self.account.elapsed, 1e-9), 6),
            "interval": interval,
            "every": self._every if regular else None,
            "samples": None if level.samples is None else list(level.samples),
            "full_samples": None if full.samples is None else list(full.samples),
            "examples": examples,
            "full_examples": self._all_examples,
            "sentence": f"{' and '.join(reductions) or 'all samples'}{often}, to stay below "
            f"{100 * self.account.fraction:g} % of wall time",
        }

    def _plan(self) -> None:
        """Choose level and interval of every series from what is known by now."""
        if not self._between:
            self._open()
            return
        seconds = max(statistics.median(self._between), 1e-9)
        # Of the training time: slicing makes the wall time longer, of which the fraction is meant.
        rate = self.account.fraction / (1.0 - self.account.fraction)
        worth = _shared(self._demands(), rate * seconds)
        for name, series in self._series.items():
            self._decide(series, worth[name])

    def _open(self) -> None:
        """Nothing is known of the training yet: choose what the opening balance covers."""
        worth = _shared(self._demands(), max(self.account.balance, 0.0))
        for name, series in self._series.items():
            if not series.planned:
                series.level = _finest(series, worth[name], {})

    def _demands(self) -> dict[str, float]:
        """What each series would like to spend at each chance: all there is, if that is unknown."""
        costs = {name: series.costs[0] for name, series in self._series.items()}
        return {name: float("inf") if cost is None else cost for name, cost in costs.items()}

    def _decide(self, series: _Series, worth: float) -> None:
        """Change what has to be changed.

        Args:
            series: of which.
            worth: seconds of slicing that the training between two chances is worth to it.
        """
        most = worth if self._by_hand else worth * _MOST_STRETCH
        slack = dict.fromkeys(range(series.level), 1 / 1.5) | {series.level: 1.1}
        wish = _finest(series, most, slack if series.planned else {})
        if series.fresh:
            series.fresh = False
            way = (wish > series.level) - (wish < series.level)
            series.wanted = series.wanted + way if way * series.wanted > 0 else way
        if abs(series.wanted) >= _PATIENCE or not series.planned:
            series.level, series.wanted = wish, 0
        series.planned = True
        needed = (series.cost or 0.0) / worth
        series.shorter = series.shorter + 1 if needed < 0.4 * series.stretch else 0
        if needed > 1.1 * series.stretch or series.shorter >= _PATIENCE:
            series.shorter = 0
            # Powers of two, so that the steps of all series fall together.
            series.stretch = 1
            while series.stretch < needed:
                series.stretch *= 2


def _finest(series: _Series, seconds: float, slack: Mapping[int, float]) -> int:
    """The finest level that takes no longer; or else the finest of those that take least.

    Args:
        series: whose levels.
        seconds: that may be taken.
        slack: how many times the seconds a level may take; once, where nothing is said.
    """
    costs = [series.costs[level] for level in range(len(series.levels))]
    for level, cost in enumerate(costs):
        if cost is None or cost <= seconds * slack.get(level, 1.0):
            return level
    known = [cost for cost in costs if cost is not None]
    # Where most of the cost is another one, a coarser level costs quality and saves nothing.
    enough = next(n for n, cost in enumerate(known) if cost <= 1.1 * min(known))
    stays = enough > series.level and known[series.level] <= 1.25 * min(known)
    return series.level if stays else enough


def _shared(demands: Mapping[str, float], total: float) -> dict[str, float]:
    """A total divided alike, but none gets more than it demands, and the others get the rest."""
    result: dict[str, float] = {}
    for number, name in enumerate(sorted(demands, key=demands.__getitem__)):
        result[name] = min(demands[name], max(total, 1e-9) / (len(demands) - number))
        total -= result[name]
    return result


def _ordinal(number: int) -> str:
    return f"{number}{'nd' if number % 10 == 2 and number % 100 != 12 else 'th'}"


def _text(samples: tuple[int, ...] | None) -> str:
    different = dict.fromkeys(samples or ())
    return " x ".join(map(str, (samples or ()) if len(different) > 1 else different))
