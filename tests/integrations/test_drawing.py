"""Examples are drawn from a loader that training reads, and training does not notice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from pysclice.integrations.drawing import draw
from tests.integrations.training import differences, random_states, seed

NUMBERS = TensorDataset(torch.arange(20.0))


class Opening(Dataset[Tensor]):
    """Opens something at the first read, which workers must not inherit."""

    def __init__(self) -> None:
        self.handle: object | None = None

    def __len__(self) -> int:
        return 20

    def __getitem__(self, number: int) -> Tensor:
        if self.handle is None:
            self.handle = object()
        return torch.tensor(float(number)) + 0 * torch.rand(())


class Stream(IterableDataset[Tensor]):
    def __init__(self) -> None:
        self.position = 0

    def __iter__(self) -> Iterator[Tensor]:
        while self.position < 20:
            self.position += 1
            yield torch.tensor(self.position - 1.0)


class OwnDice(Sampler[int]):
    """Its dice are none of torch's, and its length does not say what it leaves out."""

    def __init__(self) -> None:
        self.dice = np.random.default_rng(0)

    def __iter__(self) -> Iterator[int]:
        return iter(self.dice.permutation(10).tolist())

    def __len__(self) -> int:
        return 10


class Noise:
    """A collate function with dice of its own."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self, rows: Any) -> Tensor:
        values = torch.stack([row[0] for row in rows])
        return values + 0 * torch.rand(len(rows), generator=self.generator)


LOADERS: dict[str, tuple[Callable[[], Any], set[int]]] = {
    "in order": (lambda: DataLoader(NUMBERS, 4), set(range(20))),
    "shuffled": (lambda: DataLoader(NUMBERS, 4, shuffle=True), set(range(20))),
    "own generator": (
        lambda: DataLoader(NUMBERS, 4, shuffle=True, generator=torch.Generator().manual_seed(1)),
        set(range(20)),
    ),
    "workers": (
        lambda: DataLoader(NUMBERS, 4, shuffle=True, num_workers=1, persistent_workers=True),
        set(range(20)),
    ),
    "subset of a dataset": (lambda: DataLoader(Subset(NUMBERS, [2, 3, 5, 7])), {2, 3, 5, 7}),
    "subset of a sampler": (
        lambda: DataLoader(NUMBERS, 4, sampler=SubsetRandomSampler([2, 3, 5, 7])),
        {2, 3, 5, 7},
    ),
    "weighted": (
        lambda: DataLoader(
            NUMBERS, 4, sampler=WeightedRandomSampler([0.0] * 15 + [1.0] * 5, 20)
        ),
        set(range(15, 20)),
    ),
    "own dice": (lambda: DataLoader(NUMBERS, 4, sampler=OwnDice()), set(range(10))),
    "batch sampler": (
        lambda: DataLoader(NUMBERS, batch_sampler=BatchSampler(OwnDice(), 4, False)),
        set(range(10)),
    ),
    "own batches": (
        lambda: DataLoader(
            TensorDataset(torch.arange(20.0).reshape(5, 4)), batch_size=None, shuffle=True
        ),
        set(range(20)),
    ),
    "opening": (lambda: DataLoader(Opening(), 4, shuffle=True), set(range(20))),
    "opening inside": (
        lambda: DataLoader(ConcatDataset([Subset(Opening(), range(20))]), 4),
        set(range(20)),
    ),
    "noise": (lambda: DataLoader(NUMBERS, 4, collate_fn=Noise()), set(range(20))),
    "stream": (lambda: DataLoader(Stream(), 4), set(range(20))),
}  # fmt: skip


def values_of(batches: list[Any]) -> list[float]:
    return [
        float(value)
        for batch in batches
        for value in (batch if isinstance(batch, Tensor) else batch[0])
    ]


def handles_in(loader: Any) -> list[object]:
    """What the datasets that a loader reads have opened."""
    found, waiting = [], [loader.dataset]
    while waiting:
        dataset = waiting.pop()
        found.append(getattr(dataset, "handle", None))
        waiting += [getattr(dataset, "dataset", None)] * hasattr(dataset, "dataset")
        waiting += getattr(dataset, "datasets", [])
    return found


@pytest.mark.parametrize("name", LOADERS)
def test_training_reads_what_it_would_have_read(name: str) -> None:
    make, allowed = LOADERS[name]
    seed(3)
    alone = [values_of([batch]) for batch in make()]
    states = random_states()
    seed(3)
    loader = make()
    drawn = [draw(loader, 6), draw(loader, 6)]
    assert not any(handles_in(loader))
    read = [values_of([batch]) for batch in loader]
    assert differences((alone, states), (read, random_states())) == []
    first, second = map(values_of, drawn)
    assert first == second
    assert set(first) <= allowed
    assert len(first) in ((4,) if len(allowed) == 4 else (6, 8))
    if name not in ("weighted", "own batches"):
        assert len(set(first)) == len(first)


def test_in_the_middle_of_an_epoch_as_well() -> None:
    seed(3)
    loader = DataLoader(NUMBERS, 4, shuffle=True, num_workers=1, persistent_workers=True)
    alone = [values_of([batch]) for _ in range(2) for batch in loader]
    seed(3)
    loader = DataLoader(NUMBERS, 4, shuffle=True, num_workers=1, persistent_workers=True)
    read = []
    for _ in range(2):
        for batch in loader:
            read.append(values_of([batch]))
            draw(loader, 8)
    assert read == alone


def test_a_draw_depends_on_its_seed_and_batches_are_as_large_as_the_loaders() -> None:
    loader = DataLoader(NUMBERS, 4)
    assert [len(batch[0]) for batch in draw(loader, 10)] == [4, 4, 2]
    assert values_of(draw(loader, 10, seed=1)) != values_of(draw(loader, 10, seed=2))
    assert sorted(values_of(draw(loader, 100))) == list(range(20))
    many = [tuple(values_of(draw(loader, 5, seed=number))) for number in range(200)]
    counts = np.bincount(np.asarray(many, dtype=int).ravel(), minlength=20)
    assert counts.min() > 25 and counts.max() < 80  # each about 50 times


class Locked(SequentialSampler):
    """Cannot be copied."""

    def __init__(self) -> None:
        super().__init__(NUMBERS)
        self.lock = threading.Lock()


class Empty(Dataset[Tensor]):
    def __len__(self) -> int:
        return 0

    def __getitem__(self, number: int) -> Tensor:
        raise IndexError(number)


@pytest.mark.parametrize(
    ("loader", "error", "message"),
    [
        ([1, 2], TypeError, "a list, expected a DataLoader"),
        ({"a": DataLoader(NUMBERS)}, TypeError, "a dict, expected a DataLoader"),
        (DataLoader(NUMBERS, sampler=Locked()), ValueError, "cannot pickle"),
        (DataLoader(Empty()), ValueError, "have no batches"),
    ],
)
def test_what_cannot_be_drawn_from_asks_for_data(
    loader: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as told:
        draw(loader, 4)
    assert "data=" in str(told.value)
