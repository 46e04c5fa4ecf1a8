"""Who evaluates the points: the reference, or whatever is faster and agrees with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from pysclice.core.averages import Averages, Measurements
from pysclice.core.buffers import recomputed_statistics
from pysclice.core.data import DataSet, checked_weight, examples_in
from pysclice.core.evaluation.reference import Reference
from pysclice.core.evaluation.work import Backend, MovableModel, Portion, Work, movable

BACKENDS = ("auto", "reference")


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
        backend: one of ``BACKENDS``.
        kept: remembers choices from one slice to the next.
        on_evaluation: called for each point, on the first portion of the first data set.
    """
    adds_up = work.objective.adds_up
    averages = Averages(len(work.coefficients), work.at_center, adds_up, work.device, groups)
    with movable(work) as model:
        if work.recompute_batch_norm:
            recompute_batch_norm(model, data_sets[0])
        for data_set in data_sets:
            chosen: Backend = Reference(model)
            for portion in portions(data_set, work.device, weigh):
                counted = on_evaluation if data_set is data_sets[0] and not portion.first else None
                averages.begin(data_set.name, portion.weights, portion.sizes)
                run(work, chosen, portion, averages, model, counted)
                averages.end()
    return averages.finish(data_sets[0].name)


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
    work: Work,
    backend: Backend,
    portion: Portion,
    averages: Averages,
    model: MovableModel,
    on_evaluation: Callable[[], None] | None,
) -> None:
    """Evaluate all points on a portion of the data."""
    evaluator = backend.prepare(portion).evaluator()
    size = backend.points_at_once(portion)
    rest = [number for group in work.groups for number in group.numbers]
    if work.at_center is not None:
        # The center first: it shows what has a value per example.
        averages.add([work.at_center], evaluator([work.at_center], None))
        rest.remove(work.at_center)
        if on_evaluation is not None:
            on_evaluation()
    loss_of_each = work.at_center is not None and "loss" in averages.of_each
    for start in range(0, len(rest), size):
        numbers = rest[start : start + size]
        averages.add(numbers, evaluator(numbers, loss_of_each))
        if on_evaluation is not None:
            for _ in numbers:
                on_evaluation()


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
    """What the record says of the evaluations that a slice is made of."""
    return dict(reports[-1]) if reports else {}
