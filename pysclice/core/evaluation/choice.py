"""Which backend: chosen by timing a few points, and checked against the reference every time."""

from __future__ import annotations

import dataclasses
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from pysclice.core.averages import Averages, Results
from pysclice.core.data import part_of
from pysclice.core.evaluation.graph import Graph
from pysclice.core.evaluation.reference import Reference
from pysclice.core.evaluation.replay import CONVOLUTIONAL, Replay, Watched
from pysclice.core.evaluation.rewrites import CONVOLUTIONS
from pysclice.core.evaluation.stacked import Stacked
from pysclice.core.evaluation.work import (
    Backend,
    Group,
    MovableModel,
    Portion,
    Prepared,
    Unsuitable,
)
from pysclice.core.evaluation.workers import evaluate_blocks
from pysclice.slices import Float64

_log = logging.getLogger(__name__)

BACKENDS = ("auto", "reference", "replay", "stacked", "graph")

# A slice that the reference takes this many seconds for is not worth a choice.
_WORTH_SECONDS = 0.3

# Nor is one whose parameters, examples and points multiply to less than this.
_WORTH_NUMBERS = 2**24

# Choosing and checking may take about this share of the whole work; and no evaluation of it more
# than so many seconds, since the whole work may become hundreds of times faster.
_SHARE, _TRIAL_SECONDS = 0.03, 0.05

# Backends are tried out on so many examples at least.
_LEAST_EXAMPLES = 8

# Replay by itself pays where at least this share of what the model calls need not be called again.
_RESTS = 0.1

# Images at a time; the first where there is no time to find out.
_AT_ONCE = (64, 128, 32)

# What is kept of the examples from one point to the next may take so much memory.
_KEPT_BYTES = 2**29

# Stacks are timed with so many points.
_STACKED_POINTS = 8

# Agreement: |difference| <= this times |reference|, plus that.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-7

# Parameters that move may be copied once for each worker up to this many bytes together.
_COPIES_BYTES = 2**29


@dataclass(frozen=True, eq=False)
class Choice:
    """A backend, and what the record says of it.

    Attributes:
        backend: the chosen one.
        report: backend, its settings, and what the check found.
        most_examples: so many fit into memory with what the backend keeps of each.
    """

    backend: Backend
    report: dict[str, Any]
    most_examples: int = sys.maxsize


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
        return Replay(model, self.at_once, rewrites, self.workers)


def choose(
    model: MovableModel, portion: Portion, wanted: str, kept: dict[object, Any], data_set: str
) -> Choice:
    """The backend for a data set, tried out on some examples of its first portion.

    Args:
        model: the user's own.
        portion: the first of the data set.
        wanted: one of ``BACKENDS``.
        kept: what was chosen before.
        data_set: its name.
    """
    reference = Choice(Reference(model), {"backend": "reference"})
    work = model.work
    if wanted == "reference" or work.mode == "train" or model.statistics is not None:
        return reference
    names = frozenset(name for group in work.groups for name in group.names)
    threads = torch.get_num_threads() if work.device.type == "cpu" else 1
    key = ("backend", wanted, data_set, names, len(work.groups), threads, tuple(portion.sizes[:1]))
    before: Candidate | None = None
    if key in kept:
        before = kept[key]
        if before is None:
            return reference
    if any(map(_is_compiled, work.model.modules())):
        return reference  # watching it would make it compile again
    numbers = sum(tensor.numel() for tensor in work.center.values())
    if wanted == "auto" and numbers * portion.examples * len(work.coefficients) < _WORTH_NUMBERS:
        return reference
    trial = _Trial(model, _some(portion, _LEAST_EXAMPLES))
    if before is not None:
        candidates = [before]
    else:
        candidates = _candidates(trial, wanted, threads)
        each = trial.glance() / trial.portion.examples
        whole = each * portion.examples * len(work.coefficients)
        if not candidates or (wanted == "auto" and whole < _WORTH_SECONDS):
            kept[key] = None
            return reference
        # About twenty evaluations. A few examples take longer than their share of many, so that
        # the first guess is too low.
        seconds = min(_TRIAL_SECONDS, _SHARE * whole / 20)
        for _ in range(2):
            if seconds / each > 1.5 * trial.portion.examples:
                trial = _Trial(model, _some(portion, int(seconds / each)))
                each = trial.glance() / trial.portion.examples
        candidates = list(_in_sizes(candidates, trial.portion.examples))
    best: tuple[float, Candidate] | None = None
    for candidate in candidates:
        took = trial.of(candidate, timed=before is None)
        if took is not None and (best is None or took < best[0]):
            best = took, candidate
    forced = wanted != "auto" or before is not None
    if best is None or (not forced and best[0] > 0.97 * trial.reference_seconds()):
        kept[key] = None
        return Choice(Reference(model), {**reference.report, **trial.dropped_report()})
    kept[key] = best[1]
    most = int(_KEPT_BYTES // max(1.0, trial.bytes_kept(best[1])))
    return Choice(best[1].on(model), trial.report(best[1]), most)


def _is_compiled(module: nn.Module) -> bool:
    # A module that was compiled, or compiled in place.
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None


def _some(portion: Portion, count: int) -> Portion:
    """About so many examples of the first batch."""
    batch, size = portion.batches[0], portion.sizes[0]
    count = max(_LEAST_EXAMPLES, count)
    if size is not None and size > count:
        batch, size = part_of(batch, slice(0, count), size), count
    return Portion([batch], [float(size or 1)], [size], portion.first)


def _candidates(trial: _Trial, wanted: str, threads: int) -> list[Candidate]:
    """What may pay for this model, the most promising first."""
    model = trial.model
    work = model.work
    try:
        model.randomness.restart(0)
        watched = Replay(model).prepare(trial.portion)
        if model.randomness.were_drawn():
            raise Unsuitable("the model draws random numbers")
    except Exception as reason:  # a model may refuse to be watched in ways of its own
        _log.info("The reference alone evaluates this model: %s.", reason)
        return []
    moved = sum(
        tensor.numel() * tensor.element_size()
        for name, tensor in work.center.items()
        if any(name in group.names for group in work.groups)
    )
    workers = max(1, min(threads, _COPIES_BYTES // max(1, moved), len(work.coefficients) // 2))
    counts = [1] if workers == 1 else [workers, 1]
    found: list[Candidate] = []
    if wanted in ("auto", "stacked") and _can_be_stacked(watched):
        found += [Candidate("stacked", count) for count in counts]
    # Only where it is asked for, until it has been measured.
    if wanted == "graph" and work.device.type == "cuda":
        found.append(Candidate("graph", 1))
    if wanted in ("auto", "replay"):
        images = any(name in watched.functions for name in CONVOLUTIONS)
        if images and work.objective.sees_outputs:
            found.append(Candidate("images", workers, _AT_ONCE[0]))
        if wanted == "replay" or workers > 1 or watched.resting > _RESTS or len(work.groups) > 1:
            found.append(Candidate("replay", workers))
    return found


def _in_sizes(candidates: Sequence[Candidate], examples: int) -> Iterator[Candidate]:
    """The candidates, those that take batches apart in all sizes that can be told apart."""
    for candidate in candidates:
        yield candidate
        if candidate.at_once is not None and examples >= max(_AT_ONCE):
            for at_once in _AT_ONCE[1:]:
                yield dataclasses.replace(candidate, at_once=at_once)


def _can_be_stacked(watched: Watched) -> bool:
    try:
        Stacked(watched.backend.model).of(watched)
    except Unsuitable as reason:
        _log.debug("Points are not stacked: %s.", reason)
        return False
    return True


class _Trial:
    """Backends on some examples, at the center, a corner and a random point."""

    def __init__(self, model: MovableModel, portion: Portion) -> None:
        self.model = model
        self.portion = portion
        self.dropped: dict[str, str] = {}
        self._points = _points(model)
        self._seconds: float | None = None
        self._expected: dict[str, Float64] = {}
        self._differences: dict[Candidate, float] = {}
        self._bytes: dict[Candidate, float] = {}

    def glance(self) -> float:
        """Seconds that the reference takes for its first point, which is the slowest."""
        evaluator = Reference(self.model).prepare(self.portion).evaluator()
        began = time.perf_counter()
        evaluator([self._points[0]], None)
        return time.perf_counter() - began

    def reference_seconds(self) -> float:
        """How long the reference takes for a point."""
        if self._seconds is None:
            self._expected, self._seconds = self._measured(Reference(self.model))
        return self._seconds

    def of(self, candidate: Candidate, timed: bool = True) -> float | None:
        """How long a candidate takes for a point, about; None if it is dropped."""
        self.reference_seconds()
        try:
            apart = candidate
            if candidate.at_once is not None:
                # What mixes the examples of a batch shows only where the batch is taken apart.
                half = max(1, self.portion.examples // 2)
                apart = dataclasses.replace(candidate, at_once=min(candidate.at_once, half))
            found, seconds = self._measured(apart.on(self.model), timed, candidate)
            if timed and apart != candidate:
                _, seconds = self._measured(candidate.on(self.model))
        except Exception as error:  # whatever is wrong with it, the reference is there
            self._drop(candidate, str(error), quietly=isinstance(error, Unsuitable))
            return None
        worst = 0.0
        for name, expected in self._expected.items():
            here = found.get(name, np.full_like(expected, np.nan))
            tolerance = _RELATIVE * np.abs(expected) + _ABSOLUTE
            if not name.endswith("/loss"):
                # A metric may count: two examples may fall to the other side.
                tolerance = np.maximum(tolerance, 2.0 / self.portion.examples)
            with np.errstate(invalid="ignore"):
                difference = np.abs(here - expected)
                close = (difference <= tolerance) | (here == expected)
                close |= np.isnan(here) & np.isnan(expected)
                relative = difference / np.maximum(np.abs(expected), 1e-300)
            if not close.all():
                point = self._points[int(np.flatnonzero(~close)[0])]
                row = self.model.work.coefficients[point].tolist()
                at = int(np.flatnonzero(~close)[0])
                why = (
                    f"{name} is {here[at]:.9g} at {row}, where the reference has {expected[at]:.9g}"
                )
                self._drop(candidate, why, quietly=False)
                return None
            finite = relative[np.isfinite(relative)]
            if name.endswith("/loss") and finite.size:
                worst = max(worst, float(finite.max()))
        self._differences[candidate] = worst
        return seconds

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

    def _drop(self, candidate: Candidate, why: str, *, quietly: bool) -> None:
        level = logging.DEBUG if quietly else logging.WARNING
        _log.log(level, "The %s backend is dropped: %s.", candidate.kind, why)
        if not quietly:
            self.dropped[candidate.kind] = why

    def _measured(
        self, backend: Backend, timed: bool = True, candidate: Candidate | None = None
    ) -> tuple[dict[str, Float64], float]:
        """Channel -> values at the points of the check, and seconds a point."""
        work = self.model.work
        averages = Averages(
            len(work.coefficients), work.at_center, work.objective.adds_up, work.device
        )
        averages.begin("trial", self.portion.weights, self.portion.sizes)
        prepared = backend.prepare(self.portion)
        if candidate is not None:
            self._bytes[candidate] = prepared.bytes_kept / self.portion.examples
        points = list(self._points)
        if work.at_center is not None:
            averages.add([work.at_center], prepared.evaluator()([work.at_center], None))
            points.remove(work.at_center)
        loss_of_each = work.at_center is not None and "loss" in averages.of_each
        began = time.perf_counter()
        self._evaluate(backend, prepared, points, loss_of_each, averages.add)
        seconds = (time.perf_counter() - began) / max(1, len(points))
        if timed and (isinstance(backend, Stacked | Graph) or backend.workers > 1):
            seconds = self._timed(backend, prepared, points, loss_of_each)
        found = averages.finish("trial").values
        return {name: values[list(self._points)] for name, values in found.items()}, seconds

    def _evaluate(
        self,
        backend: Backend,
        prepared: Prepared,
        points: Sequence[int],
        loss_of_each: bool,
        take: Callable[..., None],
    ) -> None:
        blocks: dict[Group, list[int]] = {}
        for number in points:
            blocks.setdefault(self.model.work.group_of[number], []).append(number)
        evaluate_blocks(prepared, list(blocks.values()), loss_of_each, take, self.model, 1)
        if self.model.work.device.type == "cuda":
            torch.cuda.synchronize(self.model.work.device)

    def _timed(
        self, backend: Backend, prepared: Prepared, points: Sequence[int], loss_of_each: bool
    ) -> float:
        """Seconds a point, with as many points at once as it likes."""
        group = self.model.work.group_of[points[0]] if points else self.model.work.groups[0]
        own = [n for n in group.numbers if n != self.model.work.at_center] or list(group.numbers)
        size = _STACKED_POINTS if isinstance(backend, Stacked) else 1
        size = max(1, min(size, len(own) // backend.workers))
        blocks = [own[i * size : (i + 1) * size] for i in range(backend.workers)]
        blocks = [block for block in blocks if block]
        began = time.perf_counter()
        evaluate_blocks(prepared, blocks, loss_of_each, _drop, self.model, backend.workers)
        if self.model.work.device.type == "cuda":
            torch.cuda.synchronize(self.model.work.device)
        return (time.perf_counter() - began) / sum(map(len, blocks))


def _drop(numbers: Sequence[int], results: Sequence[Results]) -> None:
    """Results that only took their time."""


def _points(model: MovableModel) -> tuple[int, ...]:
    """The center, the farthest corner and a random point; with several groups, one of each."""
    work = model.work
    distances = np.linalg.norm(work.coefficients, axis=1)
    generator = np.random.default_rng(len(work.coefficients))
    found: dict[int, None] = {} if work.at_center is None else {work.at_center: None}
    found[int(np.argmax(distances))] = None
    others = [number for number in range(len(distances)) if number not in found]
    if others:
        found[int(generator.choice(others))] = None
    if len(work.groups) > 1:
        for group in work.groups:
            found[int(generator.choice(group.numbers))] = None
    return tuple(found)
