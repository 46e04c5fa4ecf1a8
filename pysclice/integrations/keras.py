"""Slices of Keras 3 models that compute with torch, from inside ``model.fit``."""

from __future__ import annotations

import os
from typing import Any

from torch import Tensor, nn

try:
    import keras
except ImportError as _error:
    raise ModuleNotFoundError(
        "pysclice.integrations.keras needs keras: pip install 'pysclice[keras]'."
    ) from _error

from pysclice.core.trajectory import Trajectory
from pysclice.integrations.slicing import Slicers, Slicing

if keras.backend.backend() != "torch":
    raise ImportError(
        f"Keras computes with {keras.backend.backend()} here, and pysclice slices torch models. "
        "Set the environment variable KERAS_BACKEND=torch before keras is imported."
    )


class KerasModule(nn.Module):
    """A Keras model as a module whose parameters can be exchanged, for ``LossSurface``.

    Keras registers its variables as torch parameters, but computes with variables of its own. This
    module holds the same tensors by the variables' paths, and runs the model on whatever stands in
    their places. Nothing that the model assigns meanwhile (BatchNorm's averages, seeds, metrics)
    reaches it. Its loss is that of ``model.compile``, regularization included.

    Args:
        model: a built and compiled model.

    Raises:
        ValueError: the model is not built or not compiled yet.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        if not model.built or not model.compiled:
            raise ValueError(
                "The Keras model is not built and compiled yet. Call it once, and model.compile."
            )
        # In a tuple: what is registered here are its tensors, once.
        self._model = (model,)
        self._variables = tuple(model.trainable_variables)
        for variable in self._variables:
            self.register_parameter(_name(variable), variable.value)

    def forward(self, inputs: Any) -> Any:
        """What the model predicts."""
        with self._standing():
            return self._model[0](inputs, training=self.training)

    def batch_loss(self, batch: Any) -> Any:
        """The loss that the model was compiled with, on ``(inputs, targets)``."""
        model, (inputs, targets) = self._model[0], batch
        with self._standing():
            outputs = model(inputs, training=self.training)
            loss = model.compute_loss(x=inputs, y=targets, y_pred=outputs, training=self.training)
        return loss

    def _standing(self) -> Any:
        found = [(variable, getattr(self, _name(variable))) for variable in self._variables]
        return keras.StatelessScope(state_mapping=found)


class SliceCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras carries no types
    """Takes slices while ``model.fit`` trains a Keras model on the torch backend.

    Slices are taken at the first step, whenever they are due, and at the last step; steps are
    batches. Training comes out bit for bit as without the callback, and whatever goes wrong is told
    once, as a warning.

    Args:
        target: a ``SummaryWriter`` or a log directory.
        data: what to slice on, in any form that ``LossSurface`` takes, as torch tensors: ``fit``
            does not show its data to a callback.
        slicers: series name -> slicer; or a function ``(surface) -> slicers``. Default: those of
            ``SliceLogger``.
        every: when slices are due, as of ``SliceLogger``.
        trajectory: records the parameters at each step; slicers that show it get the same one.
        options: what else ``LossSurface`` and ``SliceLogger`` take: ``examples=512``,
            ``budget=0.02``, ``mode="train"`` (the surface's), ...

    Raises:
        TypeError: unknown options.

    Example:
        .. code-block:: python

            from pysclice.integrations.keras import SliceCallback

            model.fit(x, y, callbacks=[SliceCallback("runs/mine", (inputs, targets), every=500)])
    """

    def __init__(
        self,
        target: Any | str | os.PathLike[str],
        data: Any,
        slicers: Slicers | None = None,
        *,
        every: Any = 500,
        trajectory: Trajectory | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._target = target
        self._data = data
        self._slicing = Slicing(slicers, every, trajectory, options)
        self._step = 0
        self._epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Make the logger and slice the first step; ``fit`` has built the model by now."""
        self._step, self._epoch = int(self.model.optimizer.iterations.value), 0
        self._slicing.start(
            lambda: self._target,
            lambda: KerasModule(self.model),
            lambda: self._data,
            {"batch_loss": _compiled_loss},
        )
        self._slicing.at(self._step, self._epoch)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Know the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Slice if a slice is due."""
        self._step += 1
        self._slicing.at(self._step, self._epoch)

    def on_train_end(self, logs: Any = None) -> None:
        """Slice the last step."""
        self._slicing.at(self._step, self._epoch + 1, last=True)
        self._slicing.end()


def _compiled_loss(model: KerasModule, batch: Any) -> Tensor:
    loss: Tensor = model.batch_loss(batch)
    return loss


def _name(variable: Any) -> str:
    """The path of a variable, without the dots that divide the names of modules."""
    return str(variable.path).replace(".", "_")
