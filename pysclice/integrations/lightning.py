"""Slices from inside Lightning's Trainer: ``Trainer(callbacks=[SliceCallback()])``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pysclice.core.objective import BatchLoss, Metric
from pysclice.core.trajectory import Trajectory
from pysclice.core.untouched import held_interrupts, own_randomness
from pysclice.integrations.drawing import draw
from pysclice.integrations.slicing import (
    EXAMPLES,
    Slicers,
    Slicing,
    is_summary_writer,
    own_directory,
    tell_of_no_validation,
)


def _bases() -> tuple[type, ...]:
    """The Callback classes of both packages, as far as they are installed: each wants its own.

    Raises:
        ModuleNotFoundError: neither is.
    """
    packages = ("lightning", "lightning.pytorch"), ("pytorch_lightning", "pytorch_lightning")
    found = [path for name, path in packages if importlib.util.find_spec(name) is not None]
    if not found:
        raise ModuleNotFoundError(
            "pysclice.integrations.lightning needs Lightning: pip install 'pysclice[lightning]'."
        )
    return tuple(importlib.import_module(path).Callback for path in found)


_Callback: Any = type("_Callback", _bases(), {})


class SliceCallback(_Callback):  # type: ignore[misc]  # a base that is known at run time only
    """Takes slices while a Trainer trains, into the run of its own TensorBoard logger.

    Works with the Trainers of ``lightning`` and of ``pytorch_lightning``. Slices are taken at the
    first step, whenever they are due, and at the last step; steps are the optimizer's
    (``trainer.global_step``), whatever number of batches each takes. Training comes out bit for
    bit as without the callback, and whatever goes wrong is told once, as a warning.

    The loss is that of the module's own ``training_step(batch, 0)``, run without its trainer's
    logger. What it keeps in tensors, lists, dictionaries and attributes of modules (torchmetrics'
    metrics among them) is put back. A module with manual optimization steps its optimizers itself
    and needs ``batch_loss``, and so does one that keeps state in objects of other kinds.

    Several processes share the points of a slice, and the first one writes; also those of
    ``ModelParallelStrategy``, which divide the model by ``fully_shard`` or by tensor parallelism.
    With ``process_group=None``, a ``trajectory`` or ``process=True`` the first one slices alone. A
    model that ``FSDPStrategy`` or DeepSpeed's third stage divides is not sliced, and a
    ``training_step`` that gathers from other processes needs ``batch_loss``.

    Args:
        slicers: series name -> slicer; or a function ``(surface) -> slicers`` for those that need
            the surface, such as ``ps.Towards(surface.parameters())``. Default: those of
            ``SliceLogger``.
        data: what to slice on, in any form that ``LossSurface`` takes. Default: a draw of the
            trainer's training data, as the module would get it.
        loss_fn: as of ``LossSurface``, for batches ``(inputs, targets)`` that the module's
            ``forward`` takes; in place of the ``training_step``.
        batch_loss: ``batch_loss(module, batch)``, in place of the ``training_step``.
        validation: whether to measure on a draw of the validation data, too: data set
            ``validation``. The loss is the same function.
        metrics: names of values that the ``training_step`` logs, measured beside the loss. With
            ``loss_fn``: name -> ``metric(outputs, targets)``.
        every: when slices are due, as of ``SliceLogger``.
        examples: how many to draw of each data set. Default: 512 of the trainer's, all of yours.
        seed: of the draw.
        trajectory: records the parameters at each step; slicers that show it get the same one.
        options: what else ``LossSurface`` and ``SliceLogger`` take: ``budget=0.02``,
            ``autocast=torch.bfloat16``, ``mode="train"`` (the surface's), ...; ``process=True`` for
            the logger's ``mode="process"``, which needs a module that can be pickled.

    Raises:
        TypeError: unknown options, or metrics in a form that does not go with the loss.

    Example:
        .. code-block:: python

            from pysclice.integrations.lightning import SliceCallback

            trainer = Trainer(max_epochs=10, callbacks=[SliceCallback(every=500)])
            trainer.fit(module, datamodule)
    """

    def __init__(
        self,
        slicers: Slicers | None = None,
        *,
        data: Any = None,
        loss_fn: Callable[[Any, Any], Any] | None = None,
        batch_loss: BatchLoss | None = None,
        validation: bool = False,
        metrics: Mapping[str, Metric] | Sequence[str] = (),
        every: Any = 500,
        examples: int | None = None,
        seed: int = 0,
        trajectory: Trajectory | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        own_step = loss_fn is None and batch_loss is None
        if isinstance(metrics, str) or (metrics and isinstance(metrics, Mapping) == own_step):
            raise TypeError(
                f"metrics is {metrics!r}, expected "
                + (
                    "the names of values that training_step logs: ['train_accuracy']."
                    if own_step
                    else "{name: metric(outputs, targets)}, together with loss_fn."
                )
            )
        self._data = data
        self._validation = validation
        self._examples = examples
        self._seed = seed
        self._losses: dict[str, Any] = {"loss_fn": loss_fn, "batch_loss": batch_loss}
        if own_step:
            self._losses["batch_loss"] = _TrainingStep(tuple(metrics))
        elif metrics:
            self._losses["metrics"] = metrics
        given = {"examples": examples, "seed": seed} if data is not None else {}
        self._slicing = Slicing(slicers, every, trajectory, {**options, **given})
        self._seen = -1

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Make the logger and slice the first step."""
        # A training of a few batches only tries out whether everything works.
        first, processes = bool(trainer.is_global_zero), trainer.world_size
        if trainer.fast_dev_run or not self._slicing.takes_part(first, processes):
            return
        self._seen = trainer.global_step
        self._slicing.start(
            lambda: _target_of(trainer),
            pl_module,
            lambda: self._data if self._data is not None else self._drawn(trainer, pl_module),
            self._losses,
            # With several optimizers there is no one learning rate to note.
            trainer.optimizers[0] if len(trainer.optimizers) == 1 else None,
            processes=processes,
            drawn=self._data is None,
        )
        self._slicing.at(trainer.global_step, trainer.current_epoch)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Slice if the optimizer has stepped and a slice is due."""
        if trainer.global_step != self._seen:
            self._seen = trainer.global_step
            self._slicing.at(self._seen, trainer.current_epoch)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Slice the last step."""
        self._slicing.at(trainer.global_step, trainer.current_epoch, last=True)
        self._slicing.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Write what there is."""
        self._slicing.end(exception)

    def _drawn(self, trainer: Any, module: Any) -> dict[str, list[Any]]:
        loaders = {"train": trainer.train_dataloader}
        if self._validation:
            loaders["validation"] = _validation_loader(trainer)
            if loaders["validation"] is None:
                del loaders["validation"]
                tell_of_no_validation("the trainer has no validation data")
        examples = EXAMPLES if self._examples is None else self._examples
        result = {}
        for name, loader in loaders.items():
            batches = draw(loader, examples, self._seed)
            # On their way to a training step batches pass the module's and the trainer's hooks.
            with held_interrupts(), own_randomness(self._seed), torch.no_grad():
                result[name] = [_prepared(trainer, module, batch) for batch in batches]
        return result


def _target_of(trainer: Any) -> Any:
    """The writer of the trainer's TensorBoard logger, or a directory."""
    for logger in trainer.loggers:
        writer = getattr(logger, "experiment", None)
        if is_summary_writer(writer):
            return writer
    return own_directory(trainer.default_root_dir)


def _validation_loader(trainer: Any) -> Any:
    """The first loader of validation data, or None; the trainer may not have asked for it yet."""
    loaders = trainer.val_dataloaders
    if loaders is None:
        source = trainer.fit_loop.epoch_loop.val_loop._data_source
        with own_randomness(0):
            loaders = source.dataloader() if source.is_defined() else None
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if isinstance(loaders, Sequence):
        loaders = loaders[0] if loaders else None
    return loaders


def _prepared(trainer: Any, module: Any, batch: Any) -> Any:
    """The batch as a training step gets it, but for the host's memory."""
    batch = trainer.precision_plugin.convert_input(batch)
    batch = module._on_before_batch_transfer(batch, dataloader_idx=0)
    return trainer.strategy.batch_to_device(batch, dataloader_idx=0)


class _TrainingStep:
    """The loss of a module's own training step, which neither logs nor knows its trainer's logger.

    Args:
        logged: names of values that the step logs, to be measured as well.
    """

    def __init__(self, logged: tuple[str, ...]) -> None:
        self._logged = logged

    def __call__(self, module: nn.Module, batch: Any) -> Any:
        """The loss and the logged values by name.

        Raises:
            TypeError: the step steps the optimizers itself, or returned no loss.
            KeyError: it logged no value of a wanted name.
        """
        if not getattr(module, "automatic_optimization", True):
            raise TypeError(
                "The module's training_step steps its optimizers itself (manual optimization). "
                "Pass SliceCallback(batch_loss=lambda module, batch: ...)."
            )
        found: dict[str, Any] = {}
        with _silenced(module, found):
            step: Any = module.training_step
            result = step(batch, 0) if _takes_index(step) else step(batch)
        loss = result.get("loss") if isinstance(result, Mapping) else result
        if not isinstance(loss, Tensor):
            raise TypeError(
                f"The module's training_step returned a {type(result).__name__}, expected a loss. "
                "Pass SliceCallback(batch_loss=lambda module, batch: ...)."
            )
        missing = [name for name in self._logged if name not in found]
        if missing:
            raise KeyError(f"training_step logs no {missing[0]!r}; it logs {sorted(found)}.")
        return {"loss": loss, **{name: found[name] for name in self._logged}}


def _takes_index(step: Callable[..., Any]) -> bool:
    parameters = inspect.signature(step).parameters.values()
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in places for p in parameters) > 1 or any(
        p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters
    )


@contextmanager
def _silenced(module: nn.Module, found: dict[str, Any]) -> Iterator[None]:
    """The module with a ``log`` that only takes down, with a quiet trainer, and not compiled."""

    def log(name: str, value: Any, *_: Any, **__: Any) -> None:
        # A metric of torchmetrics is logged as an object; its last batch is what counts here.
        found[name] = getattr(value, "_forward_cache", value)

    def log_dict(values: Mapping[str, Any], *_: Any, **__: Any) -> None:
        for name, value in values.items():
            log(name, value)

    def silent(*_: Any, **__: Any) -> None:
        pass

    def all_gather(*_: Any, **__: Any) -> None:
        # The processes look at different points, and would wait for each other.
        raise TypeError(
            "The module's training_step gathers from other processes, which look at other points "
            "meanwhile. Pass SliceCallback(batch_loss=lambda module, batch: ...)."
        )

    changed = []
    try:
        for part in module.modules():
            own = vars(part)
            if "_trainer" not in own:
                continue
            changed.append((own, dict(own)))
            if own["_trainer"] is not None:
                own["_trainer"] = _QuietTrainer(own["_trainer"])
            alone = own["_trainer"] is None or own["_trainer"].world_size == 1
            own.update(log=log, log_dict=log_dict, print=silent)
            if not alone:
                own["all_gather"] = all_gather
            context = own.get("_compiler_ctx") or {}
            for name in ("forward", "training_step"):
                if f"original_{name}" in context:
                    own[name] = context[f"original_{name}"]
        yield
    finally:
        for own, before in changed:
            for name in _SILENCED:
                if name in before:
                    own[name] = before[name]
                else:
                    own.pop(name, None)


_SILENCED = ("_trainer", "log", "log_dict", "print", "all_gather", "forward", "training_step")


class _QuietTrainer:
    """A trainer to look at: it has no logger, and what is set on it is forgotten."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self.logger = _Nothing()
        self.loggers: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainer, name)


class _Nothing:
    """Has every attribute, can be called, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __bool__(self) -> bool:
        return False
