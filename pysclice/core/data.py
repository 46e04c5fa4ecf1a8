"""The data that a loss surface averages over: the same examples at every point and every step."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pysclice.core.untouched import own_randomness

# Fixed, so that shuffling and augmentation come out the same each time the data are read.
_READING_SEED = 20_190_405

_END = object()


@dataclass(eq=False)
class DataSet:
    """One named set of batches, read as often as needed and always alike.

    Attributes:
        name: first part of the channels' names: ``train`` makes ``train/loss``.
        source: a batch (tuple, or mapping of tensors), a list of batches, or a DataLoader.
        cache_bytes: batches that fit in this many bytes are read once and kept.
    """

    name: str
    source: Any
    cache_bytes: int
    _kept: tuple[torch.device, list[Any]] | None = field(default=None, repr=False)

    def chunks(self, device: torch.device) -> Iterator[list[Any]]:
        """Batches on the device, in lists of at most ``cache_bytes``; each is read exactly once.

        Whoever measures many points measures all of them on one list before asking for the next:
        so a loader is read once a slice, however many points there are.
        """
        if self._kept is not None and self._kept[0] == device:
            yield self._kept[1]
            return
        held: list[Any] = []
        size, whole = 0, True
        for batch in self._read():
            moved = to_device(batch, device)
            moved_bytes = sum(t.numel() * t.element_size() for t in tensors_of(moved))
            if held and size + moved_bytes > self.cache_bytes:
                whole = False
                yield held
                held, size = [], 0
            held.append(moved)
            size += moved_bytes
        if not held and whole:
            raise ValueError(
                f"The data set {self.name!r} has no batches ({_describe(self.source)}). "
                "A loader with drop_last=True drops the only batch of a small data set."
            )
        # The user's own tensors cost nothing to hold; copies only within the budget.
        if whole and size <= self.cache_bytes:
            self._kept = (device, held)
        yield held

    def _read(self) -> Iterator[Any]:
        source = self.source
        if isinstance(source, list):
            yield from source
        elif _is_batch(source):
            yield source
        else:
            yield from _read_alike(source)


def named_data_sets(data: Any, cache_bytes: int) -> list[DataSet]:
    """The data sets of any of the accepted forms; a single one is called ``train``.

    Raises:
        TypeError: not one of the accepted forms.
        ValueError: an empty list or dictionary, or a name that cannot be part of a channel's.
    """
    if isinstance(data, Mapping) and not _is_batch(data):
        if not data:
            raise ValueError("The dictionary of data sets is empty; expected name -> data.")
        for name in data:
            if not isinstance(name, str) or not name:
                raise ValueError(f"A data set is named by a text, got {name!r}.")
        return [DataSet(name, _checked(name, source), cache_bytes) for name, source in data.items()]
    return [DataSet("train", _checked("train", data), cache_bytes)]


def _checked(name: str, source: Any) -> Any:
    if isinstance(source, list):
        if not source:
            raise ValueError(f"The list of batches of data set {name!r} is empty.")
        return source
    if isinstance(source, DataLoader) or _is_batch(source):
        return source
    if isinstance(source, Iterator):
        raise TypeError(
            f"Data set {name!r} is an iterator, which can be read only once. Pass the DataLoader "
            "itself, or `list(batches)`."
        )
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | Mapping):
        return source  # a loader of another library
    raise TypeError(
        f"Data set {name!r} is a {type(source).__name__}; expected (inputs, targets), a "
        f"DataLoader, "
        "a list of batches, or a dictionary that names several of these."
    )


def _is_batch(data: Any) -> bool:
    """Whether this is one batch: a tuple, a tensor, or tensors by name."""
    if isinstance(data, Mapping):
        return any(isinstance(value, Tensor) for value in data.values())
    return isinstance(data, tuple | Tensor)


def _read_alike(source: Iterable[Any]) -> Iterator[Any]:
    """The batches of a loader, the same ones each time, without touching the loader."""
    reader = copy.copy(source)
    if isinstance(reader, DataLoader):
        # Iterating the user's own loader would restart its persistent workers mid-epoch.
        reader._iterator = None
    generators = _generators_of(source)
    ours: list[Tensor] | None = None
    batches: Iterator[Any] | None = None
    for number in itertools.count():
        # Seeded for each batch: what is drawn between two batches does not change the next one.
        users = [generator.get_state() for generator in generators]
        try:
            for i, generator in enumerate(generators):
                if ours is None:
                    generator.manual_seed(_READING_SEED)
                else:
                    generator.set_state(ours[i])
            with own_randomness(_READING_SEED + number):
                if batches is None:
                    batches = iter(reader)
                batch = next(batches, _END)
            ours = [generator.get_state() for generator in generators]
        finally:
            for generator, state in zip(generators, users, strict=True):
                generator.set_state(state)
        if batch is _END:
            return
        yield batch


def _generators_of(loader: object) -> list[torch.Generator]:
    """Generators that decide the order of a loader's examples, which training needs too."""
    found: dict[int, torch.Generator] = {}
    samplers = [getattr(loader, name, None) for name in ("sampler", "batch_sampler")]
    for owner in (loader, *samplers, *(getattr(s, "sampler", None) for s in samplers)):
        generator = getattr(owner, "generator", None)
        if isinstance(generator, torch.Generator):
            found[id(generator)] = generator
    return list(found.values())


def _describe(source: Any) -> str:
    length = f" of length {len(source)}" if hasattr(source, "__len__") else ""
    return f"{type(source).__name__}{length}"


def to_device(batch: Any, device: torch.device) -> Any:
    """The batch with its tensors on the device; what is there already is not copied."""
    if isinstance(batch, Tensor):
        return batch.detach().to(device)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(part, device) for part in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(to_device(part, device) for part in batch)
    if isinstance(batch, dict):
        moved = {key: to_device(value, device) for key, value in batch.items()}
        return moved if type(batch) is dict else _like(batch, moved)
    if hasattr(batch, "to"):  # BatchEncoding of transformers, Batch of torch_geometric
        return batch.to(device)
    return batch


def _like(batch: dict[Any, Any], moved: dict[Any, Any]) -> Any:
    result = copy.copy(batch)
    result.update(moved)
    return result


def tensors_of(batch: Any) -> Iterator[Tensor]:
    """Every tensor in a batch, in order, however it is nested."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from tensors_of(value)
    elif isinstance(batch, list | tuple):
        for part in batch:
            yield from tensors_of(part)


def batch_size(batch: Any) -> int:
    """Number of examples: the first dimension of the batch's last tensor, as targets come last.

    Raises:
        ValueError: no tensor has a dimension to count along.
    """
    sizes = [tensor.shape[0] for tensor in tensors_of(batch) if tensor.ndim > 0]
    if not sizes:
        raise ValueError(
            f"Cannot tell how many examples a batch of type {type(batch).__name__} has. "
            "Pass `weight=lambda batch: ...` to LossSurface."
        )
    return int(sizes[-1])


def checked_weight(weigh: Callable[[Any], float], batch: Any) -> float:
    """The weight of a batch in the average.

    Raises:
        ValueError: the weight is negative or not finite.
    """
    weight = float(weigh(batch))
    if not math.isfinite(weight) or weight < 0:
        raise ValueError(f"A batch's weight must be a finite number of at least 0, got {weight}.")
    return weight
