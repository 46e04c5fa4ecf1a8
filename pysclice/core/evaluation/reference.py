"""The reference: the user's own model, called at one point after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pysclice.core.averages import Results
from pysclice.core.evaluation.work import Evaluator, MovableModel, Portion


@dataclass(frozen=True, eq=False)
class Reference:
    """Calls the model as it is: always possible, always right."""

    model: MovableModel
    name: str = "reference"
    workers: int = 1
    keeps_memory: bool = False

    def prepare(self, portion: Portion) -> _Calls:
        """Make ready for these batches."""
        return _Calls(self.model, portion)

    def points_at_once(self, portion: Portion) -> int:
        """How many points to ask for at a time."""
        return portion.points_at_once


@dataclass(frozen=True, eq=False)
class _Calls:
    model: MovableModel
    portion: Portion
    # The batches on which the model draws random numbers.
    draws: set[int] = field(default_factory=set)
    bytes_kept: int = 0

    def evaluator(self) -> Evaluator:
        return self._at_all

    def _at_all(self, numbers: Sequence[int], loss_of_each: bool | None) -> list[Results]:
        found = [self._at(number, loss_of_each) for number in numbers]
        return [
            {name: torch.stack([of_point[batch][name] for of_point in found]) for name in first}
            for batch, first in enumerate(found[0])
        ]

    def _at(self, number: int, loss_of_each: bool | None) -> list[dict[str, Tensor]]:
        work = self.model.work
        center = work.at_center
        # Without dropout most models draw nothing; the center shows on which batches they do.
        may_draw = center is None or work.mode == "train"
        self.model.go_to(number)
        found = []
        for position, batch in enumerate(self.portion.batches):
            # By batch, so that its dice do not depend on how many are held at once.
            if may_draw or number == center or position in self.draws:
                self.model.randomness.restart(self.portion.first + position)
            examples = None if center is None else self.portion.sizes[position]
            found.append(work.objective(work.model, batch, examples, loss_of_each))
            if number == center and self.model.randomness.were_drawn():
                self.draws.add(position)
            self.model.interrupts.deliver()
        return found
