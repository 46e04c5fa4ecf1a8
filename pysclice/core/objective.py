"""What is measured on one batch: the loss and the metrics, whatever form the user gives them in."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

BatchLoss = Callable[[nn.Module, Any], Any]
Metric = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Result:
    """What one quantity is on one batch.

    Attributes:
        mean: tensor without dimensions; the sum where the loss adds up.
        each: (examples,), the values that it averages, where there is one for each example.
    """

    mean: Tensor
    each: Tensor | None = None


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

    @functools.cached_property
    def _loss_of_each(self) -> Callable[[Any, Any], Any] | None:
        """The loss without its reduction, if it is one of torch's, which can be asked for it."""
        loss_fn = self.loss_fn
        if isinstance(loss_fn, nn.Module) and getattr(loss_fn, "reduction", None) in (
            "mean",
            "sum",
        ):
            unreduced: Any = copy.copy(loss_fn)
            unreduced.reduction = "none"
            return unreduced  # type: ignore[no-any-return]  # a copy of what was callable
        function: Any = loss_fn.func if isinstance(loss_fn, functools.partial) else loss_fn
        if getattr(function, "__module__", None) != "torch.nn.functional":
            return None
        if "reduction" not in inspect.signature(function).parameters:
            return None
        unreduced_function: Callable[..., Any] = functools.partial(
            cast(Callable[..., Any], loss_fn), reduction="none"
        )
        return unreduced_function

    def __call__(
        self, model: nn.Module, batch: Any, examples: int | None = None
    ) -> dict[str, Result]:
        """Name -> result; the loss first.

        Args:
            model: the model.
            batch: the batch.
            examples: how many examples the batch holds. If given, results say what each example
                contributes, wherever the loss or metric can tell.

        Raises:
            ValueError: the batch is no pair, or the loss is no number.
        """
        if self.batch_loss is not None:
            return _named(self.batch_loss(model, batch), examples)
        inputs, targets = _pair(batch)
        outputs = _forward(model, inputs)
        results = {"loss": self._loss(outputs, targets, examples)}
        for name, metric in self.metrics.items():
            results[name] = _result(name, metric(outputs, targets), examples)
        return results

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """The loss alone, to be differentiated, which metrics need not stand.

        Raises:
            ValueError: the batch is no pair, or the loss is no number.
        """
        if self.batch_loss is not None:
            return _named(self.batch_loss(model, batch), None)["loss"].mean
        outputs, loss_of = self.outputs(model, batch)
        return loss_of(outputs)

    def outputs(self, model: nn.Module, batch: Any) -> tuple[Any, Callable[[Any], Tensor]]:
        """The model's outputs on a batch, and the loss as a function of outputs.

        Raises:
            ValueError: there is a ``batch_loss``, which calls the model itself; or the batch is no
                pair.
        """
        if self.loss_fn is None:
            raise ValueError(
                "The generalized Gauss-Newton matrix needs the model's outputs apart from the "
                "loss, and batch_loss hides them. Make the surface with loss_fn(outputs, targets), "
                "or ask for the matrix 'Hessian'."
            )
        inputs, targets = _pair(batch)
        return _forward(model, inputs), lambda outputs: self._loss(outputs, targets, None).mean

    def _loss(self, outputs: Any, targets: Any, examples: int | None) -> Result:
        assert self.loss_fn is not None
        found = _result("loss", self.loss_fn(outputs, targets), examples)
        if examples is None or found.each is not None or self._loss_of_each is None:
            return found
        each = self._loss_of_each(outputs, targets)
        if not isinstance(each, Tensor) or each.ndim == 0 or len(each) != examples:
            return found
        total = each.reshape(examples, -1).sum(1) if self.adds_up else _over_examples(each)
        # Weights of classes and ignored targets make the mean another one than that of examples.
        whole = total.sum() if self.adds_up else total.mean(dtype=torch.float64)
        tolerance = 2e-2 if found.mean.dtype in (torch.float16, torch.bfloat16) else 1e-4
        close = torch.isclose(whole.double(), found.mean.double(), tolerance, 1e-7, equal_nan=True)
        return Result(found.mean, total.where(close, torch.nan))


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


def _named(result: Any, examples: int | None) -> dict[str, Result]:
    loss = getattr(result, "loss", None)
    if loss is not None:
        return {"loss": _result("loss", loss, examples)}
    if not isinstance(result, Mapping):
        return {"loss": _result("loss", result, examples)}
    if "loss" not in result:
        raise ValueError(
            f"batch_loss returned a mapping with {sorted(map(str, result))[:8]}, "
            "expected one with a 'loss'."
        )
    names = ["loss", *(name for name in result if name != "loss")]
    return {str(name): _result(str(name), result[name], examples) for name in names}


def _result(name: str, value: Any, examples: int | None) -> Result:
    mean = _scalar(name, value)
    if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != examples:
        return Result(mean)
    return Result(mean, _over_examples(value))


def _over_examples(values: Tensor) -> Tensor:
    """(examples,): each example's own average."""
    flat = values.detach().reshape(len(values), -1)
    return flat.mean(1, dtype=torch.promote_types(flat.dtype, torch.float32))


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
