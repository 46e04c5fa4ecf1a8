"""What is measured on one batch: the loss and the metrics, whatever form the user gives them in."""

from __future__ import annotations

import copy
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

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

    @property
    def is_stateless(self) -> bool:
        """Whether loss and metrics are known to keep nothing from one call to the next."""
        loss_fn: Any = self.loss_fn
        if isinstance(loss_fn, functools.partial):
            loss_fn = loss_fn.func
        known = ("torch.nn.functional", "torch.nn.modules.loss")
        home = type(loss_fn) if isinstance(loss_fn, nn.Module) else loss_fn
        return not self.metrics and getattr(home, "__module__", None) in known

    @property
    def is_cross_entropy(self) -> bool:
        """Whether the loss is the plain cross-entropy of outputs (examples, classes)."""
        loss_fn: Any = self.loss_fn
        if isinstance(loss_fn, functools.partial) and not loss_fn.args:
            options, loss_fn = loss_fn.keywords, loss_fn.func
            if set(options) - {"reduction"}:
                return False
        if loss_fn is nn.functional.cross_entropy:
            return True
        return (
            type(loss_fn) is nn.CrossEntropyLoss
            and loss_fn.weight is None
            and loss_fn.label_smoothing == 0.0
            and loss_fn.ignore_index < 0
        )

    @property
    def settings(self) -> dict[str, Any]:
        """What tells this objective from others, as far as names and settings do; JSON values."""
        loss: Any = self.loss_fn or self.batch_loss
        tensors = {}
        if isinstance(loss, nn.Module):
            tensors = {n: t.detach().flatten().tolist() for n, t in loss.state_dict().items()}
        return {
            "loss": _described(loss),
            "tensors": tensors,
            "metrics": {name: _described(metric) for name, metric in self.metrics.items()},
        }

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
        self,
        model: nn.Module,
        batch: Any,
        examples: int | None = None,
        loss_of_each: bool | None = None,
    ) -> dict[str, Tensor]:
        """Name -> what it is on the batch; the loss first.

        A tensor without dimensions is the average over the batch (the sum, where the loss adds
        up); one of shape (examples,) says what each example contributes to it.

        Args:
            model: the model.
            batch: the batch.
            examples: how many examples the batch holds. If given, results have a value for each of
                them, wherever the loss or metric can tell.
            loss_of_each: whether to ask a loss of torch's for its values per example and not for
                their average. Left out: both are asked for, and the values count if they agree.

        Raises:
            ValueError: the batch is no pair, or the loss is no number.
        """
        return self.assess(self.predict(model, batch, examples), batch, examples, loss_of_each)

    @property
    def sees_outputs(self) -> bool:
        """Whether the model's outputs are known apart from the loss."""
        return self.loss_fn is not None

    def predict(self, model: nn.Module, batch: Any, examples: int | None = None) -> Any:
        """The first half of a call: all that needs the model. ``assess`` is the other half.

        The model's outputs; or the results themselves, where ``batch_loss`` hides the outputs.
        """
        if self.batch_loss is not None:
            return _named(self.batch_loss(model, batch), examples)
        return _forward(model, _pair(batch)[0])

    def assess(
        self,
        predicted: Any,
        batch: Any,
        examples: int | None = None,
        loss_of_each: bool | None = None,
        *,
        loss: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """What ``predict`` found on a batch, as loss and metrics; see ``__call__``.

        Args:
            predicted: what it found.
            batch: the batch.
            examples: see ``__call__``.
            loss_of_each: see ``__call__``.
            loss: the loss, where it is known already.
        """
        if self.batch_loss is not None:
            found: dict[str, Tensor] = predicted
            return found
        targets = _pair(batch)[1]
        if loss is None:
            loss = self._loss(predicted, targets, examples, loss_of_each)
        results = {"loss": loss}
        for name, metric in self.metrics.items():
            results[name] = _result(name, metric(predicted, targets), examples)
        return results

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """The loss alone, to be differentiated, which metrics need not stand.

        Raises:
            ValueError: the batch is no pair, or the loss is no number.
        """
        if self.batch_loss is not None:
            return _named(self.batch_loss(model, batch), None)["loss"]
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
        return _forward(model, inputs), lambda outputs: self._loss(outputs, targets)

    def _loss(
        self,
        outputs: Any,
        targets: Any,
        examples: int | None = None,
        of_each: bool | None = None,
    ) -> Tensor:
        assert self.loss_fn is not None
        unreduced = None if examples is None or of_each is False else self._loss_of_each
        if unreduced is None:
            return _result("loss", self.loss_fn(outputs, targets), examples)
        each = unreduced(outputs, targets)
        fits = isinstance(each, Tensor) and each.ndim > 0 and len(each) == examples
        if fits:
            each = _over_examples(each, adds_up=self.adds_up)
            if of_each:
                return each
        reduced = _result("loss", self.loss_fn(outputs, targets), examples)
        # Weights of classes and ignored targets make the mean another one than that of examples.
        return each if fits and self._agree(each, reduced) else reduced

    def _agree(self, each: Tensor, reduced: Tensor) -> bool:
        whole = each.sum() if self.adds_up else each.mean(dtype=torch.float64)
        tolerance = 2e-2 if reduced.dtype in (torch.float16, torch.bfloat16) else 1e-4
        # As numbers: torch takes forty times as long to compare two tensors of one element.
        a, b = whole.item(), reduced.item()
        if math.isfinite(a) and math.isfinite(b):
            return abs(a - b) <= 1e-7 + tolerance * abs(b)
        return a == b or (math.isnan(a) and math.isnan(b))


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


def _named(result: Any, examples: int | None) -> dict[str, Tensor]:
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


def _result(name: str, value: Any, examples: int | None) -> Tensor:
    if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != examples:
        return _scalar(name, value)
    if value.is_complex():
        raise ValueError(f"{name!r} is complex; a loss surface has real values.")
    return _over_examples(value)


def _over_examples(values: Tensor, *, adds_up: bool = False) -> Tensor:
    """(examples,): each example's own average, or sum."""
    dtype = torch.promote_types(values.dtype, torch.float32)
    if values.ndim == 1:
        return values.detach().to(dtype)
    flat = values.detach().reshape(len(values), -1)
    return flat.sum(1, dtype=dtype) if adds_up else flat.mean(1, dtype=dtype)


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


def _described(function: Any) -> str:
    """A callable by name and settings, the same text in every process."""
    if isinstance(function, nn.Module):
        # What a module shows of itself leaves settings out, such as a label smoothing.
        plain = [
            sorted((k, v) for k, v in vars(m).items() if isinstance(v, bool | int | float | str))
            for m in function.modules()
        ]
        return f"{type(function).__module__}.{function!r}{plain}"
    if isinstance(function, functools.partial):
        options = sorted((name, repr(value)) for name, value in function.keywords.items())
        return f"{_described(function.func)}{list(map(repr, function.args))}{options}"
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
