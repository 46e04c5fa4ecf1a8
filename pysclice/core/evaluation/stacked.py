"""Stacked: several points at once, for networks of linear layers and what lies between them.

A layer is one batched product for all points of a block, and the sum over classes in a
cross-entropy runs along whole rows. What is still affine in the coefficients, such as the first
layer's result, needs no product at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pysclice.core.averages import Results
from pysclice.core.evaluation.lowering import MOST_POINTS, Lowered, Space
from pysclice.core.evaluation.replay import Replay, Watched
from pysclice.core.evaluation.work import Evaluator, Group, MovableModel, Portion, Unsuitable


@dataclass(frozen=True, eq=False)
class Stacked:
    """Evaluates a block of points in one go.

    Args:
        model: the user's own.
        workers: threads that share the points.
    """

    model: MovableModel
    workers: int = 1

    @property
    def name(self) -> str:
        """For the record."""
        return "stacked"

    @property
    def keeps_memory(self) -> bool:
        """Whether points are evaluated in the same memory, one after another."""
        return True

    def prepare(self, portion: Portion) -> _Prepared:
        """Make ready for these batches.

        Raises:
            Unsuitable: the model is not made of linear layers and what goes between them.
        """
        return self.of(Replay(self.model, workers=self.workers).prepare(portion))

    def of(self, watched: Watched) -> _Prepared:
        """Make ready for batches on which the model was watched already.

        Raises:
            Unsuitable: as ``prepare``.
        """
        work = self.model.work
        if not work.objective.sees_outputs or work.at_center is None:
            raise Unsuitable("the loss is not computed from outputs")
        return _Prepared(watched)

    def points_at_once(self, portion: Portion) -> int:
        """How many points to ask for at a time."""
        return max(1, min(MOST_POINTS, 2**20 // portion.examples))


class _Prepared:
    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self._lowered: dict[Group, list[Lowered]] = {}
        self.lowered(watched.backend.model.work.groups[0])  # shows whether it can be done

    @property
    def bytes_kept(self) -> int:
        """Memory for what it keeps of the examples, beside the batches themselves."""
        return self.watched.bytes_kept + sum(
            network.bytes_kept for networks in self._lowered.values() for network in networks
        )

    def evaluator(self) -> Evaluator:
        return _Evaluator(self)

    def lowered(self, group: Group) -> list[Lowered]:
        """The network on each batch."""
        with self.watched.lock:
            if group not in self._lowered:
                while len(self._lowered) > self.watched.backend.workers:
                    del self._lowered[next(iter(self._lowered))]  # the memory first
                parts = zip(self.watched.parts, self.watched.portion.batches, strict=True)
                self._lowered[group] = [
                    Lowered(self.watched, own[0], batch, group) for own, batch in parts
                ]
            return self._lowered[group]


class _Evaluator:
    def __init__(self, prepared: _Prepared) -> None:
        self._prepared = prepared
        self._at_center = prepared.watched.evaluator()
        self._space = Space()

    def __call__(self, numbers: Sequence[int], loss_of_each: bool | None) -> list[Results]:
        work = self._prepared.watched.backend.model.work
        if list(numbers) == [work.at_center]:
            return self._at_center(numbers, loss_of_each)
        group = work.group_of[numbers[0]]
        rows = work.coefficients[np.ix_(list(numbers), list(group.columns))]
        lowered = self._prepared.lowered(group)
        return [network.at(rows, self._space, loss_of_each) for network in lowered]
