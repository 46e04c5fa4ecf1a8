"""What the callbacks share: a logger that is made when training starts, and never stops it.

Where several processes train, they share the points of a slice, as in a loop of one's own. What
one of them fails at fails in all of them, or they would wait for each other.
"""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pysclice.core.ranks import RankError, Ranks
from pysclice.core.sharding import is_sharded
from pysclice.core.surface import LossSurface, Slicer
from pysclice.core.told import tell
from pysclice.core.trajectory import Trajectory
from pysclice.logger.slice_logger import SliceLogger

Slicers = Mapping[str, Slicer] | Callable[[LossSurface], Mapping[str, Slicer]]

# Of each data set of the trainer's own: enough for a picture, and soon read.
EXAMPLES = 512


class Slicing:
    """A logger inside someone else's training loop.

    Whatever goes wrong is told once, as a warning, and training goes on without slices.

    Args:
        slicers: series name -> slicer; or a function that makes them from the surface, for those
            that need its parameters; the logger's default ones if left out.
        every: as of ``SliceLogger``.
        trajectory: keeps the path of the parameters, step by step.
        options: by name, what else ``LossSurface`` or ``SliceLogger`` take; the logger's mode is
            called ``process`` here, since the surface has a mode as well.

    Raises:
        TypeError: an option that neither takes.
    """

    def __init__(
        self,
        slicers: Slicers | None,
        every: Any,
        trajectory: Trajectory | None,
        options: Mapping[str, Any],
    ) -> None:
        self._slicers = slicers
        self._trajectory = trajectory
        self._of_surface, self._of_logger = sorted_options("SliceCallback", options)
        self._of_logger["every"] = every
        self.logger: SliceLogger | None = None
        self._last: int | None = None
        self._failed = False

    def takes_part(self, first: bool, processes: int) -> bool:
        """Whether this process slices: all of them do where they can help each other.

        Args:
            first: whether it is the one that would slice alone.
            processes: how many train.
        """
        return first or self._shared(processes)

    def start(
        self,
        target: Callable[[], Any],
        model: nn.Module | Callable[[], nn.Module],
        data: Callable[[], Any],
        losses: Mapping[str, Any],
        optimizer: Any = None,
        *,
        processes: int = 1,
        drawn: bool = False,
    ) -> None:
        """Make the logger.

        Args:
            target: gives the writer or the directory; asked in the process that writes.
            model: the model in training, or what gives it.
            data: gives the data sets.
            losses: how the loss is computed, as arguments of ``LossSurface``.
            optimizer: what trains the model.
            processes: how many train, each of which calls this if ``takes_part`` says so.
            drawn: the data are drawn from the trainer's own, of which a process has a share.
        """
        self.end()  # of a training before, which ended in an error that no hook told of
        self._last, self._failed = None, False
        try:
            ranks = ranks_for(self._of_surface) if self._shared(processes) else None
            together = nullcontext() if ranks is None else ranks.together("the first look")
            with together:
                if not isinstance(model, nn.Module):
                    model = model()
                check_present(model, alone=ranks is None)
                if ranks is not None and drawn:
                    found = ranks.agreed(data() if ranks.first else None)
                else:
                    found = data()
                options = dict(self._of_surface)
                if ranks is not None:
                    options["process_group"] = ranks
                surface = LossSurface(model, data=found, **losses, **options)
                surface(surface.current())  # once, so that a loss that cannot be had is told once
                slicers = self._slicers(surface) if callable(self._slicers) else self._slicers
                arguments = {"optimizer": plain_optimizer(optimizer), **self._of_logger}
                where = target() if ranks is None or ranks.first else os.devnull
                self.logger = SliceLogger(where, surface, slicers, **arguments)
        except Exception as error:
            self.logger = None
            self._fail("pysclice takes no slices of this training", error)

    def _shared(self, processes: int) -> bool:
        # A path is recorded by one process.
        helped = takes_turns(processes, self._of_surface, self._of_logger)
        return helped and self._trajectory is None

    def at(self, step: int, epoch: float | None, *, last: bool = False) -> None:
        """Log if a slice is due, or in any case if this is the last step."""
        logger = self.logger
        if logger is None:
            return
        if self._trajectory is not None:
            try:
                self._trajectory.record(step, logger.surface, always=last)
            except Exception as error:
                self._trajectory = None
                self._fail("pysclice does not record the trajectory any more", error)
        if last:
            if self._to_be_logged(logger, step):
                self._last = step
                logger.log(step, epoch=epoch)
            return
        taken = logger.log_if_due(step, epoch=epoch).values()
        # With a budget only some may have been taken, and a process hands over earlier ones.
        if any(slice_.step == step for slice_ in taken) and "budget" not in self._of_logger:
            self._last = step

    def _to_be_logged(self, logger: SliceLogger, step: int) -> bool:
        missing, ranks = step != self._last, logger.surface.ranks
        if ranks is None or ranks.broken:
            return missing
        try:
            return ranks.agreed(missing)  # the first process may have failed to write
        except RankError:
            return True  # the logger finds the same, and says so

    def end(self, error: BaseException | None = None) -> None:
        """Close the logger; a training that was interrupted does not wait for slices."""
        logger, self.logger = self.logger, None
        if logger is not None:
            waits = error is None or isinstance(error, Exception)
            logger.close(**({} if waits else {"timeout": 0.0}))

    def _fail(self, what: str, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            tell(f"{what}: {type(error).__name__}: {error} Training goes on.", stacklevel=4)


def own_directory(parent: Any) -> Path:
    """A directory for the slices of a training that writes no events of its own; told."""
    directory = Path(str(parent)) / "slices" / time.strftime("%Y-%m-%d_%H-%M-%S")
    tell(
        f"The trainer has no TensorBoard writer, so slices go to {str(directory)!r}.", stacklevel=5
    )
    return directory


def tell_of_no_validation(why: str) -> None:
    """Say that slices are taken on the training data alone."""
    tell(
        f"validation=True, but {why}, so slices show the training data alone. Or give both: "
        "data={'train': ..., 'validation': ...}.",
        stacklevel=5,
    )


def is_summary_writer(writer: Any) -> bool:
    """Whether this is torch's or tensorboardX's ``SummaryWriter``, without importing either."""
    return any(kind.__name__ == "SummaryWriter" for kind in type(writer).__mro__)


def sorted_options(taker: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options by name, apart: those of ``LossSurface`` and those of ``SliceLogger``.

    Args:
        taker: who was given them, for the message.
        options: ``process=True`` stands for the logger's mode, as the surface has a mode as well.

    Raises:
        TypeError: an option that neither takes.
    """
    given = dict(options)
    mode = {"mode": "process"} if given.pop("process", False) else {}
    unknown = sorted(set(given) - _OF_SURFACE - _OF_LOGGER)
    if unknown:
        known = ", ".join(sorted(_OF_SURFACE | _OF_LOGGER | {"process"}))
        raise TypeError(f"{taker} does not know {unknown[0]!r}. Beside its own it takes: {known}.")
    of_surface = {name: value for name, value in given.items() if name in _OF_SURFACE}
    return of_surface, mode | {name: given[name] for name in given if name in _OF_LOGGER}


def _options_of(kind: type) -> set[str]:
    parameters = inspect.signature(kind).parameters.values()
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


_OF_SURFACE = _options_of(LossSurface)
_OF_LOGGER = _options_of(SliceLogger) - {"every", "mode"}


def takes_turns(
    processes: int, of_surface: Mapping[str, Any], of_logger: Mapping[str, Any]
) -> bool:
    """Whether the processes of a training slice together, given the options of both.

    Args:
        processes: how many train.
        of_surface: ``process_group=None`` lets the first one slice alone.
        of_logger: ``mode="process"`` as well, since a copy in another process has no ranks.
    """
    import torch.distributed as dist

    running = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
    wanted = of_surface.get("process_group", "auto") is not None
    return processes > 1 and running and wanted and of_logger.get("mode") != "process"


def ranks_for(of_surface: Mapping[str, Any]) -> Ranks:
    """The processes that slice together; made before the surface, so that it can fail in one.

    Args:
        of_surface: options by name.

    Raises:
        RankError: not all of them came.
    """
    group = of_surface.get("process_group", "auto")
    return Ranks(
        None if isinstance(group, str) else group, of_surface.get("process_group_timeout", 600.0)
    )


def plain_optimizer(optimizer: Any) -> torch.optim.Optimizer | None:
    """The optimizer, if it is one that a slice can note the learning rate of."""
    return optimizer if isinstance(optimizer, torch.optim.Optimizer) else None


def check_present(model: nn.Module, *, alone: bool) -> None:
    """Refuse a model of which this process has too little.

    Args:
        model: in training.
        alone: no other process helps.

    Raises:
        ValueError: its parameters are shares, and the other processes do not help, or are not
            asked for theirs by this kind of share.
    """
    for name, parameter in model.named_parameters():
        # Of DeepSpeed's third stage; of FSDP1.
        unknown = any(hasattr(parameter, sign) for sign in ("ds_id", "_is_flat_param"))
        if unknown or (alone and is_sharded(parameter)):
            raise ValueError(
                f"This process holds a share of the parameter {name!r} only, and a slice needs all "
                f"of it. Slice its checkpoints, or {_DIVIDED}: see docs/scale.md."
            )
    if any(type(module).__name__ == "FullyShardedDataParallel" for module in model.modules()):
        raise ValueError(
            "This process holds a share of the parameters only (FullyShardedDataParallel), and a "
            f"slice needs all of them. Slice its checkpoints, or {_DIVIDED}: see docs/scale.md."
        )


_DIVIDED = "divide the model by torch.distributed.fsdp.fully_shard and let all processes slice"
