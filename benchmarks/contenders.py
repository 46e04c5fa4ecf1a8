"""Whoever computes the same values: this library, the loop that one writes by hand, other tools."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import pysclice as ps
from benchmarks.models import Case
from pysclice.core.parameters import Direction
from pysclice.slices import Float64

Run = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Task:
    """Points to measure: the same for everyone.

    Attributes:
        case: model and data.
        directions: what the coefficients multiply.
        coefficients: (points, directions).
    """

    case: Case
    directions: list[Direction]
    coefficients: Float64

    @property
    def points(self) -> int:
        return len(self.coefficients)


def task(case: Case, dimensions: int, samples: int) -> Task:
    """A filter-normalized line (1) or plane (2) of so many samples an axis."""
    surface = _surface(case)
    start = surface.parameters()
    directions: list[Direction] = [ps.Random(seed)(surface, start) for seed in range(dimensions)]
    along = [np.linspace(-1.0, 1.0, samples)] * dimensions
    grid = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, dimensions)
    return Task(case, directions, grid)


def contenders(given: Task) -> dict[str, Run]:
    """Name -> a run of the whole task; the first is this library."""
    found = {"pysclice": _ours(given), "naive loop": _naive(given), "bare forward": _bare(given)}
    if importlib.util.find_spec("loss_landscapes") is not None:
        found["loss-landscapes"] = _loss_landscapes(given)
    return found


def _surface(case: Case) -> ps.LossSurface:
    return ps.LossSurface(case.model, case.loss, list(case.batches))


def _ours(given: Task) -> Run:
    surface = _surface(given.case)
    start = surface.parameters()
    return lambda: surface.measure(start, given.directions, given.coefficients)


def _naive(given: Task) -> Run:
    """What the field does: write the weights, run the batches, ask for the number."""
    model = copy.deepcopy(given.case.model).eval()
    start = {name: p.detach().clone() for name, p in model.named_parameters()}

    def run() -> list[float]:
        losses = []
        with torch.no_grad():
            for row in given.coefficients.tolist():
                for name, parameter in model.named_parameters():
                    moved = start[name]
                    for coefficient, direction in zip(row, given.directions, strict=True):
                        moved = moved + coefficient * direction[name]
                    parameter.copy_(moved)
                losses.append(_average(given.case, model))
        return losses

    return run


def _bare(given: Task) -> Run:
    """The forward passes alone, without moving: no loop can be faster, only fewer passes."""
    model = copy.deepcopy(given.case.model).eval()

    def run() -> list[float]:
        with torch.no_grad():
            return [_average(given.case, model) for _ in range(given.points)]

    return run


def _average(case: Case, model: torch.nn.Module) -> float:
    losses = [case.loss(model(x), y).item() * len(y) for x, y in case.batches]
    return sum(losses) / sum(len(y) for _, y in case.batches)


def _loss_landscapes(given: Task) -> Run:
    """Its documented form: one tensor of inputs, one of targets, directions of its own."""
    import loss_landscapes
    from loss_landscapes.metrics import Loss

    model = copy.deepcopy(given.case.model).eval()
    inputs, targets = (torch.cat(parts) for parts in zip(*given.case.batches, strict=True))
    metric = Loss(given.case.loss, inputs, targets)
    samples = round(given.points ** (1 / len(given.directions)))
    take = (
        loss_landscapes.random_line if len(given.directions) == 1 else loss_landscapes.random_plane
    )
    return lambda: take(model, metric, 1, samples, "filter", deepcopy_model=True)
