"""Points and directions in parameter space: dictionaries of tensors, and their arithmetic.

A ``Parameters`` holds every trainable tensor of a model by name. A ``Direction`` holds a tensor
per parameter that moves; a name it leaves out stays where it is.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

Parameters: TypeAlias = dict[str, Tensor]
Direction: TypeAlias = Mapping[str, Tensor]

_LOW_PRECISION = (torch.float16, torch.bfloat16)


def direction_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which a direction for parameters of this dtype is kept.

    Half-precision parameters get float32 directions: sums are made in float32 and rounded once.
    """
    return torch.float32 if dtype in _LOW_PRECISION else dtype


def norm(direction: Direction) -> float:
    """L2 norm over all tensors together, summed in float64."""
    squares = [_squared_norm(tensor) for tensor in direction.values()]
    return math.sqrt(math.fsum(squares))


def dot(first: Direction, second: Direction) -> float:
    """Inner product over the tensors that both have, summed in float64 over tensors."""
    return math.fsum(
        float(torch.sum(first[name] * second[name].conj()).real) for name in first if name in second
    )


def _squared_norm(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor.detach()).double()) ** 2


def check_direction(direction: Direction, parameters: Parameters, label: str) -> None:
    """Nothing, if the direction fits the parameters.

    Raises:
        ValueError: a name that the parameters lack, another shape, or no tensor at all.
    """
    if not isinstance(direction, Mapping) or not direction:
        raise ValueError(
            f"{label} gave {type(direction).__name__} without tensors; expected a mapping from "
            "parameter names to tensors. Build it from `surface.parameters()`."
        )
    for name, tensor in direction.items():
        if name not in parameters:
            raise ValueError(
                f"{label} has a tensor {name!r}, which is not a trainable parameter of this model: "
                "it was made for another model. Build it from `surface.parameters()`."
            )
        if tensor.shape != parameters[name].shape:
            raise ValueError(
                f"{label} has shape {tuple(tensor.shape)} for {name!r}, whose shape is "
                f"{tuple(parameters[name].shape)}. Build it from `surface.parameters()`."
            )


def move(
    center: Parameters,
    directions: Sequence[Direction],
    coefficients: Sequence[float],
    out: Parameters,
) -> None:
    """Write ``center + sum of coefficient * direction`` into the tensors of ``out``.

    Always computed from the center, so that no error builds up from point to point. A coefficient
    of 0 leaves its direction out, which keeps the center's own bits. Half-precision parameters are
    summed in float32 and rounded once.
    """
    for name, target in out.items():
        start = center[name]
        terms = [
            (direction[name], coefficient)
            for direction, coefficient in zip(directions, coefficients, strict=True)
            if coefficient != 0.0 and name in direction
        ]
        if not terms:
            target.copy_(start)
        elif start.dtype in _LOW_PRECISION:
            total = start.float()
            for tensor, coefficient in terms:
                total.add_(tensor, alpha=coefficient)
            target.copy_(total)
        else:
            tensor, coefficient = terms[0]
            torch.add(start, tensor, alpha=coefficient, out=target)
            for tensor, coefficient in terms[1:]:
                target.add_(tensor, alpha=coefficient)


def recipe_fingerprint(recipe: Mapping[str, Any], parameters: Parameters) -> str:
    """16 hexadecimal digits of a recipe and of the names and shapes that it was applied to.

    Equal for every run of the same architecture, whatever the parameters' values.
    """
    shapes = [(name, list(tensor.shape)) for name, tensor in parameters.items()]
    text = json.dumps([recipe, shapes], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def bits_fingerprint(direction: Direction) -> str:
    """16 hexadecimal digits of the direction's names, shapes and bits."""
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(direction):
        tensor = direction[name].detach()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        # Chunks, so that a tensor on a GPU is never copied to the host as a whole.
        for chunk in tensor.contiguous().reshape(-1).split(2**22):
            digest.update(chunk.cpu().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
