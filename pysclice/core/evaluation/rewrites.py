"""Steps replaced by others that give the same, faster."""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from pysclice.core.evaluation import products
from pysclice.core.evaluation.tape import Slot, Step, Tape, slots_in

# The steps, the slots that move, and the tape they are from, which gives new slots.
Rewrite: TypeAlias = Callable[[list[Step], frozenset[Slot], Tape], list[Step]]

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
PRODUCTS = ("linear", "addmm")

# Their results are new tensors, which nobody else looks at.
_MAKES_NEW = (
    *CONVOLUTIONS,
    "_pooled",
    *PRODUCTS,
    "batch_norm",
    "layer_norm",
    "group_norm",
    "add",
    "mul",
    "sub",
)


def uses(steps: Sequence[Step], outputs: Any) -> Counter[Slot]:
    """How often each slot is asked for."""
    found = Counter(slot for step in steps for slot in step.operands)
    found.update(slots_in(outputs))
    return found


def arguments(step: Step) -> dict[str, Any] | None:
    """The arguments of a Python function by name; None where they cannot be told."""
    try:
        bound = inspect.signature(step.function).bind(*step.args, **step.kwargs)
    except (TypeError, ValueError):
        return None
    bound.apply_defaults()
    return dict(bound.arguments)


def fold_batch_norm(steps: list[Step], moving: frozenset[Slot], tape: Tape) -> list[Step]:
    """BatchNorm with fixed statistics, after a convolution, becomes part of its weights.

    ``gamma (W x + b - mean) / sqrt(var + eps) + beta`` is a convolution with ``W gamma /
    sqrt(var + eps)``; computed anew at each point, so that gamma and beta may move too.
    """
    count = uses(steps, tape.outputs)
    made = {step.results[0]: step for step in steps if step.single}
    result: list[Step] = []
    for step in steps:
        given = arguments(step) if step.name == "batch_norm" else None
        before = made.get(given["input"]) if given else None
        if (
            given is None
            or before is None
            or before.name not in CONVOLUTIONS
            or count[before.results[0]] > 1
            or given["training"]
            or not isinstance(given["running_mean"], Slot)
            or not isinstance(given["running_var"], Slot)
        ):
            result.append(step)
            continue
        weight, bias = tape.new_slot(), tape.new_slot()
        convolution = _convolution(before)
        statistics = (given["running_mean"], given["running_var"], given["weight"], given["bias"])
        factors = (convolution["weight"], convolution["bias"], *statistics, given["eps"])
        result.remove(before)
        result.append(Step(_folded, factors, {}, (weight, bias), False, ()))
        convolution |= {"weight": weight, "bias": bias}
        result.append(
            dataclasses.replace(
                before, args=(), kwargs=convolution, results=step.results, shapes=step.shapes
            )
        )
    return result


def _convolution(step: Step) -> dict[str, Any]:
    """Arguments of a convolution by name."""
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    return {"bias": None, **dict(zip(names, step.args, strict=False)), **step.kwargs}


def _folded(
    weight: Tensor,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor]:
    scale = torch.rsqrt(variance + eps)
    if gamma is not None:
        scale = scale * gamma
    shift = -mean * scale if bias is None else (bias - mean) * scale
    if beta is not None:
        shift = shift + beta
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), shift


def pool_first(steps: list[Step], moving: frozenset[Slot], tape: Tape) -> list[Step]:
    """The rectifier after the maximum, which is the same with fewer numbers to rectify."""
    count = uses(steps, tape.outputs)
    result = list(steps)
    for number, step in enumerate(result[:-1]):
        after = result[number + 1]
        if (
            step.name == "relu"
            and after.name in ("max_pool1d", "max_pool2d", "max_pool3d")
            and after.single
            and after.args[:1] == step.results
            and count[step.results[0]] == 1
        ):
            between = tape.new_slot()
            pooled = dataclasses.replace(
                after, args=(step.args[0], *after.args[1:]), results=(between,)
            )
            relu = Step(torch.relu, (between,), {}, after.results, True, after.shapes)
            result[number : number + 2] = [pooled, relu]
    return result


def channels_last(steps: list[Step], moving: frozenset[Slot], tape: Tape) -> list[Step]:
    """What rests and goes into a convolution of images lies in memory as the fast kernels want it.

    What moves lies there already: parameters as ``Point`` lays them out, activations since
    convolutions keep the layout.
    """
    moves = set(moving)
    result: list[Step] = []
    laid_out: dict[Slot, Slot] = {}
    for step in steps:
        if moves & set(step.operands):
            moves |= set(step.results)
        if step.name == "conv2d":
            given = _convolution(step)
            for name in ("input", "weight"):
                slot = given[name]
                if slot in moves:
                    continue
                if slot not in laid_out:
                    laid_out[slot] = tape.new_slot()
                    new = Step(_channels_last, (slot,), {}, (laid_out[slot],), True, ())
                    result.append(new)
                given[name] = laid_out[slot]
            step = dataclasses.replace(step, args=(), kwargs=given)
        elif step.name == "view" and isinstance(step.args[-1], int | tuple | list):
            # What lies otherwise in memory cannot always be looked at otherwise.
            step = dataclasses.replace(step, function=Tensor.reshape)
        result.append(step)
    return result


def _channels_last(tensor: Tensor) -> Tensor:
    if tensor.ndim != 4:
        return tensor
    return tensor.contiguous(memory_format=torch.channels_last)


def pool_by_maxima(steps: list[Step], moving: frozenset[Slot], tape: Tape) -> list[Step]:
    """The maximum over squares that do not overlap, without the places where it was found.

    Torch's own looks for these places on a processor, which takes several times as long.
    """
    names = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    result = []
    for step in steps:
        if step.name == "max_pool2d" and step.single:
            given = {**dict(zip(names, step.args, strict=False)), **step.kwargs}
            size = _pair(given["kernel_size"])
            plain = (
                _pair(given.get("stride") or size) == size
                and _pair(given.get("padding", 0)) == (0, 0)
                and _pair(given.get("dilation", 1)) == (1, 1)
                and not given.get("ceil_mode")
                and 1 < max(size) <= 3
            )
            if plain:
                step = dataclasses.replace(
                    step, function=_pooled, args=(given["input"], *size), kwargs={}
                )
        result.append(step)
    return result


def faster_products(steps: list[Step], moving: frozenset[Slot], tape: Tape) -> list[Step]:
    """Linear layers by oneDNN, where their size repays it."""
    return [_multiplied(step) for step in steps]


def _multiplied(step: Step) -> Step:
    if step.name == "linear":
        names = ("input", "weight", "bias")
        given = {"bias": None, **dict(zip(names, step.args, strict=False)), **step.kwargs}
        operands = tuple(given[name] for name in names)
        return dataclasses.replace(step, function=products.linear, args=operands, kwargs={})
    if step.name == "addmm" and len(step.args) == 3 and not step.kwargs:
        return dataclasses.replace(step, function=products.addmm)
    return step


def _pair(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def _pooled(inputs: Tensor, height: int, width: int) -> Tensor:
    rows, columns = inputs.shape[-2] // height, inputs.shape[-1] // width
    inputs = inputs[..., : rows * height, : columns * width]
    found = inputs[..., ::height, :]
    for offset in range(1, height):
        found = torch.maximum(found, inputs[..., offset::height, :])
    result = found[..., ::width]
    for offset in range(1, width):
        result = torch.maximum(result, found[..., offset::width])
    return result


def in_place(steps: Sequence[Step], wanted: Collection[Slot]) -> list[Step]:
    """Rectifiers and sums that overwrite what nobody needs any more, to spare memory a copy."""
    made = {step.results[0]: step for step in steps if step.single and step.name in _MAKES_NEW}
    count = Counter(slot for step in steps for slot in step.operands)
    result = []
    for step in steps:
        target = step.args[0] if step.args else None
        if (
            isinstance(target, Slot)
            and step.single
            and target in made
            and count[target] == 1  # so that nothing looks at the same memory either
            and target not in wanted
        ):
            if step.name == "relu":
                step = Step(functional.relu_, (target,), {}, step.results, True, step.shapes)
            elif step.name == "add" and _fits(made[target], step):
                step = dataclasses.replace(step, function=_added)
            if step.function in (functional.relu_, _added):
                made[step.results[0]] = step
        result.append(step)
    return result


def _fits(target: Step, step: Step) -> bool:
    return bool(target.shapes) and target.shapes == step.shapes


def _added(target: Tensor, other: Any, **options: Any) -> Tensor:
    if isinstance(other, Tensor) and other.dtype != target.dtype:
        return torch.add(target, other, **options)
    return target.add_(other, **options)
