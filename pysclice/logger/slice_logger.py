"""The logger: slices at chosen steps of a training loop that it neither disturbs nor stops."""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

from pysclice.core.surface import LossSurface, Slicer
from pysclice.core.told import tell
from pysclice.events import SliceWriter
from pysclice.logger.series import SeriesOfSlices
from pysclice.logger.time_budget import TimeBudget, levels_of
from pysclice.slices import Slice

_log = logging.getLogger(__name__)


class SliceLogger:
    """Takes slices at chosen steps and writes them where TensorBoard looks.

    Training comes out bit for bit as without the logger, and no error of a slice reaches the
    training loop: it is told once, as a warning, and training goes on.

    **A time budget.** With ``budget=0.02`` slicing takes at most 2 % of the wall time since the
    first call, over the whole run and over any longer part of it, also where training becomes
    faster or slower. The logger measures the time inside its own calls and the training between
    them, and reduces each series in this order: slices come less often, up to every 8th time; they
    have every other sample, down to 13 an axis (97, 49, 25, 13; slicers with a method
    ``coarser``); they are measured on a draw of examples, the same one at all points and steps;
    then fewer of both, and at last less often again. What a series has to do without is in its
    slices: ``slice.notes["budget"]["sentence"]``. What the first 10 seconds earn may be spent at
    the first step. ``log`` always takes its slices; their time is paid back by later ones.

    Args:
        target: the ``SummaryWriter`` that the training loop logs with (torch's or tensorboardX's),
            or a log directory. A directory that another writer uses gets its slices in a child
            run ``slices``, which the page shows with its parent.
        surface: the loss surface of the model in training.
        slicers: series name -> slicer. Default: a line and a plane along random directions, and
            the 16 coordinates with the largest gradient, at a resolution that takes seconds.
        every: steps between two slices of ``log_if_due``. To count epochs, call ``log`` at
            their end instead.
        budget: the fraction of wall time that slicing may take, between 0 and 1. Default: as much
            as it takes.
        clock: gives seconds; what the budget measures time with.

    Raises:
        TypeError: a target, surface or slicer of the wrong kind.
        ValueError: ``every`` below 1, a budget that is no fraction, no slicers, or a series without
            a name.

    Example:
        >>> slicers = {"plane": ps.Plane(ps.Random(0), ps.Random(1), samples=7)}
        >>> with ps.SliceLogger("runs/mine", surface, slicers, every=10) as logger:
        ...     for step in range(25):  # train here
        ...         logged = logger.log_if_due(step)
        >>> sorted(ps.read_slices("runs")["mine"]["plane"])
        [0, 10, 20]
    """

    def __init__(
        self,
        target: Any | str | os.PathLike[str],
        surface: LossSurface,
        slicers: Mapping[str, Slicer] | None = None,
        *,
        every: int = 500,
        budget: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not isinstance(surface, LossSurface):
            raise TypeError(
                f"SliceLogger needs a LossSurface, got a {type(surface).__name__}. "
                "Make one: LossSurface(model, loss_fn, data)."
            )
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"every is {every!r}, expected a whole number of steps of at least 1.")
        if budget is not None and not (isinstance(budget, float) and 0.0 < budget < 1.0):
            raise ValueError(
                f"budget is {budget!r}, expected a fraction of wall time between 0 and 1: 0.02 for "
                "2 %."
            )
        self.surface = surface
        self.every = every
        self._series = SeriesOfSlices(
            surface, None if slicers is None else _checked(slicers), clock
        )
        self._budget = None if budget is None else TimeBudget(budget, every, clock)
        self._clock = clock
        self._writer = SliceWriter(target)
        self._last_due: int | None = None
        self._warned: set[str] = set()

    def log_if_due(self, step: int, epoch: float | None = None) -> dict[str, Slice]:
        """Log at the first call and whenever another ``every`` steps have passed.

        With a budget, a series is left out where its time has not come yet.

        Returns:
            The slices of this step by series; empty if none was due, or all failed.
        """
        if self._last_due is not None and step // self.every == self._last_due // self.every:
            return {}
        self._last_due = step
        with self._spending():
            if self._budget is None:
                return self._take(self._names(), step, epoch)
            self._plan(step, by_hand=False)
            return self._take(self._affordable(self._budget, step), step, epoch)

    def log(self, step: int, epoch: float | None = None) -> dict[str, Slice]:
        """Take a slice with every slicer, write and flush it.

        Args:
            step: the training step; negative ones are refused with a warning.
            epoch: the epoch, for the step bar; may be a fraction.

        Returns:
            The slices by series, without those that failed.
        """
        with self._spending():
            if self._budget is not None:
                self._plan(step, by_hand=True)
            return self._take(self._names(), step, epoch, by_hand=True)

    def close(self) -> None:
        """Close the file, if the logger opened one; a writer of yours stays open."""
        try:
            self._writer.close()
        except Exception as error:
            self._warn("closing", self._last_due or 0, error)

    def __enter__(self) -> SliceLogger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _spending(self) -> AbstractContextManager[None]:
        return nullcontext() if self._budget is None else self._budget.account.spending()

    def _names(self) -> list[str]:
        try:
            return self._series.names()
        except Exception as error:
            self._warn("default slicers", self._last_due or 0, error)
            return []

    def _plan(self, step: int, *, by_hand: bool) -> None:
        """Let the budget know of a chance to slice, and of series that it does not know yet."""
        budget = self._budget
        assert budget is not None
        for name in self._names():
            # To settle takes time as well, so it waits like a slice.
            if name in budget or (not by_hand and budget.account.balance <= 0):
                continue
            try:
                seconds, examples = self._series.evaluation()
                levels = levels_of(self._series.settled(name), examples)
            except Exception as error:
                self._warn(name, step, error)
            else:
                budget.add(name, levels, examples, seconds / (examples or 1))
        budget.chance(step, by_hand=by_hand)

    @staticmethod
    def _affordable(budget: TimeBudget, step: int) -> Iterable[str]:
        """The series that are due, each if there is time for it once it is its turn."""
        return (name for name in budget.due(step) if budget.affords(name))

    def _take(
        self, names: Iterable[str], step: int, epoch: float | None, *, by_hand: bool = False
    ) -> dict[str, Slice]:
        """Slices of some series, written; without those that failed, which are warned about."""
        taken: dict[str, Slice] = {}
        for name in names:
            try:
                taken[name] = self._take_one(name, step, epoch, by_hand)
            except Exception as error:
                self._warn(name, step, error)
        return taken

    def _take_one(self, name: str, step: int, epoch: float | None, by_hand: bool) -> Slice:
        budget = self._budget
        slicer, surface, seconds = self._series.settled(name), self.surface, None
        try:
            if budget is not None and name in budget:
                level = budget.level(name)
                slicer, surface = level.slicer, self._series.on(level.examples)
            began = self._clock()
            slice_ = surface.slice(
                slicer,
                series=name,
                step=int(step),
                epoch=None if epoch is None else float(epoch),
                progress=False,
            )
            seconds = self._clock() - began
            if budget is not None and name in budget:
                notes = {**slice_.notes, "budget": budget.note(name)}
                slice_ = dataclasses.replace(slice_, notes=notes)
            self._writer.write(slice_)
        finally:
            # One that failed has had its turn, too: it would fail again at the next step.
            if budget is not None and name in budget:
                budget.taken(name, step, seconds, by_hand=by_hand)
        return slice_

    def _warn(self, series: str, step: int, error: Exception) -> None:
        sentence = (
            f"pysclice could not log {series!r} at step {step}: {type(error).__name__}: {error} "
            "Training goes on; further failures of this series are not repeated."
        )
        _log.debug(sentence, exc_info=error)
        if series in self._warned:
            return
        self._warned.add(series)
        tell(sentence, stacklevel=3)


def _checked(slicers: Mapping[str, Slicer]) -> dict[str, Slicer]:
    if not isinstance(slicers, Mapping):
        raise TypeError(
            f"slicers is a {type(slicers).__name__}, expected a dictionary: "
            "{'random plane': Plane(Random(0), Random(1))}."
        )
    if not slicers:
        raise ValueError("slicers is empty; leave it out for a default set.")
    for series, slicer in slicers.items():
        if not isinstance(series, str) or not series.strip():
            raise ValueError(f"A series is named by a text, got {series!r}.")
        if not callable(slicer):
            raise TypeError(
                f"The slicer of series {series!r} is a {type(slicer).__name__}, expected Line, "
                f"Plane, "
                "AxisParallel or a callable (surface, parameters) -> Slice."
            )
    return dict(slicers)
