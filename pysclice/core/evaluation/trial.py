"""Backends tried out on some examples: do they agree with the reference, and how fast are they?"""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pysclice.core.averages import Averages, Results
from pysclice.core.evaluation.graph import Graph
from pysclice.core.evaluation.products import may_be_faster
from pysclice.core.evaluation.reference import Reference
from pysclice.core.evaluation.replay import CONVOLUTIONAL, Replay
from pysclice.core.evaluation.rewrites import faster_products
from pysclice.core.evaluation.stacked import Stacked
from pysclice.core.evaluation.work import (
    Backend,
    MovableModel,
    Portion,
    Prepared,
    Unsuitable,
)
from pysclice.core.evaluation.workers import evaluate_blocks
from pysclice.slices import Float64

_log = logging.getLogger(__name__)

# Stacks are timed with so many points.
_STACKED_POINTS = 8

# Who takes so many seconds is timed once; of several threads, which may wait for each other, none
# that takes less than the second.
_LONG, _LONG_OF_THREADS = 0.05, 0.25

# Threads take the same points several times, for so many seconds, at least and at most so often.
_WORTH_STARTING, _LEAST_TIMES, _MOST_TIMES = 0.02, 3, 8

# Agreement: |difference| <= this times |reference|, plus that.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-7


@dataclass(frozen=True)
class Candidate:
    """A way to make a backend, which can be kept for the next slice.

    Attributes:
        kind: ``"replay"``, ``"images"`` (replay for convolutions), ``"stacked"`` or ``"graph"``.
        workers: threads that share the points.
        at_once: examples at a time; None for whole batches.
    """

    kind: str
    workers: int
    at_once: int | None = None

    def on(self, model: MovableModel) -> Backend:
        """The backend for a model."""
        if self.kind == "stacked":
            return Stacked(model, self.workers)
        if self.kind == "graph":
            return Graph(model)
        rewrites = CONVOLUTIONAL if self.kind == "images" else ()
        if may_be_faster(model.work.device):
            rewrites = (*rewrites, faster_products)
        return Replay(model, self.at_once, rewrites, self.workers)


class Trial:
    """Backends on some examples, at the center, a corner and a random point.

    Args:
        model: the user's own.
        portion: the examples.
        larger: more examples, to time those on who take batches apart.
        each: seconds that the reference takes for an example at a point where it is one of many,
            if that is known; of few examples a call takes longer than their share of many.

    Attributes:
        dropped: why backends do not take part: kind -> reason.
    """

    def __init__(
        self,
        model: MovableModel,
        portion: Portion,
        larger: Portion | None = None,
        each: float = math.inf,
    ) -> None:
        self.model = model
        self.portion = portion
        self.larger = larger
        self.dropped: dict[str, str] = {}
        self._each = each
        self._reference: tuple[dict[str, Float64], Prepared] | None = None
        self._differences: dict[Candidate, float] = {}
        self._bytes: dict[Candidate, float] = {}
        self._prepared: dict[Candidate, Prepared] = {}
        self._reference_seconds: dict[bool, float] = {}

    @property
    def _points(self) -> tuple[int, ...]:
        return self.model.work.check_points

    def glance(self) -> float:
        """Seconds that the reference takes for a point, seen once."""
        evaluator = Reference(self.model).prepare(self.portion).evaluator()
        began = time.perf_counter()
        evaluator([len(self.model.work.coefficients) - 1], None)
        return time.perf_counter() - began

    def agrees(self, candidate: Candidate, prepared: Prepared | None = None) -> bool:
        """Whether a candidate gives what the reference gives; if not, it is dropped.

        Args:
            candidate: which takes whole batches, if it is given prepared.
            prepared: the candidate, ready for the examples; left out, it is made ready here.
        """
        expected, _ = self._of_reference()
        try:
            if candidate.at_once is not None:
                # What mixes the examples of a batch shows only where the batch is taken apart.
                half = max(1, self.portion.examples // 2)
                apart = dataclasses.replace(candidate, at_once=min(candidate.at_once, half))
                found, prepared = self._measured(apart.on(self.model))
            else:
                found, prepared = self._measured(candidate.on(self.model), prepared)
                self._prepared[candidate] = prepared
        except Exception as error:  # whatever is wrong with it, the reference is there
            self._drop(candidate, str(error), quietly=isinstance(error, Unsuitable))
            return False
        self._bytes[candidate] = prepared.bytes_kept / self.portion.examples
        self._differences[candidate] = 0.0
        for name, values in expected.items():
            reason = self._differs(candidate, name, values, found.get(name))
            if reason is not None:
                self._drop(candidate, reason, quietly=False)
                return False
        return True

    def share(self, candidate: Candidate) -> float | None:
        """What a candidate takes of the reference's time for a point; None if it is dropped."""
        backend = candidate.on(self.model)
        large = candidate.at_once is not None and self.larger is not None
        try:
            prepared = None if large else self._prepared.pop(candidate, None)
            seconds = self._seconds(backend, prepared or backend.prepare(self._timed_on(large)))
        except Exception as error:
            self._drop(candidate, str(error), quietly=isinstance(error, Unsuitable))
            return None
        if large not in self._reference_seconds:
            reference = Reference(self.model)
            found = reference.prepare(self._timed_on(large)) if large else self._of_reference()[1]
            self._reference_seconds[large] = self._seconds(reference, found)
        expected = self._reference_seconds[large]
        if candidate.kind == "stacked":
            # Several points are one call there, so few examples show what many would take.
            expected = min(expected, self._each * self.portion.examples)
        return seconds / expected

    def _timed_on(self, large: bool) -> Portion:
        return self.larger if large and self.larger is not None else self.portion

    def bytes_kept(self, candidate: Candidate) -> float:
        """Bytes that a backend keeps of each example, beside the data."""
        return self._bytes[candidate]

    def report(self, candidate: Candidate) -> dict[str, Any]:
        """What the record says."""
        found: dict[str, Any] = {
            "backend": candidate.on(self.model).name,
            "workers": candidate.workers,
            "check": {
                "points": len(self._points),
                "examples": self.portion.examples,
                "largest_difference": float(f"{self._differences[candidate]:.3g}"),
            },
        }
        if candidate.at_once is not None:
            found["examples_at_once"] = candidate.at_once
        return found | self.dropped_report()

    def dropped_report(self) -> dict[str, Any]:
        """What was dropped, and why."""
        return {"dropped": dict(self.dropped)} if self.dropped else {}

    def _of_reference(self) -> tuple[dict[str, Float64], Prepared]:
        if self._reference is None:
            self._reference = self._measured(Reference(self.model))
        return self._reference

    def _differs(
        self, candidate: Candidate, name: str, expected: Float64, found: Float64 | None
    ) -> str | None:
        """How the values of a channel differ by more than they may; None if they do not."""
        if found is None:
            return f"it has no values of {name}"
        tolerance = _RELATIVE * np.abs(expected) + _ABSOLUTE
        is_loss = name.endswith("/loss")
        if not is_loss:
            # A metric may count: two examples may fall to the other side.
            tolerance = np.maximum(tolerance, 2.0 / self.portion.examples)
        with np.errstate(invalid="ignore"):
            difference = np.abs(found - expected)
            close = (difference <= tolerance) | (found == expected)
            close |= np.isnan(found) & np.isnan(expected)
            relative = difference / np.maximum(np.abs(expected), 1e-300)
        finite = relative[np.isfinite(relative)]
        if is_loss and finite.size:
            worst = max(self._differences[candidate], float(finite.max()))
            self._differences[candidate] = worst
        if close.all():
            return None
        at = int(np.flatnonzero(~close)[0])
        row = self.model.work.coefficients[self._points[at]].tolist()
        return f"{name} is {found[at]:.9g} at {row}, where the reference has {expected[at]:.9g}"

    def _drop(self, candidate: Candidate, why: str, *, quietly: bool) -> None:
        level = logging.DEBUG if quietly else logging.WARNING
        _log.log(level, "The %s backend is dropped: %s.", candidate.kind, why)
        if not quietly:
            self.dropped[candidate.kind] = why

    def _measured(
        self, backend: Backend, prepared: Prepared | None = None
    ) -> tuple[dict[str, Float64], Prepared]:
        """Channel -> values at the points of the check; and the backend, ready for the examples."""
        work = self.model.work
        averages = Averages(
            len(work.coefficients), work.at_center, work.objective.adds_up, work.device
        )
        averages.begin("trial", self.portion.weights, self.portion.sizes)
        prepared = prepared or backend.prepare(self.portion)
        evaluator = prepared.evaluator()
        points = list(self._points)
        if work.at_center is not None:
            averages.add([work.at_center], evaluator([work.at_center], None))
            points.remove(work.at_center)
        self._loss_of_each = work.at_center is not None and "loss" in averages.of_each
        for number in points:
            averages.add([number], evaluator([number], self._loss_of_each))
        found = averages.finish("trial").values
        return {name: values[list(self._points)] for name, values in found.items()}, prepared

    def _seconds(self, backend: Backend, prepared: Prepared) -> float:
        """Seconds a point, once everything is warm, with as many points at once as it likes."""
        work = self.model.work
        group = work.group_of[self._points[-1]]
        own = [n for n in group.numbers if n != work.at_center] or list(group.numbers)
        size = _STACKED_POINTS if isinstance(backend, Stacked) else 1
        size = max(1, min(size, len(own) // backend.workers))
        blocks = [own[i * size : (i + 1) * size] for i in range(backend.workers)]
        blocks = [block for block in blocks if block]
        evaluators = [prepared.evaluator() for _ in range(backend.workers)]
        # What others do on the machine meanwhile does not count, where that can be told.
        alone = backend.workers == 1 and torch.get_num_threads() == 1
        clock = time.thread_time if alone and work.device.type == "cpu" else time.perf_counter
        taken: list[float] = []
        long = _LONG if alone else _LONG_OF_THREADS
        times = 1
        # The first warms up, of which little shows where it takes long. Threads start anew every
        # time, and get into the way of those that torch has left spinning: they go on for longer.
        while len(taken) < (2 if alone else 3) and sum(taken) < long:
            began = clock()
            evaluate_blocks(evaluators, blocks * times, self._loss_of_each, _forget, self.model)
            if work.device.type == "cuda":
                torch.cuda.synchronize(work.device)
            taken.append((clock() - began) / times)
            if backend.workers > 1 and taken[0] < _LONG_OF_THREADS / 2:
                enough = math.ceil(_WORTH_STARTING / taken[-1])
                times = min(_MOST_TIMES, max(_LEAST_TIMES, enough))
        return min(taken[1:] or taken) / sum(map(len, blocks))


def _forget(numbers: Sequence[int], results: Sequence[Results]) -> None:
    """Results that only took their time."""
