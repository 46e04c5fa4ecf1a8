"""Snapshots in shared memory: all of a model's tensors, copied where another process reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# A multiple of every dtype's size, and of a line of the cache.
_ALIGNMENT = 64


@dataclass(frozen=True)
class _Place:
    """Where a tensor stands in the memory."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    start: int
    stop: int


class SharedSnapshot:
    """Memory for the parameters and buffers of a model, trainable or not, which is used again.

    Sent to another process while that is started, it is the same memory there. Whoever writes and
    who reads have to agree on when.

    Args:
        model: whose tensors are copied. Tied ones are copied once.

    Raises:
        TypeError: tensors that have no dense memory of their own.
        RuntimeError: not enough shared memory.
    """

    def __init__(self, model: nn.Module) -> None:
        places, end = [], 0
        for name, tensor in tensors_of(model):
            if tensor.layout != torch.strided or type(tensor.data) is not Tensor:
                raise TypeError(
                    f"{name!r} is a {type(tensor.data).__name__} of layout {tensor.layout}, of "
                    "which no snapshot can be made; expected a dense tensor."
                )
            size = tensor.numel() * tensor.element_size()
            places.append(_Place(name, tuple(tensor.shape), tensor.dtype, end, end + size))
            end += -(-size // _ALIGNMENT) * _ALIGNMENT
        self._places = tuple(places)
        self._memory = torch.empty(max(end, 1), dtype=torch.uint8).share_memory_()
        self._views: list[Tensor] | None = None
        self._pinned = False

    @property
    def nbytes(self) -> int:
        """Bytes of shared memory."""
        return int(self._memory.numel())

    def pin(self) -> None:
        """Let a GPU write here directly, where it can; the copy is several times faster."""
        if not self._pinned and torch.cuda.is_available():
            runtime = torch.cuda.cudart()
            found = runtime.cudaHostRegister(self._memory.data_ptr(), self.nbytes, 0)
            self._pinned = int(found) == 0

    def unpin(self) -> None:
        """Undo ``pin``."""
        if self._pinned:
            torch.cuda.cudart().cudaHostUnregister(self._memory.data_ptr())
            self._pinned = False

    @torch.no_grad()
    def write(self, model: nn.Module) -> None:
        """Copy the model's tensors here; when this returns, they may be written to again.

        Raises:
            ValueError: the model has other tensors than at the beginning.
        """
        devices = set()
        for view, tensor in self._pairs(model):
            view.copy_(tensor, non_blocking=self._pinned)
            if tensor.is_cuda:
                devices.add(tensor.device)
        for device in devices:
            torch.cuda.current_stream(device).synchronize()

    @torch.no_grad()
    def read(self, model: nn.Module) -> None:
        """Copy what was written into the tensors of a model.

        Raises:
            ValueError: the model has other tensors.
        """
        for view, tensor in self._pairs(model):
            tensor.copy_(view)

    def _pairs(self, model: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
        if self._views is None:
            self._views = [
                self._memory[place.start : place.stop].view(place.dtype).view(place.shape)
                for place in self._places
            ]
        now = [(name, tensor.detach()) for name, tensor in tensors_of(model)]
        before = [(place.name, place.shape, place.dtype) for place in self._places]
        if [(name, tuple(tensor.shape), tensor.dtype) for name, tensor in now] != before:
            raise ValueError(
                "The model's parameters or buffers have got other names, shapes or dtypes since "
                "slicing began. Make another SliceLogger for the changed model."
            )
        return zip(self._views, (tensor for _, tensor in now), strict=True)

    def __getstate__(self) -> dict[str, object]:
        """What the other process gets: the memory, and nothing of this process's own."""
        return {**self.__dict__, "_views": None, "_pinned": False}


def tensors_of(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """All parameters and buffers by name, in the model's order; tied ones once."""
    yield from model.named_parameters()
    yield from model.named_buffers()
