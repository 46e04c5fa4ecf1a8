"""Examples from a loader that training reads as well, which it must not notice."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
)
from torch.utils.data.distributed import DistributedSampler

from pysclice.core.data import batch_size
from pysclice.core.untouched import own_randomness

# Of all examples each equally often, in some order. By exact type: a subclass may leave some out.
_ALL = (RandomSampler, SequentialSampler, DistributedSampler)
_ALL_BY_NAME = ("SeedableRandomSampler",)  # of accelerate, which need not be installed


def draw(loader: Any, examples: int, seed: int = 0) -> list[Any]:
    """Batches of some examples of a loader, without iterating the loader.

    Examples of a map-style dataset are drawn without replacement from those that the sampler may
    give, and put together by the loader's own ``collate_fn``. Where a sampler of another kind or an
    iterable dataset decides, the first batches of a copy are taken. Nothing is drawn from global
    random states, and neither loader, sampler, dataset nor collate function is changed.

    Args:
        loader: a DataLoader; also one that accelerate has prepared.
        examples: how many, or fewer where there are no more; whole batches of an iterable dataset.
        seed: of the draw.

    Returns:
        Batches as the loader makes them, in the host's memory, none larger than the loader's.

    Raises:
        TypeError: no DataLoader.
        ValueError: the loader gives no batches, or cannot be copied.
    """
    # Iterating a loader that accelerate has prepared would tell the accelerator about its end.
    loader = getattr(loader, "base_dataloader", loader)
    if not isinstance(loader, DataLoader):
        raise TypeError(
            f"The training data are a {type(loader).__name__}, expected a DataLoader. "
            "Give the examples to slice on: data=(inputs, targets), or a list of batches."
        )
    memo: dict[int, Any] = {}
    try:
        if not isinstance(loader.dataset, IterableDataset):
            memo[id(loader.dataset)] = _shallow(loader.dataset)
        with own_randomness(seed):
            collate = copy.deepcopy(loader.collate_fn, memo)
            numbers = _numbers(loader)
            if numbers is None:
                batches = list(_first(_copied(loader, collate, memo), examples))
            else:
                dataset = memo[id(loader.dataset)]
                batches = list(_chosen(loader, dataset, collate, numbers, examples, seed))
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise ValueError(
            f"No examples could be drawn from the training data without touching them: {error}. "
            "Give the examples to slice on: data=(inputs, targets), or a list of batches."
        ) from error
    if not batches:
        raise ValueError(
            "The training data have no batches. Give the examples to slice on: "
            "data=(inputs, targets), or a list of batches."
        )
    return batches


def undivided(loader: Any) -> Any:
    """The loader that accelerate made this one from, which gives all examples; or the one given.

    Where a shuffled one would give them in another order to each process, they come in order.
    """
    base = getattr(loader, "base_dataloader", None)
    if not isinstance(base, DataLoader) or isinstance(base.dataset, IterableDataset):
        return loader
    batches = _dealt(base)
    if batches is None:
        return loader
    if type(batches) is BatchSampler and _reads_all(batches.sampler):
        order = SequentialSampler(base.dataset)  # type: ignore[arg-type]  # map-style ones have a length
        batches = BatchSampler(order, batches.batch_size, batches.drop_last)
    return DataLoader(
        base.dataset,
        batch_sampler=batches,
        collate_fn=base.collate_fn,
        num_workers=base.num_workers,
        worker_init_fn=base.worker_init_fn,
    )


def _dealt(loader: DataLoader[Any]) -> Any:
    """The batches of which a loader gives a share, or all."""
    batches: Any = loader.batch_sampler
    while hasattr(batches, "batch_sampler"):  # a share of another's batches
        batches = batches.batch_sampler
    return batches


def _reads_all(sampler: Any) -> bool:
    return type(sampler) in _ALL or type(sampler).__name__ in _ALL_BY_NAME


def _numbers(loader: DataLoader[Any]) -> Sequence[int] | None:
    """The indices that the loader may give; None where only reading it can tell."""
    if isinstance(loader.dataset, IterableDataset):
        return None
    sampler: Any = loader.sampler
    if loader.batch_sampler is not None:
        batches = _dealt(loader)
        if type(batches) is not BatchSampler:
            return None
        sampler = batches.sampler
    if type(sampler) is SubsetRandomSampler:
        return sampler.indices
    if _reads_all(sampler):
        return range(len(loader.dataset))  # type: ignore[arg-type]  # map-style ones have a length
    return None


def _chosen(
    loader: DataLoader[Any],
    dataset: Any,
    collate: Any,
    numbers: Sequence[int],
    examples: int,
    seed: int,
) -> Iterator[Any]:
    order = np.random.default_rng(seed).permutation(len(numbers))
    if loader.batch_sampler is None:  # each item is a batch already, as batch_size=None asks for
        found = 0
        for position in order.tolist():
            if found >= examples:
                return
            batch = collate(dataset[numbers[position]])
            found += batch_size(batch)
            yield batch
        return
    # Drawn at random, read in order: neighbors on a disk are read faster.
    chosen = [int(numbers[position]) for position in sorted(order[:examples].tolist())]
    width = getattr(loader.batch_sampler, "batch_size", None) or 32
    for start in range(0, len(chosen), width):
        part = chosen[start : start + width]
        # As the loader itself asks, so that a dataset may read many at once.
        many = getattr(dataset, "__getitems__", None)
        yield collate(many(part) if many is not None else [dataset[number] for number in part])


def _copied(loader: DataLoader[Any], collate: Any, memo: dict[int, Any]) -> DataLoader[Any]:
    reader = copy.copy(loader)
    # By the dictionary: a loader refuses to have these exchanged.
    vars(reader).update(
        {
            name: copy.deepcopy(getattr(loader, name), memo)
            for name in ("dataset", "sampler", "batch_sampler", "generator")
        },
        collate_fn=collate,
        _iterator=None,
        # A handful of batches is read sooner than workers are started.
        num_workers=0,
        prefetch_factor=None,
        persistent_workers=False,
        pin_memory=False,
        timeout=0,
    )
    vars(reader)["_DataLoader__multiprocessing_context"] = None
    return reader


def _first(reader: DataLoader[Any], examples: int) -> Iterator[Any]:
    found = 0
    for batch in reader:
        yield batch
        found += batch_size(batch)
        if found >= examples:
            return


def _shallow(dataset: Any) -> Any:
    """A copy as deep as datasets wrap datasets, so that what reading sets is not set in theirs.

    A file that is opened at the first read would otherwise be handed down to a loader's workers.
    """
    copied = copy.copy(dataset)
    inner = getattr(copied, "__dict__", {})
    if "dataset" in inner:
        inner["dataset"] = _shallow(inner["dataset"])
    if isinstance(inner.get("datasets"), list | tuple):
        inner["datasets"] = [_shallow(part) for part in inner["datasets"]]
    return copied
