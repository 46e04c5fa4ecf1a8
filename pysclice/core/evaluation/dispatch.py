"""Everything that is measured goes through here: which backend, on which portion, which points."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch

from pysclice.core.averages import Averages, Measurements, Results
from pysclice.core.buffers import recomputed_statistics
from pysclice.core.data import DataSet, checked_weight, examples_in
from pysclice.core.evaluation.choice import Choice, choose
from pysclice.core.evaluation.heap import steady_heap
from pysclice.core.evaluation.reference import Reference
from pysclice.core.evaluation.work import Backend, MovableModel, Portion, Work, movable
from pysclice.core.evaluation.workers import evaluate_blocks
from pysclice.core.sharding import local
from pysclice.core.told import tell

# More than this share of half-precision weights that stay where they are is worth a warning.
_MOST_UNMOVED = 0.5

# Parameters times examples times points: a tenth of a second, or more.
_LONG = 2**28

_log = logging.getLogger(__name__)


def evaluate(
    work: Work,
    data_sets: Sequence[DataSet],
    weigh: Callable[[Any], float],
    *,
    groups: int,
    backend: str,
    kept: dict[object, Any],
    on_evaluation: Callable[[], None] | None,
) -> Measurements:
    """Loss and metrics at all points.

    Args:
        work: what is to be evaluated.
        data_sets: on what data; each is read once.
        weigh: the weight of a batch.
        groups: of examples, for replicates; 0 for none.
        backend: one of ``choice.BACKENDS``.
        kept: remembers choices from one slice to the next.
        on_evaluation: called for each point, on the first portion of the first data set.
    """
    adds_up = work.objective.adds_up
    averages = Averages(len(work.coefficients), work.at_center, adds_up, work.device, groups)
    reports: list[dict[str, Any]] = []
    with movable(work) as model:
        if work.recompute_batch_norm:
            recompute_batch_norm(model, data_sets[0])
        for data_set in data_sets:
            choice: Choice | None = None
            for held in portions(data_set, work.device, weigh):
                if choice is None:
                    choice = choose(model, held, backend, kept, data_set.name)
                    reports.append(choice.report)
                for portion in held.parts(choice.most_examples):
                    first = data_set is data_sets[0] and not portion.first
                    averages.begin(data_set.name, portion.weights, portion.sizes)
                    counted = on_evaluation if first else None
                    failure = run(model, choice.backend, portion, averages, counted)
                    if failure is not None:
                        name = choice.backend.name
                        choice.report["backend"] = f"{name}+reference"
                        choice.report.setdefault("dropped", {})[name] = failure
                    averages.end()
        unmoved = unmoved_share(model)
    found = averages.finish(data_sets[0].name)
    found.evaluation.update(summary(reports))
    if unmoved > _MOST_UNMOVED:
        found.evaluation["unmoved"] = round(unmoved, 3)
        tell(
            f"{unmoved:.0%} of the half-precision weights that a slice moves round to where they "
            "were at the point nearest the center: there it shows rounding more than the loss. "
            "Widen the span, or slice a float32 copy of the model.",
            stacklevel=5,
        )
    return found


def unmoved_share(model: MovableModel) -> float:
    """The share of half-precision weights that do not move at the point nearest the center.

    Sums are made in float32 and rounded once, but a step below the spacing of the half-precision
    numbers is lost all the same.
    """
    work = model.work
    names = {name for group in work.groups for name in group.names}
    center = {name: local(tensor) for name, tensor in work.center.items()}
    small = [name for name in names if center[name].dtype in (torch.float16, torch.bfloat16)]
    if not small:
        return 0.0
    distances = np.linalg.norm(work.coefficients, axis=1)
    if not distances.any():
        return 0.0
    model.go_to(int(np.argmin(np.where(distances > 0, distances, np.inf))))
    moved = model.parameters
    still = sum(int((moved[name] == center[name]).sum()) for name in small)
    return still / max(1, sum(center[name].numel() for name in small))


def portions(
    data_set: DataSet, device: torch.device, weigh: Callable[[Any], float]
) -> Iterator[Portion]:
    """The batches of a data set, as many at a time as fit into its cache."""
    first = 0
    for batches in data_set.chunks(device):
        weights = [checked_weight(weigh, batch) for batch in batches]
        yield Portion(batches, weights, list(map(examples_in, batches)), first)
        first += len(batches)


def run(
    model: MovableModel,
    backend: Backend,
    portion: Portion,
    averages: Averages,
    on_evaluation: Callable[[], None] | None,
) -> str | None:
    """Evaluate all points on a portion of the data; the reference does what a backend cannot.

    Returns:
        What went wrong in the backend, if the reference had to go on.
    """
    done: set[int] = set()

    def take(numbers: Sequence[int], results: Sequence[Results]) -> None:
        averages.add(numbers, results)
        done.update(numbers)
        if on_evaluation is not None:
            for _ in numbers:
                on_evaluation()

    try:
        _run(model, backend, portion, averages, take, done)
    except Exception as error:
        if isinstance(backend, Reference):
            raise
        # Most likely of the user's own code: then the reference raises it again.
        _log.warning("The %s backend failed (%s); the reference goes on.", backend.name, error)
        _run(model, Reference(model), portion, averages, take, done)
        return f"{type(error).__name__}: {error}"
    return None


def heap_for(
    backend: Backend, work: Work, portion: Portion
) -> Callable[[], AbstractContextManager[None]]:
    """What makes a thread's heap keep its memory, where this is repaid."""
    numbers = sum(tensor.numel() for tensor in work.center.values())
    long = numbers * portion.examples * len(work.coefficients) >= _LONG
    repaid = long and work.device.type == "cpu" and not backend.keeps_memory
    return steady_heap if repaid else nullcontext


def _run(
    model: MovableModel,
    backend: Backend,
    portion: Portion,
    averages: Averages,
    take: Callable[[Sequence[int], Sequence[Results]], None],
    done: set[int],
) -> None:
    work = model.work
    prepared = backend.prepare(portion)
    model.interrupts.deliver()
    evaluators = [prepared.evaluator() for _ in range(backend.workers)]
    center = work.at_center
    if center is not None and center not in done:
        # The center first: it shows what has a value per example.
        take([center], evaluators[0]([center], None))
    loss_of_each = center is not None and "loss" in averages.of_each
    blocks = blocks_of(work, backend.points_at_once(portion), done, backend.workers)
    heap = heap_for(backend, work, portion)
    evaluate_blocks(evaluators, blocks, loss_of_each, take, model, heap)


def blocks_of(work: Work, most: int, done: set[int], workers: int) -> list[list[int]]:
    """The points that are not done yet, some at a time, none of two groups together.

    Blocks become smaller towards the end of what several workers share, so that none of them has
    much left to do when the others have nothing.
    """
    rest = [[number for number in group.numbers if number not in done] for group in work.groups]
    left = sum(map(len, rest))
    blocks = []
    for numbers in rest:
        start = 0
        while start < len(numbers):
            share = most if workers == 1 else -(-left // (2 * workers))
            block = numbers[start : start + min(most, share)]
            blocks.append(block)
            start += len(block)
            left -= len(block)
    return blocks


def recompute_batch_norm(model: MovableModel, data_set: DataSet) -> None:
    """Measure BatchNorm's statistics at every point, to be used from now on."""
    work = model.work
    coefficients = work.coefficients.tolist()
    model.statistics = recomputed_statistics(
        work.model,
        lambda batch: work.objective.predict(work.model, batch),
        data_set.chunks(work.device),
        len(coefficients),
        lambda number: model.move(coefficients[number]),
        model.interrupts.deliver,
    )


def summary(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the record says of several evaluations: all backends, and the worst of all checks."""
    reports = [report for report in reports if report]
    if not reports:
        return {}
    found: dict[str, Any] = {"backend": "+".join(dict.fromkeys(r["backend"] for r in reports))}
    for key in ("workers", "examples_at_once", "unmoved"):
        if any(key in report for report in reports):
            found[key] = max(report.get(key, 0) for report in reports)
    counted = [report["ranks"] for report in reports if "ranks" in report]
    if counted:
        found["ranks"] = [sum(own) for own in zip(*counted, strict=True)]
    checks = [report["check"] for report in reports if "check" in report]
    if checks:
        found["check"] = {
            "points": sum(check["points"] for check in checks),
            "examples": max(check["examples"] for check in checks),
            "largest_difference": max(check["largest_difference"] for check in checks),
        }
    dropped = {name: why for report in reports for name, why in report.get("dropped", {}).items()}
    if dropped:
        found["dropped"] = dropped
    return found
