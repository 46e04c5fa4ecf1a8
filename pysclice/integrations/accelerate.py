"""Slices from inside a loop that Accelerate has prepared."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Protocol

from torch import nn

try:
    from accelerate import Accelerator
except ImportError as _error:
    raise ModuleNotFoundError(
        "pysclice.integrations.accelerate needs accelerate: pip install 'pysclice[accelerate]'."
    ) from _error

from pysclice.core.surface import LossSurface, Slicer
from pysclice.integrations.drawing import undivided
from pysclice.integrations.slicing import (
    check_present,
    is_summary_writer,
    ranks_for,
    sorted_options,
    takes_turns,
)
from pysclice.logger.slice_logger import SliceLogger
from pysclice.slices import Slice


class Logger(Protocol):
    """What the loop sees of a logger, in processes that slice and in those that do not."""

    def log_if_due(
        self, step: int, epoch: float | None = None, loss: Any = None
    ) -> dict[str, Slice]:
        """See ``SliceLogger.log_if_due``."""
        ...

    def log(self, step: int, epoch: float | None = None) -> dict[str, Slice]:
        """See ``SliceLogger.log``."""
        ...

    def close(self, timeout: float = 300.0) -> None:
        """See ``SliceLogger.close``."""
        ...

    def __enter__(self) -> Logger: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def slice_logger(
    accelerator: Accelerator,
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    data: Any = None,
    slicers: Mapping[str, Slicer] | None = None,
    *,
    target: Any = None,
    every: Any = 500,
    **options: Any,
) -> Logger:
    """A logger for a loop around an ``Accelerator``.

    It unwraps the model and writes through the accelerator's TensorBoard tracker. Several processes
    share the points of a slice, and the main one writes: call the logger's methods in all of them,
    with the same steps. With ``process_group=None`` or ``process=True`` the main process slices
    alone, and in the others the methods do nothing. Under mixed precision the model itself runs
    under autocast once it is prepared, so slices have the precision of training.

    Args:
        accelerator: what prepared the model. Call its ``init_trackers`` first.
        model: the model, prepared or not.
        loss_fn: ``loss_fn(outputs, targets)``, as of ``LossSurface``.
        data: as of ``LossSurface``. A prepared loader, which gives each process a share, stands
            for the loader that it was made from.
        slicers: as of ``SliceLogger``.
        target: a writer or a directory, in place of the tracker's.
        every: as of ``SliceLogger``.
        options: by name, what else ``LossSurface`` (``batch_loss``, ``metrics``, ``examples``, ...)
            and ``SliceLogger`` (``budget``, ``optimizer``, ...) take. ``mode`` is the surface's;
            ``process=True`` stands for the logger's ``mode="process"``.

    Raises:
        TypeError: an unknown option, or an argument of the wrong kind.
        ValueError: there is no TensorBoard tracker and no target; or this process holds a share of
            the parameters only, which is no DTensor.
        RankError: this failed in another process.

    Example:
        .. code-block:: python

            accelerator.init_trackers("mine")
            logger = slice_logger(accelerator, model, nn.CrossEntropyLoss(), loader, every=500)
            for step, batch in enumerate(loader):
                ...
                logger.log_if_due(step)
    """
    of_surface, of_logger = sorted_options("slice_logger", options)
    first, processes = bool(accelerator.is_main_process), accelerator.num_processes
    shared = takes_turns(processes, of_surface, of_logger)
    if not (first or shared):
        return _NoLogger()
    ranks = ranks_for(of_surface) if shared else None
    with nullcontext() if ranks is None else ranks.together("the first look"):
        where = target if target is not None else _tracked(accelerator) if first else os.devnull
        unwrapped = accelerator.unwrap_model(model)
        check_present(unwrapped, alone=ranks is None)
        options = of_surface if ranks is None else {**of_surface, "process_group": ranks}
        whole = data if processes == 1 else _whole(data)
        surface = LossSurface(unwrapped, loss_fn, whole, **options)
        return SliceLogger(where, surface, slicers, every=every, **of_logger)


def _whole(data: Any) -> Any:
    """Data of which this process would get a share, undivided; others as they are."""
    if isinstance(data, Mapping):
        return {name: _whole(part) for name, part in data.items()}
    return undivided(data)


def _tracked(accelerator: Accelerator) -> Any:
    """The writer of the TensorBoard tracker.

    Raises:
        ValueError: there is none.
    """
    for tracker in accelerator.trackers:
        writer = getattr(tracker, "writer", None)
        if is_summary_writer(writer):
            return writer
    raise ValueError(
        "The accelerator has no TensorBoard tracker: make it with log_with='tensorboard' and a "
        "project_dir, and call accelerator.init_trackers(...) first. Or pass target=directory."
    )


class _NoLogger:
    """The logger of a process that does not slice."""

    def log_if_due(
        self, step: int, epoch: float | None = None, loss: Any = None
    ) -> dict[str, Slice]:
        return {}

    def log(self, step: int, epoch: float | None = None) -> dict[str, Slice]:
        return {}

    def close(self, timeout: float = 300.0) -> None:
        pass

    def __enter__(self) -> _NoLogger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass
