"""Inner products in float64, of tensors that are never held in float64 as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pysclice.core.parameters import Direction

# Numbers that are held in float64 at a time: what fits a processor's cache, or fills a GPU.
_CHUNK, _GPU_CHUNK = 2**16, 2**22


def inner(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Inner products row by row: (rows, len(first), len(second)) float64.

    Args:
        first: matrices of shape (rows, elements), real.
        second: matrices of the same shape.
    """
    rows, elements = first[0].shape
    width = max(1, min(elements, chunk_for(first[0])))
    height = max(1, chunk_for(first[0]) // width)
    found = []
    for top in range(0, max(rows, 1), height):
        parts = []
        for start in range(0, max(elements, 1), width):
            here = slice(top, top + height), slice(start, start + width)
            left, right = (
                torch.stack([in_float64(matrix[here]) for matrix in matrices], dim=1)
                for matrices in (first, second)
            )
            parts.append(left @ right.mT)
        found.append(torch.stack(parts).sum(dim=0))
    return torch.cat(found)


def inner_product(first: Direction, second: Direction) -> float:
    """Inner product over the tensors that both have."""
    shared = [name for name in first if name in second]
    return float(sum(inner([flat(first[n])], [flat(second[n])]).item() for n in shared))


def flat(tensor: Tensor) -> Tensor:
    """All numbers of a tensor in a single row: (1, elements)."""
    return real_and_dense(tensor).detach().reshape(1, -1)


def real_and_dense(tensor: Tensor) -> Tensor:
    """The tensor's numbers as they are summed up: complex ones as pairs, sparse ones with zeros."""
    dense = tensor.to_dense() if tensor.is_sparse else tensor
    return torch.view_as_real(dense) if dense.is_complex() else dense


def in_float64(tensor: Tensor) -> Tensor:
    """The tensor in float64, on its device, or on the CPU where that has no float64."""
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).double()


def chunk_for(like: Tensor) -> int:
    """How many numbers to hold in float64 at a time on this tensor's device."""
    return _CHUNK if like.device.type == "cpu" else _GPU_CHUNK
