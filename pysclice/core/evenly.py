"""Which steps of a run to keep, when only so many can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Evenly:
    """At most so many steps, evenly over the run: one for each multiple of a spacing that doubles.

    Args:
        steps: those that are there, increasing; their spacing is taken up again.
        limit: most steps to keep, at least 2; 0 for none at all.
        every: the first spacing.
    """

    def __init__(self, steps: Sequence[int], limit: int, every: int) -> None:
        self.steps = list(steps)
        self.limit = limit
        self._spacing = every
        # The last one may stand off the grid.
        gaps = np.diff(self.steps[:-1])
        while len(gaps) and 2 * self._spacing <= gaps.min():
            self._spacing *= 2

    def wants(self, step: int, always: bool) -> bool:
        """Whether this step comes into a new multiple of the spacing, or is wanted anyway."""
        if not self.limit or not self.steps:
            return self.limit > 0
        last = self.steps[-1]
        return step > last and (always or step // self._spacing != last // self._spacing)

    def add(self, step: int) -> list[int]:
        """Keep this step too; gives those that have to go for it."""
        before = [*self.steps, step]
        stay = before
        while len(stay) > self.limit:
            self._spacing *= 2
            first = {s // self._spacing: s for s in reversed(before)}
            stay = sorted({*first.values(), step})
        self.steps = stay
        return sorted(set(before) - set(stay))
