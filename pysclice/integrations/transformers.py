"""Slices from inside Hugging Face's Trainer: ``Trainer(..., callbacks=[SliceCallback()])``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

try:
    from transformers import TrainerCallback
except ImportError as _error:
    raise ModuleNotFoundError(
        "pysclice.integrations.transformers needs transformers: "
        "pip install 'pysclice[transformers]'."
    ) from _error

from pysclice.core.objective import BatchLoss
from pysclice.core.trajectory import Trajectory
from pysclice.core.untouched import own_randomness
from pysclice.integrations.drawing import draw
from pysclice.integrations.slicing import (
    EXAMPLES,
    Slicers,
    Slicing,
    is_summary_writer,
    own_directory,
    tell_of_no_validation,
)


class SliceCallback(TrainerCallback):
    """Takes slices while a Trainer trains.

    Slices are taken at the first step, whenever they are due, and at the last step; steps are the
    optimizer's (``state.global_step``). Training comes out bit for bit as without the callback, and
    whatever goes wrong is told once, as a warning.

    The loss is the one that the model itself returns for a batch with labels. Parameters that do
    not train (``requires_grad`` is off, as below LoRA's) stay where they are.

    A callback does not know its Trainer. Slices then go to a child run ``slices`` of the run to
    which the Trainer writes its scalars, and the page shows both as one. Told of the Trainer, the
    callback writes through its very writer, and finds its evaluation data::

        trainer.add_callback(SliceCallback(trainer=trainer, validation=True))

    Several processes share the points of a slice, and the first one writes; also those that divide
    the model by ``fully_shard`` or by tensor parallelism. With ``process_group=None``, a
    ``trajectory`` or ``process=True`` the first one slices alone. A model that FSDP's first version
    or DeepSpeed's third stage divides is not sliced.

    Args:
        slicers: series name -> slicer; or a function ``(surface) -> slicers`` for those that need
            the surface, such as ``ps.Towards(surface.parameters())``. Default: those of
            ``SliceLogger``.
        trainer: the Trainer, for its writer and its evaluation data.
        writer: a ``SummaryWriter`` or a directory, to write to another place.
        data: what to slice on, in any form that ``LossSurface`` takes. Default: a draw of the
            training data, put together by the Trainer's collator.
        batch_loss: ``batch_loss(model, batch)``. Default: the loss that the model returns; label
            smoothing and a Trainer's own ``compute_loss`` are no part of it.
        validation: whether to measure on a draw of the evaluation data, too: data set
            ``validation``, or their own names where there are several. Needs ``trainer``.
        every: when slices are due, as of ``SliceLogger``.
        examples: how many to draw of each data set. Default: 512 of the Trainer's, all of yours.
        seed: of the draw.
        trajectory: records the parameters at each step; slicers that show it get the same one.
        options: what else ``LossSurface`` and ``SliceLogger`` take: ``budget=0.02``,
            ``weight=...``, ``mode="train"`` (the surface's), ...; ``process=True`` for the logger's
            ``mode="process"``.

    Raises:
        TypeError: unknown options.

    Example:
        .. code-block:: python

            from pysclice.integrations.transformers import SliceCallback

            trainer = Trainer(model, args, train_dataset=data, callbacks=[SliceCallback(every=500)])
            trainer.train()
    """

    def __init__(
        self,
        slicers: Slicers | None = None,
        *,
        trainer: Any = None,
        writer: Any = None,
        data: Any = None,
        batch_loss: BatchLoss | None = None,
        validation: bool = False,
        every: Any = 500,
        examples: int | None = None,
        seed: int = 0,
        trajectory: Trajectory | None = None,
        **options: Any,
    ) -> None:
        self._trainer = trainer
        self._writer = writer
        self._data = data
        self._batch_loss = batch_loss or own_loss
        self._validation = validation
        self._examples = examples
        self._seed = seed
        given = {"examples": examples, "seed": seed} if data is not None else {}
        self._slicing = Slicing(slicers, every, trajectory, {**options, **given})

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Make the logger and slice the first step."""
        first, processes = bool(state.is_world_process_zero), args.world_size
        if not self._slicing.takes_part(first, processes):
            return
        self._slicing.start(
            lambda: self._target(args),
            given["model"],
            lambda: self._data if self._data is not None else self._drawn(given),
            {"batch_loss": self._batch_loss},
            given.get("optimizer"),
            processes=processes,
            drawn=self._data is None,
        )
        self._slicing.at(state.global_step, state.epoch)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Slice if a slice is due, or if this was the last step."""
        self._slicing.at(state.global_step, state.epoch, last=control.should_training_stop)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Slice the last step, where training stops after this epoch."""
        self._slice_if_last(state, control)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Slice the last step, where this evaluation was one too many without an improvement."""
        self._slice_if_last(state, control)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close what the callback opened; the best parameters may be back by now."""
        self._slicing.end()

    def _slice_if_last(self, state: Any, control: Any) -> None:
        if control.should_training_stop:
            self._slicing.at(state.global_step, state.epoch, last=True)

    def _target(self, args: Any) -> Any:
        if self._writer is not None:
            return self._writer
        if self._trainer is not None:
            for callback in self._trainer.callback_handler.callbacks:
                writer = getattr(callback, "tb_writer", None)
                if is_summary_writer(writer):
                    return writer
        return _directory_of_scalars(args) or own_directory(args.output_dir)

    def _drawn(self, given: Mapping[str, Any]) -> dict[str, list[Any]]:
        loaders = {"train": given["train_dataloader"]}
        if self._validation:
            loaders |= self._validation_loaders()
        examples = EXAMPLES if self._examples is None else self._examples
        return {name: draw(loader, examples, self._seed) for name, loader in loaders.items()}

    def _validation_loaders(self) -> dict[str, Any]:
        trainer = self._trainer
        if trainer is None or trainer.eval_dataset is None:
            why = "has no evaluation data" if trainer is not None else "is not known: pass trainer="
            tell_of_no_validation(f"the Trainer {why}")
            return {}
        names = list(trainer.eval_dataset) if isinstance(trainer.eval_dataset, dict) else [None]
        prepared = trainer.accelerator._dataloaders
        before = list(prepared)
        try:
            with own_randomness(self._seed):
                return {name or "validation": trainer.get_eval_dataloader(name) for name in names}
        finally:
            # Loaders that a checkpoint of the accelerator would hold otherwise.
            prepared[:] = before


def own_loss(model: nn.Module, batch: Any) -> Any:
    """The loss that a model of transformers returns for a batch with labels.

    Raises:
        ValueError: it returns none.
    """
    outputs = model(**batch)
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else None
    if loss is None:
        raise ValueError(
            f"{type(model).__name__} returned no loss for a batch of {sorted(batch)}. Give the "
            "data labels, or pass SliceCallback(batch_loss=lambda model, batch: ...)."
        )
    return loss


def _directory_of_scalars(args: Any) -> Path | None:
    """Where this process writes the events of a Trainer's training; None if it writes none."""
    given = os.environ.get("TENSORBOARD_LOGGING_DIR")
    root = Path(given).expanduser() if given else Path(str(args.output_dir)) / "runs"
    # An event file's name holds the time and the process that it comes from.
    files = [f for f in root.rglob("events.out.tfevents.*") if f".{os.getpid()}." in f.name]
    return max(files, key=lambda file: file.stat().st_mtime_ns).parent if files else None
