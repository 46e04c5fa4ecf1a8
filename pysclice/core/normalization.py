"""Normalizations of a direction, and what a filter is.

| module, parameter                                      | a filter is                        |
|--------------------------------------------------------|------------------------------------|
| Linear, Bilinear, Conv1d-3d, recurrent: weights        | a slab along dimension 0: all that |
| MultiheadAttention: ``in_proj_weight`` and its kin     | feeds one output                   |
| ConvTranspose1d-3d: weight ``(in, out / groups, ...)`` | what feeds one output channel: a   |
|                                                        | group, an index along dimension 1  |
| transformers' Conv1D: weight ``(in, out)``             | a column                           |
| Embedding, EmbeddingBag: weight                        | a row: one token                   |
| any other tensor of 2 dimensions or more               | a slab along dimension 0           |
| biases, scales and other 1-D or 0-D tensors            | none: the direction is zero there  |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from pysclice.core.parameters import Direction, Parameters, norm
from pysclice.core.sharding import (
    is_sharded,
    local,
    sharded_as,
    sharded_dimensions,
    sum_over_shards,
)

Normalization = Literal["filter", "layer", "model", "unit", "none"]

NORMALIZATIONS: dict[str, str] = {
    "filter": "filter-normalized",
    "layer": "layer-normalized",
    "model": "scaled to the norm of the model",
    "unit": "scaled to unit length",
    "none": "not normalized",
}


@dataclass(frozen=True)
class Filters:
    """How a parameter divides into filters.

    Attributes:
        groups: dimension 0 is first split into this many equal parts.
        dimension: within a part, each index along this dimension is a filter. ``None``: the
            parameter has no filters.
    """

    dimension: int | None = 0
    groups: int = 1

    def norms(self, tensor: Tensor) -> Tensor:
        """L2 norm of every filter, in a shape that broadcasts against ``split(tensor)``.

        Raises:
            ValueError: the parameter has no filters.
        """
        if self.dimension is None:
            raise ValueError("This parameter has no filters, so they have no norms.")
        parts = self.split(tensor)
        others = [d for d in range(1, parts.ndim) if d != self.dimension + 1]
        norms: Tensor = torch.linalg.vector_norm(parts, dim=others, keepdim=True)
        return norms

    def split(self, tensor: Tensor) -> Tensor:
        """A view of shape (groups, size of dimension 0 / groups, *other dimensions)."""
        return tensor.reshape(self.groups, tensor.shape[0] // self.groups, *tensor.shape[1:])


_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def filters_of(model: nn.Module) -> dict[str, Filters]:
    """How each trainable parameter of a model divides into filters: name -> Filters."""
    result: dict[str, Filters] = {}
    named = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    for module in model.modules():
        for local_name, parameter in module.named_parameters(recurse=False):
            name = named.get(id(parameter))
            # A tied parameter is read as the first of its owners reads it.
            if name is not None and name not in result:
                result[name] = _filters_in(module, local_name, parameter)
    return result


def _filters_in(module: nn.Module, name: str, parameter: Tensor) -> Filters:
    if parameter.ndim < 2:
        return Filters(dimension=None)
    if isinstance(module, _TRANSPOSED) and name == "weight":
        return Filters(dimension=1, groups=module.groups)
    # Known by name, since importing transformers to ask would cost seconds.
    if type(module).__name__ == "Conv1D" and type(module).__module__.startswith("transformers"):
        return Filters(dimension=1)
    return Filters(dimension=0)


def check_normalization(normalization: str) -> None:
    """Nothing, if there is such a normalization.

    Raises:
        ValueError: there is not.
    """
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"Unknown normalization {normalization!r}; expected one of {sorted(NORMALIZATIONS)}."
        )


def normalize(
    direction: Direction,
    parameters: Parameters,
    normalization: Normalization,
    filters: dict[str, Filters],
) -> Parameters:
    """The direction, rescaled to what it moves.

    ``filter``: each filter gets the norm of the same filter of the parameters; tensors without
    filters (biases, scales) become zero (Li et al. 2018, arXiv:1712.09913, section 4).
    ``layer``: each tensor gets the norm of the same tensor of the parameters.
    ``model``: the direction as a whole gets the norm of all parameters together.
    ``unit``: the direction as a whole gets L2 norm 1, so that curvature along it is in units of
    the loss per squared parameter.
    ``none``: nothing changes.

    Where the direction itself is zero it stays zero.

    Raises:
        ValueError: an unknown normalization.
    """
    check_normalization(normalization)
    if normalization == "none":
        return dict(direction)
    if normalization in ("model", "unit"):
        goal = norm(parameters) if normalization == "model" else 1.0
        length = norm(direction)
        scale = goal / length if length > 0 else 0.0
        return {name: tensor.mul(scale) for name, tensor in direction.items()}
    if normalization == "layer":
        return {name: _like_layer(d, parameters[name]) for name, d in direction.items()}
    return {
        name: _like_filters(d, parameters[name], filters[name]) for name, d in direction.items()
    }


def _like_layer(direction: Tensor, parameter: Tensor) -> Tensor:
    if direction.is_sparse:
        return _like_layer(direction.to_dense(), parameter).to_sparse()
    if is_sharded(direction):
        goal, found = (
            torch.tensor(norm({"": tensor}), dtype=direction.dtype, device=direction.device)
            for tensor in (parameter, direction)
        )
        return sharded_as(local(direction).mul(_ratio(goal, found)), direction)
    goal = torch.linalg.vector_norm(parameter.to(direction.dtype))
    return direction.mul(_ratio(goal, torch.linalg.vector_norm(direction)))


def _like_filters(direction: Tensor, parameter: Tensor, filters: Filters) -> Tensor:
    if direction.is_sparse:
        return _like_filters(direction.to_dense(), parameter, filters).to_sparse()
    if filters.dimension is None:
        return torch.zeros_like(direction)
    if is_sharded(direction):
        return _like_sharded_filters(direction, parameter, filters)
    goal = filters.norms(parameter.to(direction.dtype))
    ratio = _ratio(goal, filters.norms(direction))
    return (filters.split(direction) * ratio).reshape(direction.shape)


def _like_sharded_filters(direction: Tensor, parameter: Tensor, filters: Filters) -> Tensor:
    if filters.groups > 1:
        raise ValueError(
            "Filter normalization of a transposed convolution with groups is not there for sharded "
            "models. Use Random(seed, 'layer')."
        )
    whole = sharded_dimensions(direction) <= {filters.dimension}
    norms = []
    for tensor in (parameter, direction):
        own = filters.norms(local(tensor).to(direction.dtype))
        if not whole:  # a filter is spread over ranks: its square is the sum of theirs
            squares = sum_over_shards(own.double() ** 2, tensor, filters.dimension)
            own = squares.sqrt().to(own.dtype)
        norms.append(own)
    own = local(direction)
    return sharded_as((filters.split(own) * _ratio(*norms)).reshape(own.shape), direction)


def _ratio(goal: Tensor, found: Tensor) -> Tensor:
    """``goal / found``, and 0 where nothing was found: a direction that is zero stays zero."""
    return torch.where(found > 0, goal / found, torch.zeros_like(goal))
