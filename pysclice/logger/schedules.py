"""Schedules: at which calls of ``log_if_due`` slices are taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

from pysclice.core.told import tell


@dataclass(frozen=True)
class Moment:
    """Where training stands at a call of the logger.

    Attributes:
        step: the training step.
        epoch: the epoch, with a fraction or without; None where the loop does not say.
        loss: the training loss, a number or a tensor of one; None where the loop does not say.
    """

    step: int
    epoch: float | None = None
    loss: Any = None

    def known_loss(self) -> float | None:
        """The loss as a number, which waits for a GPU; None where there is none or it is NaN."""
        loss = math.nan if self.loss is None else float(self.loss)
        return None if math.isnan(loss) else loss


class Schedule(Protocol):
    """A recipe for when to take slices: any callable of these two."""

    def __call__(self, now: Moment, last: Moment) -> bool:
        """Whether slices are due now, given when they were due before by this schedule."""
        ...


@dataclass(frozen=True)
class Every:
    """Every so many steps, or every so many epochs; give one of both.

    Args:
        steps: between two slices, at least 1.
        epochs: between two slices, above 0; may be a fraction where the loop's epochs have one.

    Raises:
        ValueError: none or both, or a number that makes no sense.

    Example:
        >>> logger = ps.SliceLogger("runs/epochs", surface, every=ps.Every(epochs=2))
        >>> [epoch for epoch in range(6) if logger.log_if_due(100 * epoch, epoch=epoch)]
        [0, 2, 4]
    """

    steps: int | None = None
    epochs: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("Every takes steps or epochs: Every(500) or Every(epochs=1).")
        if self.steps is not None:
            check_steps("steps", self.steps)
        if self.epochs is not None and not (_is_number(self.epochs) and self.epochs > 0):
            raise ValueError(f"epochs is {self.epochs!r}, expected a number above 0.")

    def __call__(self, now: Moment, last: Moment) -> bool:
        """Whether a multiple of the interval lies between."""
        if self.epochs is None:
            steps = cast(int, self.steps)
            return now.step // steps != last.step // steps
        if now.epoch is None:
            tell(
                "Every(epochs=...) needs the epoch, and log_if_due was called without. Call "
                "log_if_due(step, epoch=...).",
                stacklevel=4,
            )
            return False
        return last.epoch is None or now.epoch // self.epochs != last.epoch // self.epochs


@dataclass(frozen=True)
class LogSpaced:
    """Steps that become rarer as training slows down: equally many in each decade.

    Args:
        per_decade: between step 1 and 10, 10 and 100, ..., at least 1; where fewer steps lie
            there, each of them.

    Raises:
        ValueError: ``per_decade`` below 1.

    Example:
        >>> logger = ps.SliceLogger("runs/log", surface, every=ps.LogSpaced(per_decade=2))
        >>> [step for step in range(120) if logger.log_if_due(step)]
        [0, 1, 4, 10, 32, 100]
    """

    per_decade: int = 4

    def __post_init__(self) -> None:
        check_steps("per_decade", self.per_decade)

    def __call__(self, now: Moment, last: Moment) -> bool:
        """Whether a step of the series 10^(k / per_decade) lies between."""
        return self._cell(now.step) != self._cell(last.step)

    def _cell(self, step: int) -> int:
        # A little more, or the rounding of log10 would put 1000 below its own cell.
        return math.floor(self.per_decade * math.log10(step) + 1e-9) if step > 0 else -1


@dataclass(frozen=True)
class AtSteps:
    """Named steps; one that the loop passes over counts at the next call.

    Args:
        steps: at least one, in any order.

    Raises:
        ValueError: no steps, or one that is no whole number.

    Example:
        >>> logger = ps.SliceLogger("runs/named", surface, every=ps.AtSteps([3, 7]))
        >>> [step for step in range(10) if logger.log_if_due(step)]
        [0, 3, 7]
    """

    steps: Sequence[int]

    def __post_init__(self) -> None:
        steps = tuple(self.steps)
        if not steps or any(isinstance(s, bool) or not isinstance(s, int) for s in steps):
            raise ValueError(
                f"steps is {self.steps!r}, expected whole numbers: AtSteps([10, 100])."
            )
        object.__setattr__(self, "steps", steps)

    def __call__(self, now: Moment, last: Moment) -> bool:
        """Whether one of the steps lies between."""
        return any(last.step < step <= now.step for step in self.steps)


@dataclass(frozen=True)
class WhenLossFalls:
    """Whenever the loss has fallen to a fraction of what it was at the last slice.

    The loss is the one that the loop passes: ``log_if_due(step, loss=loss)``. A batch's loss is
    noisy; pass a running average where one is at hand. Looking at a tensor on a GPU waits for it.

    Args:
        to: the fraction, between 0 and 1; a half by default.

    Raises:
        ValueError: another fraction.

    Example:
        >>> logger = ps.SliceLogger("runs/halved", surface, every=ps.WhenLossFalls())
        >>> losses = [8.0, 6.0, 4.0, 3.0, 2.5, 1.9]
        >>> [loss for step, loss in enumerate(losses) if logger.log_if_due(step, loss=loss)]
        [8.0, 4.0, 1.9]
    """

    to: float = 0.5

    def __post_init__(self) -> None:
        if not (_is_number(self.to) and 0.0 < self.to < 1.0):
            raise ValueError(f"to is {self.to!r}, expected a fraction between 0 and 1.")

    def __call__(self, now: Moment, last: Moment) -> bool:
        """Whether the loss has fallen so far."""
        loss = now.known_loss()
        if loss is None:
            if now.loss is None:
                tell(
                    "WhenLossFalls needs the loss, and log_if_due was called without. Call "
                    "log_if_due(step, loss=...).",
                    stacklevel=4,
                )
            return False
        before = last.known_loss()
        return before is None or loss <= self.to * before


class Watch:
    """Remembers when slices were due last by each of several schedules; due is what one calls so.

    The first moment is always due.

    Args:
        schedules: a number of steps, a schedule, or several of these.

    Raises:
        TypeError: something else.
        ValueError: a number of steps below 1, or no schedule.
    """

    def __init__(self, schedules: Schedules) -> None:
        given = schedules if isinstance(schedules, Sequence) else [schedules]
        if not given:
            raise ValueError("every is empty, expected a number of steps, or a schedule.")
        self._schedules = [_schedule(one) for one in given]
        self._last: list[Moment | None] = [None] * len(self._schedules)

    @property
    def same_on_all_ranks(self) -> bool:
        """Whether steps and epochs alone decide; losses and clocks differ from rank to rank."""
        return all(isinstance(one, Every | LogSpaced | AtSteps) for one in self._schedules)

    @property
    def steps(self) -> int | None:
        """The number of steps between two slices, where this is all there is to the schedule."""
        first = self._schedules[0]
        alone = len(self._schedules) == 1 and isinstance(first, Every)
        return cast(Every, first).steps if alone else None

    def due(self, now: Moment) -> bool:
        """Whether slices are due now; each schedule that says so counts from here."""
        found = False
        for number, schedule in enumerate(self._schedules):
            last = self._last[number]
            if last is None or schedule(now, last):
                # A tensor may be overwritten by the next step, and a graph hangs on it.
                loss = None if now.loss is None else now.known_loss()
                self._last[number] = Moment(now.step, now.epoch, loss)
                found = True
        return found


Schedules: TypeAlias = "int | Schedule | Sequence[int | Schedule]"


def check_steps(name: str, value: object) -> None:
    """Nothing, if the value is a whole number of steps.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}, expected a whole number of steps of at least 1.")


def _schedule(given: int | Schedule) -> Schedule:
    if callable(given):
        return given
    check_steps("every", given)
    return Every(given)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
