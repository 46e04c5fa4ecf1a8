"""Whoever computes the same values: this library, the loop written by hand, other tools."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.cases import Case
from benchmarks.tasks import Task, surface_of
from pysclice.slices import Float64


@dataclass(frozen=True, eq=False)
class Contender:
    """Someone who can do a task.

    Attributes:
        name: what the table calls it.
        run: samples of each axis -> losses, for this library and the naive loop in the shape of a
            slice's. All that a user waits for is inside.
        points: samples of each axis -> how many points are evaluated.
        most: samples of each axis of the whole task.
        dimensions: how many axes.
        whole: it always does the whole task, since its cost is not proportional to the points.
        peer: another tool, which gets fewer turns if it is slow, and may fail.
        draw: the part of a run that draws directions; where it takes given ones, none.
    """

    name: str
    run: Callable[[int], Float64]
    points: Callable[[int], int]
    most: int
    dimensions: int
    whole: bool = False
    peer: bool = False
    draw: Callable[[], object] | None = None


class Unable(Exception):
    """A tool has no such slice, or cannot take it of this model; the message says why."""


OURS, REFERENCE, NAIVE, BARE = "pysclice", "reference", "naive loop", "bare forward"


def own(task: Task) -> dict[str, Contender]:
    """This library, its plain evaluator, and the loops written by hand."""
    reference = Slices(task, backend="reference")
    found = [
        _of(task, OURS, Slices(task), whole=True),
        # A loader is read once a slice, however many points there are.
        _of(task, REFERENCE, reference, whole=task.case.from_loader),
    ]
    if task.directions:
        found.append(_of(task, NAIVE, naive_loop(task)))
    if task.whole:
        found.append(_of(task, BARE, bare_forward(task)))
    return {contender.name: contender for contender in found}


def _of(task: Task, name: str, run: Callable[[int], Float64], whole: bool = False) -> Contender:
    return Contender(name, run, task.points, task.most, task.dimensions, whole=whole)


class Slices:
    """This library; a new surface each time, so that tuning, checks and setting up are counted.

    Attributes:
        evaluations: what the records say of how they were evaluated, slice by slice.
    """

    def __init__(self, task: Task, **options: Any) -> None:
        self._task = task
        self._options = options
        self.evaluations: list[Mapping[str, Any]] = []

    def __call__(self, samples: int) -> Float64:
        surface = surface_of(self._task.case, **self._options)
        found = surface.slice(self._task.slicer(samples), progress=False)
        self.evaluations.append(found.notes.get("evaluation", {}))
        return found.losses.astype(np.float64)


def naive_loop(task: Task) -> Callable[[int], Float64]:
    """What the field does: at each point write the weights, run the data, ask for the number."""
    model = copy.deepcopy(task.case.model)
    named = dict(model.named_parameters())
    moving = [
        (named[name], named[name].detach().clone(), [other[name] for other in task.directions])
        for name in task.directions[0]
    ]

    def run(samples: int) -> Float64:
        losses = []
        with torch.no_grad():
            for row in task.coefficients(samples).tolist():
                for parameter, start, along in moving:
                    step = along[0] * row[0]
                    for coefficient, direction in zip(row[1:], along[1:], strict=True):
                        step = step + direction * coefficient
                    parameter.data = start + step
                losses.append(_average(task.case, model))
            for parameter, start, _ in moving:
                parameter.data = start.clone()
        return np.array(losses).reshape(1, -1, samples)

    return run


def bare_forward(task: Task) -> Callable[[int], Float64]:
    """The forward passes without moving: what a loop over points cannot beat."""

    def run(samples: int) -> Float64:
        with torch.no_grad():
            return np.array(
                [_average(task.case, task.case.model) for _ in range(task.points(samples))]
            )

    return run


def _average(case: Case, model: nn.Module) -> float:
    total, examples = 0.0, 0
    for inputs, targets in case.batches():
        inputs, targets = inputs.to(case.inputs.device), targets.to(case.inputs.device)
        total += case.loss(model(inputs), targets).item() * len(inputs)
        examples += len(inputs)
    return total / examples
