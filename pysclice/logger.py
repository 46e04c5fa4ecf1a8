"""The logger: slices at chosen steps of a training loop that it neither disturbs nor stops."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from pysclice.core.surface import LossSurface, Slicer
from pysclice.core.told import tell
from pysclice.directions.random import Random
from pysclice.events import SliceWriter
from pysclice.slicers.axis_parallel import AxisParallel
from pysclice.slicers.line import Line
from pysclice.slicers.plane import Plane
from pysclice.slices import Slice

_log = logging.getLogger(__name__)

# What the default slicers may take at each logged step, in seconds on this machine.
_DEFAULT_SECONDS = 5.0


class SliceLogger:
    """Takes slices at chosen steps and writes them where TensorBoard looks.

    Training comes out bit for bit as without the logger, and no error of a slice reaches the
    training loop: it is told once, as a warning, and training goes on.

    Args:
        target: the ``SummaryWriter`` that the training loop logs with (torch's or tensorboardX's),
            or a log directory. A directory that another writer uses gets its slices in a child
            run ``slices``, which the page shows with its parent.
        surface: the loss surface of the model in training.
        slicers: series name -> slicer. Default: a line and a plane along random directions, and
            the 16 coordinates with the largest gradient, at a resolution that takes seconds.
        every: steps between two slices of ``log_if_due``. To count epochs, call ``log`` at
            their end instead.

    Raises:
        TypeError: a target, surface or slicer of the wrong kind.
        ValueError: ``every`` below 1, no slicers, or a series without a name.

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
    ) -> None:
        if not isinstance(surface, LossSurface):
            raise TypeError(
                f"SliceLogger needs a LossSurface, got a {type(surface).__name__}. "
                "Make one: LossSurface(model, loss_fn, data)."
            )
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"every is {every!r}, expected a whole number of steps of at least 1.")
        self.surface = surface
        self.every = every
        self._slicers = None if slicers is None else _checked(slicers)
        self._settled: dict[str, Slicer] = {}
        self._writer = SliceWriter(target)
        self._last_due: int | None = None
        self._warned: set[str] = set()

    def log_if_due(self, step: int, epoch: float | None = None) -> dict[str, Slice]:
        """Log at the first call and whenever another ``every`` steps have passed.

        Returns:
            The slices of this step by series; empty if none was due, or all failed.
        """
        if self._last_due is not None and step // self.every == self._last_due // self.every:
            return {}
        self._last_due = step
        return self.log(step, epoch)

    def log(self, step: int, epoch: float | None = None) -> dict[str, Slice]:
        """Take a slice with every slicer, write and flush it.

        Args:
            step: the training step; negative ones are refused with a warning.
            epoch: the epoch, for the step bar; may be a fraction.

        Returns:
            The slices by series, without those that failed.
        """
        taken: dict[str, Slice] = {}
        for series, slicer in self._slicers_now().items():
            try:
                slice_ = self.surface.slice(
                    self._settle(series, slicer),
                    series=series,
                    step=int(step),
                    epoch=None if epoch is None else float(epoch),
                    progress=False,
                )
                self._writer.write(slice_)
            except Exception as error:
                self._warn(series, step, error)
            else:
                taken[series] = slice_
        return taken

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

    def _slicers_now(self) -> dict[str, Slicer]:
        if self._slicers is None:
            try:
                self._slicers = default_slicers(self.surface)
            except Exception as error:
                self._warn("default slicers", self._last_due or 0, error)
                return {}
        return self._slicers

    def _settle(self, series: str, slicer: Slicer) -> Slicer:
        """The slicer with its choices made at the first step, so that all steps share axes."""
        if series not in self._settled:
            settle = getattr(slicer, "settled", None)
            current = self.surface.current()
            self._settled[series] = settle(self.surface, current) if settle else slicer
        return self._settled[series]

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


def default_slicers(surface: LossSurface) -> dict[str, Slicer]:
    """A line, a plane and a bundle that together take seconds: series name -> slicer.

    One evaluation is timed to choose their resolution, from 13 x 13 to 25 x 25 on the plane.
    """
    current = surface.current()
    surface(current)  # the first one reads the data
    began = time.perf_counter()
    surface(current)
    affordable = _DEFAULT_SECONDS / max(time.perf_counter() - began, 1e-9)
    line, plane, bundle = (49, 25, 13) if affordable > 900 else (25, 13, 7)
    return {
        "random line": Line(Random(0), samples=line),
        "random plane": Plane(Random(0), Random(1), samples=plane),
        "steepest coordinates": AxisParallel(count=16, samples=bundle),
    }


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
