"""Models that no rank holds as a whole: what each rank does with its own shard.

Parameters of a model that was divided by ``fully_shard`` or ``parallelize_module`` are DTensors: a
tensor with a global shape, of which each rank holds a part. Their dictionaries stay dictionaries of
DTensors here, so that names and shapes are those of the whole model, while all arithmetic is done
on the local parts. Sums over a tensor, such as norms, are the only thing that ranks exchange.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def is_sharded(tensor: Any) -> bool:
    """Whether this is a DTensor."""
    # Where nobody has imported the module there are none, and importing it takes half a second.
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def local(tensor: Tensor) -> Tensor:
    """The part that this rank holds, in the same memory; any other tensor is itself."""
    if not is_sharded(tensor):
        return tensor
    with torch.no_grad():
        part: Tensor = tensor.detach().to_local()  # type: ignore[attr-defined]  # a DTensor
    return part


def sharded_as(part: Tensor, like: Tensor) -> Tensor:
    """A local part as a DTensor that is divided as another one; itself where that is none."""
    if not is_sharded(like):
        return part
    whole: Any = like
    result: Tensor = type(whole).from_local(
        part,
        whole.device_mesh,
        whole.placements,
        run_check=False,
        shape=whole.shape,
        stride=whole.stride(),
    )
    return result


def part_of(whole: Tensor, like: Tensor) -> Tensor:
    """Of a tensor that this rank holds as a whole, the part that it has of a DTensor: a view."""
    if not is_sharded(like) or is_sharded(whole):
        return whole
    for dimension, (start, size) in enumerate(_extents(like)):
        whole = whole.narrow(dimension, start, size)
    return whole


def local_part(tensor: Tensor, like: Tensor) -> Tensor:
    """What this rank needs of a direction's tensor, in the shape of its part of the parameter.

    Args:
        tensor: divided as the parameter is; or all of it, dense or sparse (COO).
        like: the parameter.
    """
    if not is_sharded(like) or is_sharded(tensor):
        return local(tensor)
    if not tensor.is_sparse:
        return part_of(tensor, like)
    extents, held = _extents(like), tensor.coalesce()
    places = held.indices() - torch.tensor([[s] for s, _ in extents], device=held.device)
    sizes = torch.tensor([[size] for _, size in extents], device=held.device)
    inside = ((places >= 0) & (places < sizes)).all(0)
    shape = [size for _, size in extents]
    return torch.sparse_coo_tensor(
        places[:, inside], held.values()[inside], shape, is_coalesced=True, check_invariants=False
    )


def flat_indices(tensor: Tensor, start: int, stop: int) -> Tensor | None:
    """Where the entries ``start`` to ``stop`` of a local part stand in the whole, row-major.

    Returns:
        (stop - start,) int64; None where they follow one another there just as they do here.
    """
    if not is_sharded(tensor):
        return None
    extents, sizes = _extents(tensor), list(tensor.shape)
    if [size for _, size in extents] == sizes:
        return None
    rest = torch.arange(start, stop, dtype=torch.int64, device=tensor.device)
    result = torch.zeros_like(rest)
    stride = 1
    for (first, own), whole in zip(reversed(extents), reversed(sizes), strict=True):
        result += (rest % own + first) * stride
        rest //= own
        stride *= whole
    return result


def _extents(tensor: Tensor) -> list[tuple[int, int]]:
    """Of each dimension, where the local part starts and how long it is."""
    from torch.distributed.tensor import Replicate, Shard
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    whole: Any = tensor
    for placement in whole.placements:
        if type(placement) not in (Shard, Replicate) and "Shard" not in type(placement).__name__:
            raise ValueError(
                f"A parameter is placed as {placement!r}; slices need parameters that are sharded "
                "or replicated. Reduce it first."
            )
    sizes, starts = compute_local_shape_and_global_offset(
        whole.shape, whole.device_mesh, whole.placements
    )
    return list(zip(starts, sizes, strict=True))


def sharded_dimensions(tensor: Tensor) -> set[int]:
    """The dimensions of a tensor that are divided among ranks."""
    placements = tensor.placements if is_sharded(tensor) else ()  # type: ignore[attr-defined]  # a DTensor
    return {p.dim % max(tensor.ndim, 1) for p in placements if hasattr(p, "dim")}


def sum_over_shards(partial: Tensor, of: Tensor, along: int | None = None) -> Tensor:
    """The sum of what the shards of a DTensor each give; in place, the same on all of them.

    Args:
        partial: what this rank's shard gives.
        of: the DTensor.
        along: a dimension that ``partial`` itself is divided along: shards that differ in it alone
            stay apart.
    """
    if is_sharded(of):
        import torch.distributed as dist

        whole: Any = of
        for number, placement in enumerate(whole.placements):
            if hasattr(placement, "dim") and placement.dim != along:
                dist.all_reduce(partial, group=whole.device_mesh.get_group(number))
    return partial


def total(numbers: Iterable[tuple[float, Tensor]]) -> float:
    """The sum of numbers that were each found on the local part of a tensor.

    Tensors that are divided alike are exchanged together, since each exchange costs a round trip.
    """
    alone: list[float] = []
    divided: dict[Any, tuple[list[float], Tensor]] = {}
    for number, tensor in numbers:
        if is_sharded(tensor):
            whole: Any = tensor
            key = (whole.device_mesh, tuple(hasattr(p, "dim") for p in whole.placements))
            divided.setdefault(key, ([], tensor))[0].append(number)
        else:
            alone.append(number)
    for own, tensor in divided.values():
        partial = torch.tensor(math.fsum(own), dtype=torch.float64, device=local(tensor).device)
        alone.append(float(sum_over_shards(partial, tensor)))
    return math.fsum(alone)


def gathering_modules(model: nn.Module) -> Sequence[Any]:
    """The modules that gather their parameters before they compute: those of ``fully_shard``."""
    module = sys.modules.get("torch.distributed.fsdp")
    if module is None:
        return ()
    return [own for own in model.modules() if isinstance(own, module.FSDPModule)]


def reshard(modules: Sequence[Any]) -> None:
    """Let go of gathered parameters, so that the next pass gathers what the shards then hold."""
    for module in modules:
        module.reshard()
