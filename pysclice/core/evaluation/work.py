"""What is to be evaluated: points around a center, on batches of data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pysclice.core.averages import Results
from pysclice.core.buffers import MovingBuffers, Statistics
from pysclice.core.objective import Objective
from pysclice.core.parameters import Direction, Parameters, Point
from pysclice.core.sharding import gathering_modules, is_sharded, local, reshard, sharded_as
from pysclice.core.untouched import (
    Interrupts,
    Randomness,
    held_interrupts,
    own_randomness,
    stand_in,
)
from pysclice.slices import Float64

# Train mode draws dropout masks: the same ones at every point, or the slice would show the dice.
_SEED = 0

# Points are gathered until so many values per example are together, which are then summed at once.
_GATHERED = 2**17


@dataclass(frozen=True, eq=False)
class Work:
    """A model and the points at which its loss is wanted.

    Attributes:
        model: the user's own.
        objective: loss and metrics.
        originals: the model's trainable parameters, which are never written to.
        center: the point from which the directions count, in the dtypes of the originals.
        directions: one for each column of ``coefficients``.
        coefficients: (points, directions).
        buffers: for each direction, what coordinate 1 adds to some of the model's buffers.
        mode: ``"eval"`` or ``"train"``.
        device: where model and batches are.
        precision: a context in which the model runs.
        recompute_batch_norm: BatchNorm's statistics are measured anew at each point.
        given_buffers: what stands in for some of the model's buffers, in the place of copies.
    """

    model: nn.Module
    objective: Objective
    originals: Parameters
    center: Parameters
    directions: Sequence[Direction]
    coefficients: Float64
    buffers: Sequence[Direction]
    mode: Literal["eval", "train"]
    device: torch.device
    precision: Callable[[], AbstractContextManager[object]]
    recompute_batch_norm: bool = False
    given_buffers: Mapping[str, Tensor] = field(default_factory=dict)

    @cached_property
    def at_center(self) -> int | None:
        """The first point that is the center itself, if one is."""
        found = np.flatnonzero(np.all(self.coefficients == 0.0, axis=1))
        return int(found[0]) if len(found) else None

    @cached_property
    def assessing(self) -> AbstractContextManager[object]:
        """To be held while loss and metrics are asked: some keep a state, and threads share it."""
        return nullcontext() if self.objective.is_stateless else threading.RLock()

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Points that the same directions move; several groups where lines share their center."""
        moving = self.coefficients != 0.0
        ever = np.flatnonzero(moving.any(axis=0))
        if moving[:, ever].all(axis=1).any():  # a point that all of them move joins all others
            return (self._group(tuple(ever.tolist()), range(len(moving))),)
        sets: dict[tuple[int, ...], list[int]] = {}
        kinds, kind_of = np.unique(moving, axis=0, return_inverse=True)
        kind_of = kind_of.reshape(-1)  # of more dimensions in NumPy 2.0
        by_kind = np.split(np.argsort(kind_of, kind="stable"), np.cumsum(np.bincount(kind_of))[:-1])
        for kind, numbers in sorted(zip(kinds, by_kind, strict=True), key=lambda pair: pair[1][0]):
            sets[tuple(np.flatnonzero(kind).tolist())] = numbers.tolist()
        at_rest = sets.pop((), [])
        columns = [column for columns in sets for column in columns]
        if len(columns) != len(set(columns)):  # they overlap, as on a plane
            everything = tuple(sorted(set(columns)))
            sets = {everything: sorted(number for own in sets.values() for number in own)}
        if not sets:
            sets[()] = []
        first = next(iter(sets))
        sets[first] = sorted(at_rest + sets[first])
        return tuple(self._group(columns, numbers) for columns, numbers in sets.items())

    @cached_property
    def group_of(self) -> dict[int, Group]:
        """The group of each point, by number."""
        return {number: group for group in self.groups for number in group.numbers}

    @cached_property
    def check_points(self) -> tuple[int, ...]:
        """The center, the farthest corner and a random point; with several groups, one of each."""
        distances = np.linalg.norm(self.coefficients, axis=1)
        generator = np.random.default_rng(len(self.coefficients))
        found: dict[int, None] = {} if self.at_center is None else {self.at_center: None}
        found[int(np.argmax(distances))] = None
        others = [number for number in range(len(distances)) if number not in found]
        if others:
            found[int(generator.choice(others))] = None
        if len(self.groups) > 1:
            for group in self.groups:
                found[int(generator.choice(group.numbers))] = None
        return tuple(found)

    @cached_property
    def _moved_by(self) -> list[frozenset[str]]:
        """The parameters that each direction moves; what it moves by 0 rests."""
        return [
            frozenset(name for name, tensor in direction.items() if _moves(tensor))
            for direction in self.directions
        ]

    def _group(self, columns: tuple[int, ...], numbers: Iterable[int]) -> Group:
        names = {name for column in columns for name in self._moved_by[column]}
        moved = {n for c in columns if c < len(self.buffers) for n in self.buffers[c]}
        return Group(columns, tuple(numbers), frozenset(names), frozenset(moved))


@dataclass(frozen=True)
class Group:
    """Points that the same directions move.

    Attributes:
        columns: of which directions.
        numbers: which points, in order.
        names: the parameters that these directions move.
        buffers: the buffers that they move.
    """

    columns: tuple[int, ...]
    numbers: tuple[int, ...]
    names: frozenset[str]
    buffers: frozenset[str]


@dataclass(frozen=True, eq=False)
class Portion:
    """Batches of one data set that are in memory together.

    Attributes:
        batches: on the device.
        weights: of each batch in the average.
        sizes: number of examples of each batch; None where that cannot be told.
        first: number of the first batch in its data set.
    """

    batches: Sequence[Any]
    weights: Sequence[float]
    sizes: Sequence[int | None]
    first: int = 0

    @property
    def examples(self) -> int:
        """Number of examples, as far as it can be told; at least one a batch."""
        return sum(size or 1 for size in self.sizes)

    @property
    def points_at_once(self) -> int:
        """How many points to gather before their values are summed, one model call a point."""
        return max(1, min(64, _GATHERED // self.examples))

    def parts(self, most_examples: int) -> Iterator[Portion]:
        """The same batches, so many examples at a time, but at least one batch."""
        first = 0
        while first < len(self.batches):
            last, examples = first + 1, self.sizes[first] or 1
            while last < len(self.batches):
                examples += self.sizes[last] or 1
                if examples > most_examples:
                    break
                last += 1
            here = slice(first, last)
            yield Portion(
                self.batches[here], self.weights[here], self.sizes[here], self.first + first
            )
            first = last


def _moves(tensor: Tensor) -> bool:
    own = local(tensor)
    values = own.coalesce().values() if own.is_sparse else own
    return bool(values.any())


class Evaluator(Protocol):
    """Evaluates points on the batches that it was made for."""

    def __call__(self, numbers: Sequence[int], loss_of_each: bool | None) -> list[Results]:
        """What each batch gives at these points: name -> (points,) or (points, examples).

        Args:
            numbers: which points.
            loss_of_each: whether the loss has a value per example; None at the center, where that
                is found out.
        """
        ...


class Prepared(Protocol):
    """A backend that is ready for some batches."""

    @property
    def bytes_kept(self) -> int:
        """Memory for what it keeps of the examples, beside the batches themselves."""
        ...

    def evaluator(self) -> Evaluator:
        """An evaluator with tensors of its own, so that several can work at the same time."""
        ...


class Backend(Protocol):
    """A way to evaluate points."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    @property
    def workers(self) -> int:
        """How many threads share the points; 1 leaves them to torch's own."""
        ...

    @property
    def keeps_memory(self) -> bool:
        """Whether points are evaluated in the same memory, one after another."""
        ...

    def prepare(self, portion: Portion) -> Prepared:
        """Make ready for these batches.

        Raises:
            Unsuitable: the model does what this backend cannot follow.
        """
        ...

    def points_at_once(self, portion: Portion) -> int:
        """How many points to ask for at a time."""
        ...


class Unsuitable(Exception):
    """A backend cannot do this work; the reason says why."""


class MovableModel:
    """The user's model with tensors of our own in it, which go from point to point.

    Attributes:
        work: what is evaluated.
        interrupts: those that were held back; deliver them between batches.
        randomness: random numbers that start again.
        statistics: BatchNorm's at each point, where they are measured anew.
    """

    def __init__(
        self,
        work: Work,
        interrupts: Interrupts,
        randomness: Randomness,
        point: Point,
        gathering: Sequence[Any] = (),
    ) -> None:
        self.work = work
        self._gathering = gathering
        self.interrupts = interrupts
        self.randomness = randomness
        self.statistics: Statistics | None = None
        self._point = point
        self._buffers = MovingBuffers(self.buffers, work.buffers)

    @property
    def parameters(self) -> Parameters:
        """What stands in for the trainable parameters: own tensors where they move."""
        return {**_local(self.work.center), **self._point.tensors}

    @property
    def buffers(self) -> dict[str, Tensor]:
        """The copies that stand in for the model's buffers."""
        return dict(self.work.model.named_buffers())

    def go_to(self, number: int) -> None:
        """Move to a point."""
        self.move(self.work.coefficients[number].tolist())
        if self.statistics is not None:
            self.statistics.use(number)

    def move(self, row: Sequence[float]) -> None:
        """Move to these coefficients."""
        reshard(self._gathering)
        self._point.to(row)
        self._buffers.move(row)


@contextmanager
def movable(work: Work) -> Iterator[MovableModel]:
    """The user's model, ready to go from point to point; untouched afterwards."""
    gathering = gathering_modules(work.model)
    with (
        held_interrupts() as interrupts,
        own_randomness(_SEED) as randomness,
        torch.no_grad(),
        _in_place(work, gathering) if gathering else _standing_in(work) as point,
        work.precision(),
    ):
        yield MovableModel(work, interrupts, randomness, point, gathering)


@contextmanager
def _standing_in(work: Work) -> Iterator[Point]:
    """A point whose tensors the model computes with in the place of its own."""
    center, directions = _local(work.center), [_local(d) for d in work.directions]
    out = None
    if any(map(is_sharded, work.originals.values())):
        # No copies side by side, which are worth their memory for small models alone.
        moved = {name for direction in directions for name in direction}
        out = {name: torch.empty_like(center[name]) for name in center if name in moved}
    point = Point(center, directions, out)
    # Detached tensors stand in even where nothing moves, so no gradient is built.
    standing = {
        name: sharded_as(own, work.originals[name])
        for name, own in {**center, **point.tensors}.items()
    }
    with stand_in(work.model, work.originals, standing, work.mode, work.given_buffers):
        yield point


@contextmanager
def _in_place(work: Work, gathering: Sequence[Any]) -> Iterator[Point]:
    """A point whose tensors are the model's own shards, which are put back afterwards.

    ``fully_shard`` gathers what lies in memory of its own, so nothing else can stand in for it.
    """
    originals = _local({name: work.originals[name] for name in work.center})
    center, directions = _local(work.center), [_local(d) for d in work.directions]
    moved = {name for direction in directions for name in direction}
    moved |= {name for name in center if center[name].data_ptr() != originals[name].data_ptr()}
    # Through `data`, since autograd counts what is written, and training may hold a graph.
    own = {name: originals[name].data for name in originals if name in moved}
    kept = {name: tensor.clone() for name, tensor in own.items()}
    start = {
        name: kept[name] if center[name].data_ptr() == originals[name].data_ptr() else center[name]
        for name in own
    }
    with stand_in(work.model, work.originals, {}, work.mode, work.given_buffers):
        try:
            yield Point(start, directions, own)
        finally:
            reshard(gathering)
            for name, tensor in own.items():
                tensor.copy_(kept[name])


def _local(tensors: Direction) -> Parameters:
    return {name: local(tensor) for name, tensor in tensors.items()}
