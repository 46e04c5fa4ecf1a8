"""The logger: slices at chosen steps of a training loop that it neither disturbs nor stops."""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Literal

import torch

from pysclice.core.ranks import RankError
from pysclice.core.surface import LossSurface, Slicer
from pysclice.core.told import tell
from pysclice.events import SliceWriter
from pysclice.logger.background import (
    BackgroundProcess,
    ProcessEnded,
    ProcessUnavailable,
    Step,
)
from pysclice.logger.main_guard import check_guarded
from pysclice.logger.schedules import Moment, Schedules, Watch
from pysclice.logger.series import EarlierSlices, SeriesOfSlices
from pysclice.logger.time_budget import Level, TimeBudget, levels_of
from pysclice.slices import Slice

_log = logging.getLogger(__name__)

# What is warned about and budgeted for, where another process takes the slices.
_SNAPSHOT = "snapshot"


class SliceLogger:
    """Takes slices at chosen steps and writes them where TensorBoard looks.

    Training comes out bit for bit as without the logger, and no error of a slice reaches the
    training loop: it is told once, as a warning, and training goes on.

    **First and last.** The first call of ``log_if_due`` always takes slices, and ``close`` takes
    those of the last step that it was called with, so keep the model as training left it until
    then. A ``with`` block that an exception leaves takes none. With a budget the last ones are
    taken where they fit into it.

    **Resuming.** Where the target holds slices of an earlier attempt, the series go on with the
    axes they had: coordinates and spans that were chosen at the first step then are read and not
    chosen again. Directions from seeds are the same anyway. Each logger is an attempt of its own;
    where a step was logged by two of them, TensorBoard shows the newer.

    **Many ranks.** Where the surface's ranks slice together, make the logger on each of them and
    call it with the same steps; rank 0 writes, and its clock and its loss count. If a rank is gone,
    the others say so and take no more slices.

    **A time budget.** With ``budget=0.02`` slicing takes at most 2 % of the wall time since the
    first call, over the whole run and over any longer part of it, also where training becomes
    faster or slower. The logger measures the time inside its own calls and the training between
    them, and reduces each series in this order: slices come less often, up to every 8th time; they
    have every other sample, down to 13 an axis (97, 49, 25, 13; slicers with a method
    ``coarser``); they are measured on a draw of examples, the same one at all points and steps;
    then fewer of both, and at last less often again. What a series has to do without is in its
    slices: ``slice.notes["budget"]["sentence"]``. What the first 10 seconds earn may be spent at
    the first step. ``log`` always takes its slices; their time is paid back by later ones.

    **Another process.** With ``mode="process"`` training waits only until its parameters and
    buffers have been copied into shared memory. A background process of low priority (nice 10)
    takes the slices, with ``process_threads`` cores, which the trainer should leave to it
    (``torch.set_num_threads``), or on another device. Finished slices are written at the next call
    of the logger, by your own writer, with the step that they were asked for. If steps come faster
    than slices, only the newest one waits: the steps that it replaced are in
    ``slice.notes["process"]["replaced"]``. What it needs beside the cores is memory: twice the
    model in shared memory, and a copy of the model and the data in the process. The first call
    takes longer, since model and data are sent there. ``budget`` then counts what training waits
    for, and makes the interval longer only.

    The process is a new Python (spawn), which imports the training script again. So its training
    has to be started below ``if __name__ == "__main__":``; and model, loss, metrics and slicers
    have to be picklable, so no lambdas, and nothing defined in a notebook. Where the process cannot
    be used for such a reason, a warning says so, and slices are taken inline from then on. If it is
    killed, no more slices are taken, for memory may have run out, and training goes on. ``Update``
    and what else looks at the trainer itself cannot be used there.

    .. code-block:: python

        def main():
            with ps.SliceLogger(writer, surface, mode="process") as logger:
                for step, batch in enumerate(loader):
                    train(batch)
                    logger.log_if_due(step)


        if __name__ == "__main__":
            main()

    Args:
        target: the ``SummaryWriter`` that the training loop logs with (torch's or tensorboardX's),
            or a log directory. A directory that another writer uses gets its slices in a child
            run ``slices``, which the page shows with its parent.
        surface: the loss surface of the model in training.
        slicers: series name -> slicer. Default: a line and a plane along random directions, and
            the 16 coordinates with the largest gradient, at a resolution that takes seconds.
        every: when ``log_if_due`` takes slices: a number of steps; or a schedule (``Every``, which
            counts epochs too, ``LogSpaced``, ``AtSteps``, ``WhenLossFalls``, or a callable of your
            own); or several of these, each of which counts for itself.
        budget: the fraction of wall time that slicing may take, between 0 and 1. Default: as much
            as it takes.
        mode: ``"inline"``: training waits for its slices; or ``"process"``.
        process_threads: cores that the process computes with.
        process_device: device that it computes on, such as ``"cuda:1"``; by default the model's.
        optimizer: what trains the model; each slice then notes its ``learning_rate``, one number,
            or one a group where they differ. With it the page draws the edge of stability,
            2 / learning rate, over the eigenvalues of spectra.
        clock: gives seconds; what the budget measures time with.

    Raises:
        TypeError: a target, surface or slicer of the wrong kind.
        ValueError: ``every`` or ``process_threads`` below 1, a budget that is no fraction, another
            mode or device, no slicers, or a series without a name.
        RuntimeError: ``mode="process"`` in a script that would train again when it is imported.

    Example:
        >>> slicers = {"plane": ps.Plane(ps.Random(0), ps.Random(1), samples=7)}
        >>> with ps.SliceLogger("runs/mine", surface, slicers, every=10) as logger:
        ...     for step in range(25):  # train here
        ...         logged = logger.log_if_due(step)
        >>> sorted(ps.read_slices("runs")["mine"]["plane"])
        [0, 10, 20, 24]
    """

    def __init__(
        self,
        target: Any | str | os.PathLike[str],
        surface: LossSurface,
        slicers: Mapping[str, Slicer] | None = None,
        *,
        every: Schedules = 500,
        budget: float | None = None,
        mode: Literal["inline", "process"] = "inline",
        process_threads: int = 1,
        process_device: str | torch.device | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not isinstance(surface, LossSurface):
            raise TypeError(
                f"SliceLogger needs a LossSurface, got a {type(surface).__name__}. "
                "Make one: LossSurface(model, loss_fn, data)."
            )
        self._watch = Watch(every)
        _check_count("process_threads", process_threads, "cores")
        if budget is not None and not (isinstance(budget, float) and 0.0 < budget < 1.0):
            raise ValueError(
                f"budget is {budget!r}, expected a fraction of wall time between 0 and 1: 0.02 for "
                "2 %."
            )
        if mode not in ("inline", "process"):
            raise ValueError(f"mode is {mode!r}, expected 'inline' or 'process'.")
        if optimizer is not None and not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(
                f"optimizer is a {type(optimizer).__name__}, expected a torch.optim.Optimizer. "
                "Leave it out if yours is none: slices then do not note a learning rate."
            )
        self.surface = surface
        self.every = every
        self._optimizer = optimizer
        self._slicers = None if slicers is None else _checked(slicers)
        ranks = surface.ranks
        if ranks is not None:
            if mode == "process":
                raise ValueError(
                    "mode='process' takes slices in a process of one rank's own, which no other "
                    "rank can help. Use mode='inline', or LossSurface(..., process_group=None)."
                )
            clock = ranks.clock(clock)
        self._earlier = EarlierSlices.of(target)
        self._series = SeriesOfSlices(surface, self._slicers, clock, self._earlier)
        self._budget = None if budget is None else TimeBudget(budget, self._watch.steps, clock)
        self._clock = clock
        self._mode: Literal["inline", "process", "none"] = mode
        self._threads = process_threads
        self._device = _checked_device(process_device)
        self._process: BackgroundProcess | None = None
        if mode == "process":
            check_guarded()
        # Ranks that slice together find the same; one of them writes it.
        self._writer = SliceWriter(target) if ranks is None or ranks.first else None
        self._seen: Moment | None = None
        self._logged: int | None = None
        self._warned: set[str] = set()

    def log_if_due(
        self, step: int, epoch: float | None = None, loss: Any = None
    ) -> dict[str, Slice]:
        """Log at the first call, and whenever the schedule says so.

        With a budget, a series is left out where its time has not come yet.

        Args:
            step: the training step.
            epoch: the epoch, for the step bar and for schedules; may be a fraction.
            loss: the training loss, a number or a tensor of one, for schedules that ask for it.

        Returns:
            The slices of this step by series; empty if none was due, or all failed. In the mode
            ``"process"``, those that were finished since the last call.
        """
        self._seen = now = Moment(step, epoch, loss)
        with self._outlasting_ranks(step):
            due = self._due(now)
            if not due and self._process is None:
                return {}
            with self._spending():
                finished = self._finished()
                return finished | self._log_where_affordable(now) if due else finished
        return {}

    def _due(self, now: Moment) -> bool:
        ranks = self.surface.ranks
        if ranks is None or self._watch.same_on_all_ranks:
            return self._due_here(now)
        # One rank that slices alone would wait for the others, and they for its gradients.
        return self._mode != "none" and ranks.agreed(ranks.first and self._due_here(now))

    def _due_here(self, now: Moment) -> bool:
        try:
            return self._watch.due(now)
        except Exception as error:
            self._warn("schedule", now.step, error)
            return False

    def _log_where_affordable(self, now: Moment, *, last: bool = False) -> dict[str, Slice]:
        step, epoch = now.step, now.epoch
        self._logged = step
        if self._mode == "process" and self._send(step, epoch, by_hand=False):
            return {}
        if self._mode == "none":
            return {}
        if self._budget is None:
            return self._take(self._names(), step, epoch)
        self._plan(step, by_hand=False)
        return self._take(self._affordable(self._budget, step, last), step, epoch)

    def log(self, step: int, epoch: float | None = None) -> dict[str, Slice]:
        """Take a slice with every slicer, write and flush it.

        Args:
            step: the training step; negative ones are refused with a warning.
            epoch: the epoch, for the step bar; may be a fraction.

        Returns:
            The slices by series, without those that failed. In the mode ``"process"``, those that
            were finished since the last call.
        """
        with self._outlasting_ranks(step), self._spending():
            finished = self._finished()
            self._seen, self._logged = None, step
            if self._mode == "process" and self._send(step, epoch, by_hand=True):
                return finished
            if self._mode == "none":
                return finished
            if self._budget is not None:
                self._plan(step, by_hand=True)
            return finished | self._take(self._names(), step, epoch, by_hand=True)
        return {}

    def close(self, timeout: float = 300.0) -> None:
        """Take the last slices, and close the file, if the logger opened one.

        The last slices are those of the last call of ``log_if_due``, unless it took some, ``log``
        came after it, or an exception is being handled. A writer of yours stays open.

        Args:
            timeout: in the mode ``"process"``: how many seconds to wait for slices that are not
                finished yet, at most. What is not finished by then is given up, with a warning. A
                ``with`` block that is left by Ctrl-C does not wait.
        """
        try:
            if sys.exc_info()[0] is None:
                self._log_last()
            self._await_process(timeout)
        finally:
            self._end_process()
            try:
                if self._writer is not None:
                    self._writer.close()
            except Exception as error:
                self._warn("closing", self._logged or 0, error)

    def _log_last(self) -> None:
        """The last step is where training has come to, so it is shown whatever the schedule."""
        last, self._seen = self._seen, None
        if last is not None and last.step != self._logged:
            with self._outlasting_ranks(last.step), self._spending():
                self._log_where_affordable(last, last=True)

    @contextmanager
    def _outlasting_ranks(self, step: int) -> Iterator[None]:
        """Ranks that are gone end slicing; what that means for training, training finds out."""
        if self._mode == "none":
            yield
            return
        try:
            yield
        except RankError as error:
            self._mode = "none"
            tell(
                f"pysclice takes no more slices, from step {step} on. {error} Training goes on, if "
                "it can.",
                stacklevel=4,
            )

    def __enter__(self) -> SliceLogger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._seen = None  # what training left behind is no result
        if kind is None or issubclass(kind, Exception):
            self.close()
        else:
            self.close(timeout=0.0)

    def _spending(self) -> AbstractContextManager[None]:
        return nullcontext() if self._budget is None else self._budget.account.spending()

    def _names(self) -> list[str]:
        try:
            return self._series.names()
        except Exception as error:
            self._warn("default slicers", self._logged or 0, error)
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
                # A sum over fewer examples is another number, and the series would jump.
                drawn_from = 0 if self.surface.adds_up else examples
                levels = levels_of(self._series.settled(name), drawn_from)
            except Exception as error:
                self._warn(name, step, error)
            else:
                budget.add(name, levels, examples, seconds / (examples or 1))
        budget.chance(step, by_hand=by_hand)

    @staticmethod
    def _affordable(budget: TimeBudget, step: int, last: bool = False) -> Iterable[str]:
        """The series that are due, each if there is time for it once it is its turn."""
        return (name for name in budget.due(step, all_=last) if budget.affords(name))

    def _take(
        self, names: Iterable[str], step: int, epoch: float | None, *, by_hand: bool = False
    ) -> dict[str, Slice]:
        """Slices of some series, written; without those that failed, which are warned about."""
        taken: dict[str, Slice] = {}
        for name in names:
            try:
                taken[name] = self._take_one(name, step, epoch, by_hand)
            except Exception as error:
                if self.surface.ranks is not None and self.surface.ranks.broken:
                    raise
                self._warn(name, step, error)
        return taken

    def _take_one(self, name: str, step: int, epoch: float | None, by_hand: bool) -> Slice:
        budget = self._budget
        if budget is None or name not in budget:
            slice_ = _with_notes(self._series.take(name, step, epoch), self._training_notes())
            self._write(slice_)
            return slice_
        level, seconds = budget.level(name), None
        try:
            self._series.on(level.examples)  # reads the data first: that takes its time only once
            began = self._clock()
            slice_ = self._series.take(name, step, epoch, level.slicer, level.examples)
            seconds = self._clock() - began
            notes = {"budget": budget.note(name), **self._training_notes()}
            slice_ = _with_notes(slice_, notes)
            self._write(slice_)
            return slice_
        finally:
            # One that failed has had its turn, too: it would fail again at the next step.
            budget.taken(name, step, seconds, by_hand=by_hand)

    def _write(self, slice_: Slice) -> None:
        if self._writer is not None:
            self._writer.write(slice_)

    def _training_notes(self) -> dict[str, Any]:
        """What a slice notes of the training that goes on around it."""
        if self._optimizer is None:
            return {}
        # A schedule may hold a rate in a tensor, on any device.
        rates = [float(group["lr"]) for group in self._optimizer.param_groups]
        return {"learning_rate": rates[0] if len(set(rates)) == 1 else rates}

    def _send(self, step: int, epoch: float | None, *, by_hand: bool) -> bool:
        """Give the process a snapshot; False if it cannot be used, so slices are taken here."""
        budget = self._budget
        if budget is not None:
            if _SNAPSHOT not in budget:
                budget.add(_SNAPSHOT, (Level(None),), 0, None)
            budget.chance(step, by_hand=by_hand)
            if not by_hand and _SNAPSHOT not in self._affordable(budget, step):
                return True
        seconds = None
        try:
            if self._process is None:
                self._process = BackgroundProcess(
                    self.surface, self._slicers, self._threads, self._device, self._earlier
                )
            began = self._clock()
            trainable = bytes(p.requires_grad for p in self.surface.model.parameters())
            notes = {} if budget is None else {"budget": _note_of_snapshots(budget)}
            notes |= self._training_notes()
            number, fraction = int(step), None if epoch is None else float(epoch)
            self._process.submit(Step(number, fraction, trainable, notes))
            seconds = self._clock() - began
        except (ProcessUnavailable, ProcessEnded) as error:
            self._give_up_process(error)
        except Exception as error:
            self._warn(_SNAPSHOT, step, error)
        if budget is not None:
            budget.taken(_SNAPSHOT, step, seconds, by_hand=by_hand)
        return self._mode == "process"

    def _finished(self, timeout: float = 0.0) -> dict[str, Slice]:
        """Write what the process has finished, after some seconds of waiting if need be."""
        written: dict[str, Slice] = {}
        if self._process is None:
            return written
        try:
            news = self._process.news(timeout)
        except Exception as error:
            self._give_up_process(error)
            return written
        for found in news:
            step = found.step
            if found.record is None:
                self._warn(found.series, step.number, found.error)
                continue
            process = {"threads": self._threads, "replaced": list(step.replaced[-100:])}
            try:
                slice_ = Slice.from_bytes(found.record)
                slice_ = _with_notes(slice_, {**step.notes, "process": process})
                self._write(slice_)
            except Exception as error:
                self._warn(found.series, step.number, error)
            else:
                written[found.series] = slice_
        return written

    def _await_process(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        while self._process is not None:
            left = max(end - time.monotonic(), 0.0)
            self._finished(max(left, 1e-3))
            if self._process is None or not self._process.busy:
                return
            if not left:
                tell(
                    f"The slices of {_text(self._process.steps_out)} were not finished within "
                    f"{timeout:g} seconds, and are given up. Give the process more time: "
                    "logger.close(timeout=...).",
                    stacklevel=4,
                )
                return

    def _give_up_process(self, error: Exception) -> None:
        steps = self._process.steps_out if self._process is not None else ()
        self._end_process()
        if self._budget is not None:
            self._budget.remove(_SNAPSHOT)
        if isinstance(error, ProcessUnavailable):
            self._mode = "inline"
            tell(
                f"pysclice cannot take slices in another process: {error} The model, the data, the "
                "loss, the metrics and the slicers are sent there by pickle, so functions and "
                "classes have to be defined at the top level of a file. Slices are taken inline "
                "from now on, and training waits for them.",
                stacklevel=4,
            )
        else:
            self._mode = "none"
            lost = f" The slices of {_text(steps)} are lost." if steps else ""
            tell(
                f"The process that took slices is not there any more: {error}.{lost} No more "
                "slices are taken, since memory may be short; training goes on. Use mode='inline', "
                "or fewer examples, if it happens again.",
                stacklevel=4,
            )

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _warn(self, series: str, step: int, error: Exception | str) -> None:
        what = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        sentence = (
            f"pysclice could not log {series!r} at step {step}: {what} "
            "Training goes on; further failures of this series are not repeated."
        )
        _log.debug(sentence, exc_info=error if isinstance(error, Exception) else None)
        if series in self._warned:
            return
        self._warned.add(series)
        tell(sentence, stacklevel=3)


def _with_notes(slice_: Slice, notes: Mapping[str, Any]) -> Slice:
    return dataclasses.replace(slice_, notes={**slice_.notes, **notes})


def _text(steps: Sequence[int]) -> str:
    return f"step{'s' * (len(steps) > 1)} {' and '.join(map(str, steps))}"


def _note_of_snapshots(budget: TimeBudget) -> dict[str, Any]:
    """What a record says of the budget where another process takes the slices."""
    note = budget.note(_SNAPSHOT)
    often = "" if note["interval"] is None else f"every {note['interval']:,} steps, "
    kept = {name: note[name] for name in ("fraction", "spent", "interval", "every")}
    share = f"{100 * note['fraction']:g} % of wall time"
    return {**kept, "sentence": f"{often}so that training waits for less than {share}"}


def _check_count(name: str, value: object, unit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}, expected a whole number of {unit} of at least 1.")


def _checked_device(device: str | torch.device | None) -> str | None:
    try:
        return None if device is None else str(torch.device(device))
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"process_device is {device!r}, expected one such as 'cuda:1'.") from error


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
