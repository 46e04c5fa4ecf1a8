"""The loss surface: the function from parameters to the loss and metrics on fixed data."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Literal, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from pysclice.core.averages import Measurements
from pysclice.core.curvature import (
    TensorsOrNone,
    differentiable,
    gauss_newton_product,
    hessian_product,
)
from pysclice.core.data import (
    DataSet,
    batch_size,
    checked_weight,
    named_data_sets,
)
from pysclice.core.evaluation.choice import BACKENDS
from pysclice.core.evaluation.dispatch import evaluate, summary
from pysclice.core.evaluation.work import Work
from pysclice.core.kept_points import KeptPoints, key_of
from pysclice.core.normalization import Filters, filters_of
from pysclice.core.objective import BatchLoss, Metric, Objective
from pysclice.core.parameters import Direction, Parameters, check_direction, direction_dtype
from pysclice.core.ranks import ranks_of
from pysclice.core.sharding import gathering_modules, is_sharded, local_part, reshard
from pysclice.core.untouched import held_interrupts, own_randomness, stand_in
from pysclice.slices import Float64, Slice

Mode = Literal["eval", "train"]

# Of the dropout masks that a derivative in train mode sees: those of every point of a slice.
_EVALUATION_SEED = 0


class Slicer(Protocol):
    """A recipe for a slice: any callable of these two, such as ``Line``, ``Plane`` or your own."""

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Slice:
        """The slice around these parameters."""
        ...


class LossSurface:
    """A function from parameters to loss and metrics, on fixed data, that never touches the model.

    Args:
        model: any ``nn.Module``. Its trainable parameters (``requires_grad``) are the space; frozen
            ones and buffers stay what they are in the model at the time of looking.
        loss_fn: ``loss_fn(outputs, targets)`` for batches of the form ``(inputs, targets)``. Inputs
            that are a tuple or a mapping are passed as arguments or keywords. A loss per example is
            averaged; a loss with ``reduction="sum"`` is summed over all batches.
        data: ``(inputs, targets)``; or a DataLoader; or a list of batches; or a dictionary that
            names several of these. A single data set is called ``train``.
        batch_loss: ``batch_loss(model, batch)`` for any other form of batch; it returns a loss, an
            object with a ``loss``, or a mapping ``{"loss": ..., "accuracy": ...}``.
        metrics: name -> ``metric(outputs, targets)``; measured in the same pass as the loss.
        mode: ``"eval"`` (dropout off, BatchNorm with its running statistics) or ``"train"``. In
            train mode all points see the same dropout masks. The record says which.
        weight: ``weight(batch)``, the weight of a batch in the average. Default: its number of
            examples. Give the number of tokens where the loss averages over tokens.
        autocast: dtype in which to run the model under ``torch.autocast``; off by default, whatever
            the caller's context.
        cache_bytes: batches that fit in this many bytes are read once and kept on the model's
            device; larger data sets are read once for every slice.
        examples: measure on this many examples of each data set only, drawn without replacement
            from ``seed``: the same ones at every point, step and run. Smaller numbers draw subsets
            of larger ones. They are kept in memory. Standard errors say what the rest may change.
        seed: of the draw of examples.
        backend: how points are evaluated. ``"auto"`` takes whatever is fastest here, once it has
            agreed with the reference at the center, at a corner and at a random point; the record
            says what ran and what this check found. ``"reference"`` calls the model at every point
            and nothing else, so that equal inputs give equal bits. ``"replay"``, ``"stacked"`` and
            ``"graph"`` take one of the others wherever it agrees: replay of the functions that the
            model called, several points at once, and a captured CUDA graph. The last is never
            chosen by itself, since it has not been measured on a GPU yet.
        process_group: the ranks of torch.distributed that slice together. By default all ranks of a
            ``DistributedDataParallel`` model, which share the points among them, and all ranks of a
            model that ``fully_shard`` or ``parallelize_module`` divided, which measure every point
            together. Each of them has to take the same slices, on the same examples, and gets the
            same result. A group of your own is one for a model that is the same on all its ranks;
            ``None`` lets a rank slice alone.
        process_group_timeout: how many seconds a rank waits for the others once it has done its
            share. One that has ended is noticed at once; both raise an error on all ranks.

    Raises:
        TypeError: arguments of the wrong kind; the message names what was expected.
        ValueError: the model has no trainable parameters, or the data are empty.

    Channels are named ``<data set>/<loss or metric>``: ``train/loss``, ``validation/accuracy``.

    Where the loss or a metric has a value for each example (torch's own losses do, and whatever
    returns a tensor as long as the batch), slices carry standard errors.

    Example:
        >>> def accuracy(outputs, targets):
        ...     return (outputs.argmax(1) == targets).float()
        >>> data = {"train": (inputs[:64], targets[:64]), "validation": (inputs[64:], targets[64:])}
        >>> surface = ps.LossSurface(
        ...     model, nn.CrossEntropyLoss(), data, metrics={"accuracy": accuracy}
        ... )
        >>> list(surface(surface.parameters()))
        ['train/loss', 'train/accuracy', 'validation/loss', 'validation/accuracy']
        >>> line = surface.slice(ps.Line(ps.Random(seed=0), samples=13), examples=32)
        >>> line.examples, line.errors["train/loss"].shape
        (32, (1, 1, 13))
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Callable[[Any, Any], Any] | None = None,
        data: Any = None,
        *,
        batch_loss: BatchLoss | None = None,
        metrics: Mapping[str, Metric] | None = None,
        mode: Mode = "eval",
        weight: Callable[[Any], float] | None = None,
        autocast: torch.dtype | None = None,
        cache_bytes: int = 2**30,
        examples: int | None = None,
        seed: int = 0,
        backend: str = "auto",
        process_group: Any = "auto",
        process_group_timeout: float = 600.0,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"The model is a {type(model).__name__}, expected a torch.nn.Module.")
        if mode not in ("eval", "train"):
            raise ValueError(f"mode is {mode!r}, expected 'eval' or 'train'.")
        if backend not in BACKENDS:
            raise ValueError(f"backend is {backend!r}, expected one of {BACKENDS}.")
        if data is None:
            raise TypeError(
                "LossSurface needs data: (inputs, targets), a DataLoader, a list of batches, ..."
            )
        # Without compilation and without hooks that would wait for other ranks.
        self.model: nn.Module = unwrapped(model)
        for name, module in self.model.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                raise TypeError(
                    f"{f'Submodule {name!r}' if name else 'The model'} is a TorchScript module, "
                    "whose parameters cannot be exchanged; pass the module it was made from."
                )
            if hasattr(type(module), "stateless_call"):
                raise TypeError(
                    f"{f'Submodule {name!r}' if name else 'The model'} is a Keras model, which "
                    "computes with variables of its own: exchanging its parameters would change "
                    "nothing. Pass pysclice.integrations.keras.KerasModule(model)."
                )
        self.mode: Mode = mode
        self.backend = backend
        self._objective = Objective(loss_fn, batch_loss, metrics or {})
        self._weight = weight or batch_size
        self._autocast = autocast
        self._data_sets = named_data_sets(data, cache_bytes)
        self._subsamples: dict[tuple[int, int], list[DataSet]] = {}
        self._groups = 0
        self._seed = seed
        if examples is not None:
            self._data_sets = self._drawn(examples, seed)
        self._on_evaluation: Callable[[], None] | None = None
        self._found: dict[object, Any] | None = None
        self._reports: list[dict[str, Any]] | None = None
        # What a direction leaves for the next slice, such as the start of an iteration; the copies
        # of this surface that slices are taken with share it.
        self.kept: dict[object, Any] = {}
        # Where measured points are kept, so that they need not be measured again after a stop.
        self.kept_points: KeptPoints | None = None
        trainable = self._trainable()
        if not trainable:
            raise ValueError(
                "This model has no trainable parameters (requires_grad), so no surface."
            )
        self._sharded = any(map(is_sharded, trainable.values()))
        self.ranks = ranks_of(model, self._sharded, process_group, process_group_timeout)

    def _trainable(self) -> Parameters:
        reshard(gathering_modules(self.model))  # whose parameters else are others for a while
        own = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        for name, parameter in own.items():
            if isinstance(parameter, nn.parameter.UninitializedParameter):
                raise ValueError(
                    f"Parameter {name!r} is not initialized yet. Run the lazy model once first."
                )
        return cast(Parameters, own)

    @property
    def device(self) -> torch.device:
        """The device of the model's first trainable parameter; batches are moved there."""
        return next(p for p in self.model.parameters() if p.requires_grad).device

    def parameters(self) -> Parameters:
        """A detached copy of the model's trainable parameters: name -> tensor, as in the model."""
        return {name: tensor.detach().clone() for name, tensor in self._trainable().items()}

    def filters(self) -> dict[str, Filters]:
        """How each trainable parameter divides into filters: name -> Filters."""
        return filters_of(self.model)

    def __call__(
        self, parameters: Parameters, *, examples: int | None = None, seed: int | None = None
    ) -> dict[str, float]:
        """Loss and metrics at these parameters: channel -> float.

        Args:
            parameters: where.
            examples: measure on a draw of this many examples, as in the constructor.
            seed: of this draw; the constructor's, if left out.
        """
        surface = self if examples is None else self.subsampled(examples, seed)
        measured = surface.measure(parameters, [], np.zeros((1, 0)))
        return {name: float(values[0]) for name, values in measured.values.items()}

    @property
    def adds_up(self) -> bool:
        """Whether the loss is a sum over examples, which grows with their number, and no mean."""
        return self._objective.adds_up

    def subsampled(self, examples: int, seed: int | None = None) -> LossSurface:
        """The surface on a draw of this many examples of each data set; see the constructor.

        Args:
            examples: how many.
            seed: of the draw; the constructor's, if left out, so that a surface on a draw of its
                own is measured on a part of this draw.

        Raises:
            ValueError: fewer than one example.
        """
        result = copy.copy(self)
        result._seed = self._seed if seed is None else seed
        result._data_sets = self._drawn(examples, result._seed)
        return result

    def _drawn(self, examples: int, seed: int) -> list[DataSet]:
        if isinstance(examples, bool) or not isinstance(examples, int) or examples < 1:
            raise ValueError(f"examples is {examples!r}, expected a whole number of at least 1.")
        key = (examples, seed)
        if key not in self._subsamples:
            self._subsamples.clear()  # each holds its examples: only the latest draw is kept
            self._subsamples[key] = [
                dataclasses.replace(data_set, examples=examples, seed=seed, _drawn=None, _kept=None)
                for data_set in self._data_sets
            ]
        return self._subsamples[key]

    def slice(
        self,
        slicer: Slicer,
        parameters: Parameters | None = None,
        *,
        series: str = "",
        step: int = 0,
        epoch: float | None = None,
        examples: int | None = None,
        seed: int | None = None,
        replicates: int = 0,
        progress: bool | None = None,
    ) -> Slice:
        """What the slicer finds around the parameters.

        Args:
            slicer: ``Line``, ``Plane``, ``AxisParallel``, or any callable
                ``(surface, parameters) -> Slice``.
            parameters: the focus point; the model's current parameters if left out.
            series: the name under which slices of one slicer are collected.
            step: training step that the record names.
            epoch: epoch that the record names.
            examples: measure on a draw of this many examples of each data set, as in the
                constructor.
            seed: of this draw; the constructor's, if left out.
            replicates: divide the examples into this many groups and keep what the slice is without
                each of them: ``measures.estimate`` then gives any measure its standard error. The
                record grows by as many times its values.
            progress: whether to show a progress bar; if left out, in terminals and notebooks, for
                slices that take longer than a second.
        """
        if replicates and replicates < 2:
            raise ValueError(f"replicates is {replicates}, expected 0 or at least 2 groups.")
        center = self.current() if parameters is None else parameters
        began = time.perf_counter()
        watched = copy.copy(self) if examples is None else self.subsampled(examples, seed)
        watched._groups = replicates
        place = f"{series or type(slicer).__name__} at step {step}"
        together = nullcontext() if self.ranks is None else self.ranks.together(place)
        with together, _progress_bar(slicer, progress) as on_evaluation:
            watched._on_evaluation = on_evaluation
            watched._found = {}
            watched._reports = []
            found = slicer(watched, center)
        evaluation = summary(watched._reports)
        return dataclasses.replace(
            found,
            notes={**found.notes, **({"evaluation": evaluation} if evaluation else {})},
            series=series,
            step=step,
            epoch=epoch,
            wall_time=time.time(),
            seconds=time.perf_counter() - began,
        )

    def example_inputs(self) -> Any:
        """The inputs of the first batch, or the whole batch where it is no pair."""
        batch = next(self._data_sets[0].chunks(self.device))[0]
        return batch[0] if isinstance(batch, tuple | list) and len(batch) == 2 else batch

    def current(self) -> Parameters:
        """The model's own parameters, detached, not copied: valid until the next training step."""
        return {name: tensor.detach() for name, tensor in self._trainable().items()}

    def measure(
        self,
        center: Parameters,
        directions: Sequence[Direction],
        coefficients: Float64,
        *,
        buffers: Sequence[Direction] = (),
        recompute_batch_norm: bool = False,
    ) -> Measurements:
        """Loss and metrics at ``center + coefficients @ directions``.

        Every slice is measured by this one function. What evaluates the points is chosen by
        ``backend``; see the constructor.

        Args:
            center: the point from which the directions count.
            directions: parameters that a direction leaves out do not move along it.
            coefficients: (points, directions). If one of the points is the center itself (all 0),
                standard errors are measured from it.
            buffers: for each direction, what coordinate 1 adds to floating-point buffers of the
                model, by name; none move by default.
            recompute_batch_norm: at each point, average BatchNorm's statistics anew over the first
                data set before anything is measured. Takes a second pass over these data.

        Raises:
            ValueError: a direction or the center does not fit the model, there are no BatchNorm
                layers to recompute, or they are in train mode, where they have no statistics.
        """
        originals = self._trainable()
        self._check_center(center, originals)
        center = {name: center[name].to(original) for name, original in originals.items()}
        for number, direction in enumerate(directions):
            check_direction(direction, center, f"Direction {number}")
        if self._sharded:
            directions = [{n: local_part(t, center[n]) for n, t in d.items()} for d in directions]
        if recompute_batch_norm and self.mode == "train":
            raise ValueError(
                "In train mode BatchNorm uses the statistics of each batch, so there is nothing to "
                "recompute. Make the surface with mode='eval'."
            )
        device = self.device

        def measure_some(coefficients: Float64, again: int = 0) -> Measurements:
            return evaluate(
                dataclasses.replace(work, coefficients=coefficients),
                self._data_sets,
                self._weight,
                groups=self._groups,
                # Ranks that gather parameters from one another have to do the same in step.
                backend="reference" if self._sharded else self.backend,
                kept=self.kept,
                on_evaluation=_skipping(again, self._on_evaluation),
            )

        work = Work(
            model=self.model,
            objective=self._objective,
            originals=originals,
            center=center,
            directions=directions,
            coefficients=coefficients,
            buffers=buffers,
            mode=self.mode,
            device=device,
            precision=lambda: self._precision(device),
            recompute_batch_norm=recompute_batch_norm,
            given_buffers=self._given_buffers(),
        )
        if self.ranks is not None:
            measure = self.ranks.same if self._sharded else self.ranks.measure
            measured = measure(coefficients, work.at_center, measure_some)
        elif self.kept_points is None or len(coefficients) < 2:
            measured = measure_some(coefficients)
        else:
            tensors = [center, self._at_rest(originals), *directions, {}, *buffers]
            settings = self.settings(self.kept_points) | {"recompute": recompute_batch_norm}
            measured = self.kept_points.measured(
                key_of(settings, tensors), coefficients, measure_some, self._on_evaluation
            )
        if self._reports is not None:
            self._reports.append(measured.evaluation)
        return measured

    def _at_rest(self, originals: Parameters) -> dict[str, torch.Tensor]:
        """What decides about the loss beside the parameters: frozen ones and buffers."""
        frozen = {n: p for n, p in self.model.named_parameters() if n not in originals}
        return frozen | dict(self.model.named_buffers())

    def settings(self, kept_points: KeptPoints) -> dict[str, Any]:
        """What decides about the loss and is no tensor of the model; JSON values.

        Args:
            kept_points: remembers the fingerprints of data.
        """
        device = self.device
        return {
            "model": type(self.model).__qualname__,
            "objective": self._objective.settings,
            "mode": self.mode,
            "backend": self.backend,
            "autocast": str(self._autocast),
            "groups": self._groups,
            "device": device.type,
            "weight": getattr(self._weight, "__qualname__", ""),
            "data": [
                [data.name, data.examples, data.seed, kept_points.fingerprint_of_data(data, device)]
                for data in self._data_sets
            ],
        }

    @property
    def has_gradients(self) -> bool:
        """Whether ``gradient`` and products with the Hessian are there: not under fully_shard."""
        return not gathering_modules(self.model)

    def gradient(self, parameters: Parameters) -> Parameters:
        """Gradient of the first data set's loss at these parameters: name -> tensor.

        The model's own ``.grad`` is neither read nor written.
        """

        def of_batch(batch: Any, point: Parameters) -> TensorsOrNone:
            loss = self._objective.loss(self.model, batch)
            return torch.autograd.grad(loss, list(point.values()), allow_unused=True)

        return self._derivative(parameters, of_batch, 1)

    def hessian_product(self, parameters: Parameters, direction: Direction) -> Parameters:
        """The Hessian of the first data set's loss, times a direction: name -> tensor.

        Exact, by differentiating the gradient once more (Pearlmutter 1994, "Fast exact
        multiplication by the Hessian"); costs about seven forward passes.

        Raises:
            ValueError: the direction does not fit the parameters.
        """
        check_direction(direction, parameters, "The direction")

        def of_batch(batch: Any, point: Parameters) -> TensorsOrNone:
            return hessian_product(self._objective.loss(self.model, batch), point, direction)

        return self._derivative(parameters, of_batch, 2)

    def gauss_newton_product(self, parameters: Parameters, direction: Direction) -> Parameters:
        """The generalized Gauss-Newton matrix of that loss, times a direction: name -> tensor.

        ``J^T H J v`` with J the Jacobian of the model's outputs and H the Hessian of ``loss_fn``
        with respect to them, averaged as in ``hessian_product`` (Schraudolph 2002, "Fast curvature
        matrix-vector products for second-order gradient descent", doi:10.1162/08997660260028683).
        It has no negative eigenvalues where the loss is convex in the outputs, and it is the
        Hessian where the model is linear in its parameters. Costs as much as ``hessian_product``.

        Outputs may be a tensor, or tuples, lists and mappings of tensors.

        Raises:
            ValueError: the direction does not fit the parameters; the surface has a ``batch_loss``,
                which hides the outputs; the loss sees the parameters otherwise than by outputs.
        """
        check_direction(direction, parameters, "The direction")

        def of_batch(batch: Any, point: Parameters) -> TensorsOrNone:
            outputs, loss_of = self._objective.outputs(self.model, batch)
            return gauss_newton_product(outputs, loss_of, point, direction)

        return self._derivative(parameters, of_batch, 2)

    def _derivative(
        self,
        parameters: Parameters,
        of_batch: Callable[[Any, Parameters], TensorsOrNone],
        times: int,
    ) -> Parameters:
        """The average over the first data set of what differentiating a batch some times gives."""
        originals = self._trainable()
        self._check_center(parameters, originals)
        if not self.has_gradients:
            # It would gather its own parameters, and the gradient with respect to others is 0.
            raise ValueError(
                "Gradients and Hessian products of a model under fully_shard are not there yet. "
                "Take directions that need none, such as Random or Towards, and coordinates that "
                "are given or drawn: AxisParallel(choose='random')."
            )
        point = {
            name: parameters[name].detach().to(original, copy=True).requires_grad_()
            for name, original in originals.items()
        }
        total = {
            name: torch.zeros_like(t, dtype=direction_dtype(t.dtype))
            for name, t in originals.items()
        }
        weight_sum, position = 0.0, 0
        with (
            held_interrupts() as interrupts,
            own_randomness(_EVALUATION_SEED) as randomness,
            torch.enable_grad(),
            stand_in(self.model, originals, point, self.mode, self._given_buffers()),
            differentiable(self.model, times),
            self._precision(self.device),
        ):
            for batches in self._data_sets[0].chunks(self.device):
                for batch in batches:
                    weight = 1.0 if self._objective.adds_up else checked_weight(self._weight, batch)
                    randomness.restart(position)  # as at every point of a slice
                    position += 1
                    for name, found in zip(point, of_batch(batch, point), strict=True):
                        if found is not None:
                            total[name].add_(found.detach(), alpha=weight)
                    weight_sum += weight
                    interrupts.deliver()
        scale = 1.0 if self._objective.adds_up else 1.0 / weight_sum
        return {name: tensor.mul_(scale) for name, tensor in total.items()}

    def evaluated(self) -> None:
        """Move the progress bar on by an evaluation that ``measure`` has no part in."""
        if self._on_evaluation is not None:
            self._on_evaluation()

    def once(self, key: object, find: Callable[[], Any]) -> Any:
        """What ``find`` gives, asked for once during a slice: two directions may need the same.

        Args:
            key: hashable; equal keys mean equal findings for one surface and one focus point.
            find: called the first time, and outside of ``slice`` every time.
        """
        if self._found is None:
            return find()
        if key not in self._found:
            self._found[key] = find()
        return self._found[key]

    def _given_buffers(self) -> dict[str, Tensor]:
        """Buffers in which ranks differ, such as BatchNorm's statistics: the first rank's count."""
        ranks = self.ranks
        if ranks is None:
            return {}
        own = dict(self.model.named_buffers())
        found: dict[str, Tensor] = self.once("buffers", lambda: ranks.of_first(own))
        return found

    def _check_center(self, center: Parameters, originals: Parameters) -> None:
        missing = [name for name in originals if name not in center]
        if missing:
            raise ValueError(
                f"The parameters lack {missing[0]!r} (and {len(missing) - 1} more) of this model. "
                "Start from `surface.parameters()`."
            )
        check_direction({n: center[n] for n in originals}, originals, "The focus point")

    def _precision(self, device: torch.device) -> Any:
        if self._autocast is not None:
            return torch.autocast(device.type, dtype=self._autocast)
        if torch.amp.is_autocast_available(device.type):
            return torch.autocast(device.type, enabled=False)
        return nullcontext()


def unwrapped(model: nn.Module) -> nn.Module:
    """The user's own module, which shares its parameters with the wrappers around it.

    Raises:
        TypeError: a wrapper that keeps its parameters in another form.
    """
    while True:
        if isinstance(model, nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(original := getattr(model, "_orig_mod", None), nn.Module):
            model = original
        elif type(model).__name__ == "FullyShardedDataParallel":
            raise TypeError(
                "The model is wrapped by FullyShardedDataParallel, which flattens its parameters. "
                "Use its successor: torch.distributed.fsdp.fully_shard(model)."
            )
        else:
            return model


def _skipping(count: int, on_evaluation: Callable[[], None] | None) -> Callable[[], None] | None:
    """The same callback, which leaves out its first calls: points that were counted before."""
    if on_evaluation is None or not count:
        return on_evaluation
    left = itertools.count(-count)
    return lambda: on_evaluation() if next(left) >= 0 else None


class _progress_bar:
    """A bar for long slices, or nothing; entering gives what to call after each evaluation."""

    def __init__(self, slicer: object, wanted: bool | None) -> None:
        self._slicer = slicer
        self._wanted = wanted
        self._bar: Any = None

    def __enter__(self) -> Callable[[], None] | None:
        if self._wanted is False:
            return None
        from tqdm.auto import tqdm  # draws itself in a terminal or in a notebook

        self._bar = tqdm(
            total=getattr(self._slicer, "evaluations", None),
            desc=type(self._slicer).__name__,
            unit=" evaluations",
            delay=0 if self._wanted else 1,
            # A notebook's error stream says it is no terminal, but shows bars all the same.
            disable=not (self._wanted or sys.stderr.isatty() or "ipykernel" in sys.modules),
            leave=False,
        )
        return cast(Callable[[], None], self._bar.update)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
