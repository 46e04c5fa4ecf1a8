"""Replay: the functions that the model calls, without the model, on what moves only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pysclice.core.averages import Results
from pysclice.core.buffers import MovingBuffers
from pysclice.core.data import part_of, tensors_of
from pysclice.core.evaluation.program import Program
from pysclice.core.evaluation.rewrites import (
    Rewrite,
    channels_last,
    fold_batch_norm,
    pool_by_maxima,
    pool_first,
)
from pysclice.core.evaluation.tape import Slot, Tape, record, replaced, tensors_in
from pysclice.core.evaluation.work import Evaluator, Group, MovableModel, Portion, Unsuitable
from pysclice.core.parameters import Parameters, Point

# Models whose moving parameters are larger share the tensors that stand in for the model's own.
_OWN_BYTES = 2**26

CONVOLUTIONAL: tuple[Rewrite, ...] = (
    fold_batch_norm,
    pool_first,
    pool_by_maxima,
    channels_last,
)


@dataclass(frozen=True, eq=False)
class Replay:
    """Calls the functions that the model called, once it was watched at the center on each batch.

    Layers before the first that moves run once; what depends on the point only, such as folded
    weights, is computed once a point.

    Args:
        model: the user's own.
        at_once: so many examples at a time, which keeps activations in the processor's cache; None
            for whole batches.
        rewrites: of the steps.
        workers: threads that share the points.
    """

    model: MovableModel
    at_once: int | None = None
    rewrites: tuple[Rewrite, ...] = ()
    workers: int = 1

    @property
    def name(self) -> str:
        """For the record."""
        return "replay"

    @property
    def keeps_memory(self) -> bool:
        """Whether points are evaluated in the same memory, one after another."""
        return False

    @property
    def channels_last(self) -> bool:
        """Whether images lie in memory channel by channel at each pixel."""
        return channels_last in self.rewrites

    def prepare(self, portion: Portion) -> Watched:
        """Watch the model at the center, on all batches.

        Raises:
            Unsuitable: the model does what cannot be followed.
        """
        parts = []
        self.model.move([0.0] * len(self.model.work.directions))
        for batch, size in zip(portion.batches, portion.sizes, strict=True):
            parts.append([self._watch(part, n) for part, n in self._parts(batch, size)])
            self.model.interrupts.deliver()
        return Watched(self, portion, parts)

    def _parts(self, batch: Any, size: int | None) -> list[tuple[Any, int | None]]:
        if self.at_once is None or size is None or size <= self.at_once:
            return [(batch, size)]
        starts = range(0, size, self.at_once)
        return [
            (
                part_of(batch, slice(start, start + self.at_once), size),
                min(self.at_once, size - start),
            )
            for start in starts
        ]

    def _watch(self, batch: Any, size: int | None) -> Part:
        work = self.model.work
        examples = None if work.at_center is None else size
        names = {name for group in work.groups for name in group.names}
        moved = {name for group in work.groups for name in group.buffers}
        parameters, buffers = self.model.parameters, self.model.buffers
        moving = {name: tensor for name, tensor in parameters.items() if name in names}
        moving |= {_buffer(name): tensor for name, tensor in buffers.items() if name in moved}
        fixed = [*work.model.parameters(), *buffers.values(), *parameters.values()]
        predicted, tape = record(
            lambda: work.objective.predict(work.model, batch, examples), moving, fixed
        )
        return Part(predicted, tape, size)

    def points_at_once(self, portion: Portion) -> int:
        """How many points to ask for at a time."""
        return portion.points_at_once


def _buffer(name: str) -> str:
    # A buffer may bear the name that a parameter has in another place of the dictionary.
    return f"buffer {name}"


@dataclass(frozen=True, eq=False)
class Part:
    """Some examples of a batch: what the model gives for them at the center, and how."""

    predicted: Any
    tape: Tape
    size: int | None


class Watched:
    """Batches on which the model was watched, which still stands at the center.

    Attributes:
        rest: what moves for other points, at the center.
    """

    def __init__(self, backend: Replay, portion: Portion, parts: list[list[Part]]) -> None:
        self.backend = backend
        self.portion = portion
        self.parts = parts
        self.at_center = [joined(own) for own in parts]
        self._programs: dict[object, list[Program]] = {}
        self._held: dict[Group, list[list[tuple[Program, dict[Slot, Tensor]]]]] = {}
        self.lock = threading.Lock()
        model = backend.model
        # Copied now, because the model may stand at another point when they are asked for.
        buffers = {_buffer(name): buffer.clone() for name, buffer in model.buffers.items()}
        self.rest: dict[str, Tensor] = {**model.work.center, **buffers}

    def evaluator(self) -> Evaluator:
        """An evaluator with parameters of its own."""
        return _Player(self)

    @property
    def bytes_kept(self) -> int:
        """Memory for what it keeps of the examples, beside the batches themselves."""
        data = {t.data_ptr() for batch in self.portion.batches for t in tensors_of(batch)}
        parts = [part for parts in self.parts for part in parts]
        tensors = [t for part in parts for t in _of_data(part.tape, part.tape.constants)]
        for group in self._held.values():
            for own, held in zip(parts, (pair for row in group for pair in row), strict=True):
                tensors += _of_data(own.tape, held[1])
        kept = {t.data_ptr(): t.numel() * t.element_size() for t in tensors}
        return sum(size for place, size in kept.items() if place not in data)

    @property
    def functions(self) -> frozenset[str]:
        """Names of the functions that are called on what moves."""
        return frozenset(
            step.name for parts in self.parts for part in parts for step in part.tape.steps
        )

    @property
    def resting(self) -> float:
        """The share of the functions called that need not be called again."""
        tapes = [part.tape for parts in self.parts for part in parts]
        calls = sum(tape.calls for tape in tapes)
        return 1.0 - sum(len(tape.steps) for tape in tapes) / max(1, calls)

    def program_of(self, tape: Tape, group: Group) -> Program:
        """The program for a tape; tapes with the same steps share it."""
        names = group.names | {_buffer(name) for name in group.buffers}
        known = self._programs.setdefault(names, [])
        key = tape.key
        for program in known:
            if program.key == key:
                return program
        known.append(Program(tape, names, self.backend.rewrites))
        return known[-1]

    def held(self, group: Group) -> list[list[tuple[Program, dict[Slot, Tensor]]]]:
        """For each part of each batch: its program, and what stays the same at all points."""
        with self.lock:
            if group not in self._held:
                while len(self._held) > self.backend.workers:  # one group each, and the next
                    del self._held[next(iter(self._held))]
                self._held[group] = [[self._made(p, group) for p in own] for own in self.parts]
            return self._held[group]

    def _made(self, part: Part, group: Group) -> tuple[Program, dict[Slot, Tensor]]:
        program = self.program_of(part.tape, group)
        return program, program.held(part.tape, self.rest)


def _of_data(tape: Tape, tensors: Mapping[Slot, Tensor]) -> list[Tensor]:
    """Those that are not the model's own."""
    return [tensor for slot, tensor in tensors.items() if slot not in tape.fixed]


class _Player:
    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._model = watched.backend.model
        self._group: Group | None = None

    def __call__(self, numbers: Sequence[int], loss_of_each: bool | None) -> list[Results]:
        work = self._model.work
        if list(numbers) == [work.at_center]:
            found = [self._assessed(self._watched.at_center, loss_of_each)]
        else:
            found = [self._at(number, loss_of_each) for number in numbers]
        return [
            {name: torch.stack([of_point[batch][name] for of_point in found]) for name in first}
            for batch, first in enumerate(found[0])
        ]

    def _at(self, number: int, loss_of_each: bool | None) -> list[dict[str, Tensor]]:
        group = self._model.work.group_of[number]
        if group is not self._group:
            self._group = group
            self._mover = mover(self._watched, group)
        moving = self._mover(number)
        values: dict[int, dict[Slot, Tensor]] = {}
        predicted = []
        for parts in self._watched.held(group):
            outputs = []
            for program, held in parts:
                if id(program) not in values:
                    values[id(program)] = program.at_point(moving, held)
                outputs.append(program.on_batch(held, values[id(program)]))
            predicted.append(outputs)
        sizes = [[part.size for part in parts] for parts in self._watched.parts]
        together = [concatenated(*pair) for pair in zip(predicted, sizes, strict=True)]
        return self._assessed(together, loss_of_each)

    def _assessed(
        self, predicted: Sequence[Any], loss_of_each: bool | None
    ) -> list[dict[str, Tensor]]:
        work, portion = self._model.work, self._watched.portion
        with work.assessing:
            return [
                work.objective.assess(
                    given, batch, None if work.at_center is None else size, loss_of_each
                )
                for given, batch, size in zip(
                    predicted, portion.batches, portion.sizes, strict=True
                )
            ]


def mover(watched: Watched, group: Group) -> Callable[[int], dict[str, Tensor]]:
    """Gives, for the number of a point, the tensors that move, by their names on the tape."""
    model = watched.backend.model
    work = model.work
    columns = list(group.columns)
    center: Parameters = {name: work.center[name] for name in work.center if name in group.names}
    size = sum(tensor.numel() * tensor.element_size() for tensor in center.values())
    directions = [work.directions[column] for column in columns]
    if size > _OWN_BYTES and watched.backend.workers == 1 and not watched.backend.channels_last:

        def shared(number: int) -> dict[str, Tensor]:
            model.go_to(number)
            return {**model.parameters, **{_buffer(n): b for n, b in model.buffers.items()}}

        return shared
    point = Point(center, directions, channels_last=watched.backend.channels_last)
    own = {n: watched.rest[_buffer(n)].clone() for n in group.buffers}
    buffers = MovingBuffers(own, [work.buffers[c] for c in columns if c < len(work.buffers)])
    tensors = {**point.tensors, **{_buffer(name): buffer for name, buffer in own.items()}}

    def moved(number: int) -> dict[str, Tensor]:
        row = work.coefficients[number, columns].tolist()
        point.to(row)
        buffers.move(row)
        return tensors

    return moved


def joined(parts: Sequence[Part]) -> Any:
    """What the model gives for a whole batch, from what it gave for its parts.

    Raises:
        Unsuitable: something else than tensors with an entry for each example.
    """
    return concatenated([part.predicted for part in parts], [part.size for part in parts])


def concatenated(outputs: Sequence[Any], sizes: Sequence[int | None]) -> Any:
    """Outputs for the parts of a batch as one.

    Raises:
        Unsuitable: something else than tensors with an entry for each example.
    """
    if len(outputs) == 1:
        return outputs[0]
    leaves = [list(tensors_in(output)) for output in outputs]
    for own, size in zip(leaves, sizes, strict=True):
        if not own or any(tensor.ndim == 0 or len(tensor) != size for tensor in own):
            raise Unsuitable("the outputs do not belong to single examples")
    whole = iter([torch.cat(parts) for parts in zip(*leaves, strict=True)])
    return replaced(outputs[0], Tensor, lambda _: next(whole))
