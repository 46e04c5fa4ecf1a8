"""What is measured on one batch: the loss and the metrics, whatever form the user gives them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

BatchLoss = Callable[[nn.Module, Any], Any]
Metric = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss and metrics of a model on a batch, each averaged over the batch.

    Attributes:
        loss_fn: ``loss_fn(outputs, targets)`` for batches that are pairs.
        batch_loss: ``batch_loss(model, batch)`` for any other batch; excludes ``loss_fn``. Returns
            a loss, an object with a ``loss`` (the outputs of transformers), or a mapping with a
            ``"loss"`` whose other entries are metrics.
        metrics: name -> ``metric(outputs, targets)``, for batches that are pairs.
    """

    loss_fn: Callable[[Any, Any], Any] | None = None
    batch_loss: BatchLoss | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.loss_fn is None) == (self.batch_loss is None):
            raise TypeError(
                "LossSurface needs one of loss_fn(outputs, targets) and batch_loss(model, batch), "
                f"got {'neither' if self.loss_fn is None else 'both'}."
            )
        if not callable(self.loss_fn or self.batch_loss):
            raise TypeError(
                f"The loss is a {type(self.loss_fn or self.batch_loss).__name__}, "
                "expected something callable: loss_fn(outputs, targets)."
            )
        if self.batch_loss is not None and self.metrics:
            raise TypeError(
                "metrics=... goes with loss_fn. With batch_loss, return a mapping instead: "
                "{'loss': loss, 'accuracy': accuracy}."
            )
        if "loss" in self.metrics:
            raise ValueError("'loss' is the name of the loss; give the metric another one.")

    @property
    def adds_up(self) -> bool:
        """Whether the loss sums over examples, as ``nn.MSELoss(reduction="sum")`` does."""
        return getattr(self.loss_fn, "reduction", None) == "sum"

    def __call__(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Name -> scalar; the loss first.

        Raises:
            ValueError: the batch is no pair, or the loss is no number.
        """
        if self.batch_loss is not None:
            return _named(self.batch_loss(model, batch))
        inputs, targets = _pair(batch)
        outputs = _forward(model, inputs)
        assert self.loss_fn is not None
        results = {"loss": _scalar("loss", self.loss_fn(outputs, targets))}
        for name, metric in self.metrics.items():
            results[name] = _scalar(name, metric(outputs, targets))
        return results


def _pair(batch: Any) -> tuple[Any, Any]:
    if isinstance(batch, tuple | list) and len(batch) == 2:
        return batch[0], batch[1]
    raise ValueError(
        f"Expected batches of the form (inputs, targets), got a {type(batch).__name__}"
        f"{f' of {len(batch)}' if isinstance(batch, tuple | list) else ''}. "
        "Pass `batch_loss=lambda model, batch: ...` for any other form."
    )


def _forward(model: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, tuple | list):
        return model(*inputs)
    return model(inputs)


def _named(result: Any) -> dict[str, Tensor]:
    loss = getattr(result, "loss", None)
    if loss is not None:
        return {"loss": _scalar("loss", loss)}
    if not isinstance(result, Mapping):
        return {"loss": _scalar("loss", result)}
    if "loss" not in result:
        raise ValueError(
            f"batch_loss returned a mapping with {sorted(map(str, result))[:8]}, "
            "expected one with a 'loss'."
        )
    names = ["loss", *(name for name in result if name != "loss")]
    return {str(name): _scalar(str(name), result[name]) for name in names}


def _scalar(name: str, value: Any) -> Tensor:
    """A number of any kind as a tensor without dimensions; values per example are averaged."""
    if isinstance(value, Tensor):
        if value.is_complex():
            raise ValueError(f"{name!r} is complex; a loss surface has real values.")
        return (
            value
            if value.ndim == 0
            else value.mean(dtype=torch.promote_types(value.dtype, torch.float32))
        )
    try:
        return torch.tensor(float(value))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name!r} gave a {type(value).__name__}, expected a number or a tensor of numbers."
        ) from error
