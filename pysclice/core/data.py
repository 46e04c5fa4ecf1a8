"""The data that a loss surface averages over: the same examples at every point and every step."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pysclice.core.untouched import own_randomness
from pysclice.slices import Float64

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
        examples: only this many examples, drawn without replacement; all of them by default.
        seed: of the draw.
    """

    name: str
    source: Any
    cache_bytes: int
    examples: int | None = None
    seed: int = 0
    _drawn: list[Any] | None = field(default=None, repr=False)
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
        if self.examples is None:
            yield from self._read_all()
            return
        if self._drawn is None:
            self._drawn = drawn_examples(self._read_all(), self.examples, self.seed)
        yield from self._drawn

    def _read_all(self) -> Iterator[Any]:
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
    # A loader that accelerate has prepared tells it where it is: gradients are accumulated by that.
    source = getattr(source, "base_dataloader", source)
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
        return _like(batch, {key: to_device(value, device) for key, value in batch.items()})
    if hasattr(batch, "to"):  # BatchEncoding of transformers, Batch of torch_geometric
        return batch.to(device)
    return batch


def _like(batch: Any, moved: dict[Any, Any]) -> Any:
    if type(batch) is dict:
        return moved
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


def examples_in(batch: Any) -> int | None:
    """Number of examples in a batch; None where it cannot be told."""
    try:
        return batch_size(batch)
    except ValueError:
        return None


def drawn_examples(batches: Iterable[Any], count: int, seed: int) -> list[Any]:
    """``count`` examples, each subset equally likely, in the order in which they were read.

    Each example gets a random key in turn, and those with the smallest keys are kept: so the data
    are read once, need not say how many there are, and a smaller draw is part of a larger one.

    Args:
        batches: tensors and lists as long as the batch is are taken apart; what else a batch
            holds stays with each part of it.
        count: how many; all examples if there are fewer.
        seed: of the keys.
    """
    generator = np.random.default_rng(seed)
    kept: list[tuple[Any, Float64]] = []
    largest, held, width = math.inf, 0, 0
    for batch in batches:
        size = batch_size(batch)
        width = max(width, size)
        keys = generator.random(size)
        chosen = np.flatnonzero(keys < largest)
        if chosen.size:
            kept.append((part_of(batch, chosen, size), keys[chosen]))
            held += chosen.size
        if held > 2 * count:
            kept, largest = _smallest(kept, count)
            held = count
    kept, _ = _smallest(kept, count)
    return _joined([part for part, _ in kept], width)


def _smallest(
    kept: list[tuple[Any, Float64]], count: int
) -> tuple[list[tuple[Any, Float64]], float]:
    """The parts with the ``count`` smallest keys, and the largest key among them."""
    keys = np.concatenate([own for _, own in kept]) if kept else np.zeros(0)
    if keys.size <= count:
        return kept, math.inf
    largest = float(np.partition(keys, count - 1)[count - 1])
    result = []
    for part, own in kept:
        chosen = np.flatnonzero(own <= largest)
        if chosen.size == own.size:
            result.append((part, own))
        elif chosen.size:
            result.append((part_of(part, chosen, own.size), own[chosen]))
    return result, largest


def part_of(batch: Any, chosen: Any, size: int) -> Any:
    """Some examples of a batch of ``size``: everything as long as the batch is taken apart.

    Args:
        batch: of any form.
        chosen: their numbers; or a slice, which copies nothing.
        size: number of examples in the batch.
    """
    if isinstance(batch, Tensor):
        if batch.ndim == 0 or batch.shape[0] != size:
            return batch
        if isinstance(chosen, slice):
            return batch.detach()[chosen]
        return batch.detach()[torch.as_tensor(chosen, device=batch.device)]
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(part_of(part, chosen, size) for part in batch))
    if isinstance(batch, list | tuple):
        if len(batch) == size and not any(isinstance(part, Tensor) for part in batch):
            numbers = range(size)[chosen] if isinstance(chosen, slice) else chosen
            return type(batch)(batch[i] for i in numbers)
        return type(batch)(part_of(part, chosen, size) for part in batch)
    if isinstance(batch, Mapping):
        return _like(batch, {key: part_of(value, chosen, size) for key, value in batch.items()})
    return batch


def _joined(parts: list[Any], width: int) -> list[Any]:
    """Pieces of batches put together to batches of at most ``width`` examples, where they fit."""
    result: list[Any] = []
    for part in parts:
        if result and _fit(result[-1], part):
            size = batch_size(result[-1]) + batch_size(part)
            if size <= width:
                result[-1] = _together(result[-1], part)
                continue
        result.append(part)
    return result


def _fit(first: Any, second: Any) -> bool:
    """Whether two pieces consist of tensors alone that differ in their number of examples only."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return (
            first.ndim > 0 and first.dtype == second.dtype and first.shape[1:] == second.shape[1:]
        )
    if type(first) is not type(second):
        return False
    if type(first) in (list, tuple):
        return len(first) == len(second) and all(map(_fit, first, second))
    if type(first) is dict:
        return first.keys() == second.keys() and all(_fit(first[k], second[k]) for k in first)
    return False


def _together(first: Any, second: Any) -> Any:
    if isinstance(first, Tensor):
        return torch.cat([first, second])
    if isinstance(first, dict):
        return {key: _together(value, second[key]) for key, value in first.items()}
    return type(first)(map(_together, first, second))


def checked_weight(weigh: Callable[[Any], float], batch: Any) -> float:
    """The weight of a batch in the average.

    Raises:
        ValueError: the weight is negative or not finite.
    """
    weight = float(weigh(batch))
    if not math.isfinite(weight) or weight < 0:
        raise ValueError(f"A batch's weight must be a finite number of at least 0, got {weight}.")
    return weight
