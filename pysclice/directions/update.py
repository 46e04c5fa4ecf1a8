"""What the optimizer's last step did."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from pysclice.core.normalization import (
    NORMALIZATIONS,
    Normalization,
    check_normalization,
    normalize,
)
from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable


class Update(Composable):
    """The last step of an optimizer: the parameters after it minus those before.

    Without a normalization coordinate -1 is the model before the step, 0 the model now, and 1 the
    model after one more such step. Momentum, adaptive rates, clipping and weight decay are in it,
    which the gradient does not know of.

    The parameters are copied before every step from now on, into tensors of their own on the same
    device: once the memory of the parameters, and the time to copy them. Training comes out bit
    for bit the same. Parameters that are written to by anything else than the optimizer's step (a
    checkpoint that is loaded, averaged weights) count as moved by it until the next step.

    Args:
        optimizer: any torch optimizer, also one whose steps take a closure, such as LBFGS.
        normalization: ``"none"`` (default), ``"unit"``, ``"filter"``, ``"layer"`` or ``"model"``.

    Raises:
        TypeError: no torch optimizer.
        ValueError: an unknown normalization.

    Example:
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> update = ps.Update(optimizer)
        >>> nn.functional.cross_entropy(model(inputs), targets).backward()
        >>> before = surface(surface.parameters())["train/loss"]
        >>> optimizer.step()
        >>> line = surface.slice(ps.Line(update, samples=3))
        >>> bool(np.isclose(line.losses[0, 0, 0], before))
        True
        >>> line.axes[0].description
        'Last step of SGD, not normalized'
        >>> update.close()
    """

    name = "update"
    method = "update"

    def __init__(self, optimizer: Optimizer, normalization: Normalization = "none") -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"Update got a {type(optimizer).__name__}, expected a torch.optim.Optimizer: the "
                "one that steps, where another one wraps it."
            )
        check_normalization(normalization)
        self.normalization = normalization
        self._optimizer = type(optimizer).__name__
        # By the parameter itself: an optimizer knows no names. Tensors hash by identity.
        self._before: dict[Tensor, Tensor] = {}
        itself = weakref.ref(self)

        def copy(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            update = itself()
            if update is not None:
                update._copy(optimizer)

        # Weakly held, so that an update that nobody asks for any more is not kept by the hook.
        self._handle = optimizer.register_step_pre_hook(copy)
        self._finalizer = weakref.finalize(self, self._handle.remove)

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        return f"Last step of {self._optimizer}, {NORMALIZATIONS[self.normalization]}"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """After minus before, a tensor for each parameter that the optimizer holds.

        Raises:
            ValueError: the optimizer has not stepped yet, or not with this model, or was closed.
        """
        if not self._finalizer.alive:
            raise ValueError("This update was closed, so it knows no step. Make another one.")
        if not self._before:
            raise ValueError(
                f"{self._optimizer} has not stepped since Update was made, so there is no update "
                "yet. Make it before training, and slice after a step."
            )
        update: Parameters = {}
        with torch.no_grad():
            for name, after in surface.model.named_parameters():
                before = self._before.get(after)
                if before is not None and name in parameters:
                    dtype = direction_dtype(after.dtype)
                    update[name] = after.detach().to(dtype) - before.to(after.device, dtype)
        if not update:
            raise ValueError(
                f"{self._optimizer} holds no trainable parameter of this model. Give Update the "
                "optimizer that trains the surface's own model."
            )
        return normalize(update, parameters, self.normalization, surface.filters())

    def close(self) -> None:
        """Copy no more, and give the memory back."""
        self._finalizer()
        self._before.clear()

    @torch.no_grad()
    def _copy(self, optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                before = self._before.get(parameter)
                if before is None or before.shape != parameter.shape:
                    self._before[parameter] = parameter.detach().clone()
                else:
                    before.copy_(parameter)
