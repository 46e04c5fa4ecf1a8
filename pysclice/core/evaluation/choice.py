"""Which backend: chosen by timing a few points, and checked against the reference every time."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pysclice.core.data import part_of
from pysclice.core.evaluation.products import may_be_faster
from pysclice.core.evaluation.reference import Reference
from pysclice.core.evaluation.replay import Replay, Watched
from pysclice.core.evaluation.rewrites import CONVOLUTIONS, PRODUCTS
from pysclice.core.evaluation.stacked import Stacked
from pysclice.core.evaluation.trial import Candidate, Trial
from pysclice.core.evaluation.work import Backend, MovableModel, Portion, Prepared, Unsuitable

_log = logging.getLogger(__name__)

BACKENDS = ("auto", "reference", "replay", "stacked", "graph")

# A slice that the reference takes less than so many seconds for is not worth a choice among all.
_WORTH_SECONDS = 0.3

# One of fewer points than so many, whose parameters, examples and points multiply to less than so
# much, is worth nothing at all.
_WORTH_POINTS, _WORTH_NUMBERS = 150, 2**24

# Watching, stacking and checking a model takes about as long as it takes to call it so many times
# on a few examples. Short work has to save that; and is not looked into if it is less than so many
# calls. A call on this many examples is thought to take no longer than on fewer.
_A_CHECK, _WORTH_A_CHECK, _A_FEW = 50, 150, 64

# Choosing and checking may take about this share of the whole work, and a larger one of what is
# short; and no evaluation of it more than so many seconds, since the whole work may become hundreds
# of times faster.
_SHARE, _SHARE_OF_SHORT, _TRIAL_SECONDS = 0.03, 0.05, 0.05

# Trying out is about so many evaluations.
_TRIES = 30

# Backends are tried out on so many examples at least.
_LEAST_EXAMPLES = 8

# And on so many times more, while they take next to no time.
_MORE = 8

# Replay by itself pays where at least this share of what the model calls need not be called again,
# or where products are faster than the model's own; or else, by a few percent, where the work is so
# many examples times points.
_RESTS, _LONG = 0.1, 2**13

# Images at a time: their activations stay near, and few calls are made.
_AT_ONCE = 64

# What is kept of the examples from one point to the next may take so much memory.
_KEPT_BYTES = 2**29

# What few images take says nothing of the many that do not fit into a processor's cache: those who
# take batches apart are timed on so many, if two evaluations of these are this share of the work;
# or else they are thought to take so much of the reference's time, as a rule.
_ENOUGH, _OF_THE_WORK, _AS_A_RULE = 128, 0.03, 0.7

# A backend that saves less than this is not worth the check of every slice.
_WORTH_CHANGING = 0.95

# Nor is a candidate that saves less than this compared with a more promising one.
_CLEARLY_FASTER = 0.9

# A candidate that takes less than this share of the reference's time is good enough.
_AS_HOPED = 0.75

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
    if any(map(_is_compiled, work.model.modules())):
        return reference  # watching it would make it compile again
    points = len(work.coefficients)
    evaluations = portion.examples * points
    numbers = evaluations * sum(tensor.numel() for tensor in work.center.values())
    if wanted == "auto" and points < _WORTH_POINTS and numbers < _WORTH_NUMBERS:
        return reference
    names = frozenset(name for group in work.groups for name in group.names)
    threads = torch.get_num_threads() if work.device.type == "cpu" else 1
    key = ("backend", wanted, data_set, names, len(work.groups), threads, tuple(portion.sizes[:1]))
    # What pays for short work says something of work that is about as much, and of no other.
    short_key = (*key, evaluations.bit_length())
    before: _Verdict | None = kept.get(key, kept.get(short_key))
    trial = Trial(model, _some(portion, _LEAST_EXAMPLES))
    if before is not None:
        best = before.candidate
        if best is None or (wanted == "auto" and not before.repays_a_check(evaluations)):
            return reference
        if not trial.agrees(best):
            best = None
            kept[key if key in kept else short_key] = _Verdict(None)
        return _chosen(trial, best)
    glance = trial.glance()  # it finds nothing in the processor's caches: rather too long
    few = evaluations < _WORTH_A_CHECK * _A_FEW
    if wanted == "auto" and few and glance / trial.portion.examples * evaluations < _WORTH_SECONDS:
        kept[short_key] = _Verdict(None)
        return reference
    cost = _cost(trial, portion, evaluations, glance)
    if wanted == "auto" and cost.each * evaluations < _WORTH_SECONDS:
        some = _some(portion, int(_SHARE_OF_SHORT * evaluations / _TRIES))
        trial = Trial(model, some, each=cost.each)
        calls = cost.calls(evaluations)
        best = _tried_on_short(trial, calls) if calls >= _WORTH_A_CHECK else None
        kept[short_key] = _Verdict(best, cost)
        return _chosen(trial, best)
    seconds = min(_TRIAL_SECONDS, _SHARE * cost.each * evaluations / _TRIES)
    some = _some(portion, int(seconds / cost.each))
    trial = Trial(model, some, _enough(portion, evaluations), cost.each)
    candidates = _candidates(trial, wanted, threads, evaluations)
    unseen = trial.larger is None and (portion.sizes[0] or 0) >= _ENOUGH
    best = _fastest(trial, candidates, wanted, unseen)
    kept[key] = _Verdict(best, cost)
    return _chosen(trial, best)


def _chosen(trial: Trial, candidate: Candidate | None) -> Choice:
    if candidate is None:
        return Choice(Reference(trial.model), {"backend": "reference", **trial.dropped_report()})
    most = int(_KEPT_BYTES // max(1.0, trial.bytes_kept(candidate)))
    return Choice(candidate.on(trial.model), trial.report(candidate), most)


@dataclass(frozen=True)
class _Cost:
    """What the reference takes, rather too much than too little.

    Attributes:
        call: seconds for a point on a few examples.
        each: seconds for an example at a point, where it is one of as many as were tried.
    """

    call: float
    each: float

    def calls(self, evaluations: int) -> float:
        """How many calls on a few examples take as long as so many examples times points."""
        return self.each * evaluations / self.call


@dataclass(frozen=True)
class _Verdict:
    """What an earlier slice found out.

    Attributes:
        candidate: the fastest, if any is faster than the reference.
        cost: what the reference takes, if it matters.
    """

    candidate: Candidate | None
    cost: _Cost | None = None

    def repays_a_check(self, evaluations: int) -> bool:
        """Whether so many examples times points are more than what the check takes.

        Who does not stack points gains on few calls too, if these are long.
        """
        stacked = self.candidate is not None and self.candidate.kind == "stacked"
        known = self.cost if stacked else None
        return known is None or known.calls(evaluations) >= _WORTH_A_CHECK


def _cost(trial: Trial, portion: Portion, evaluations: int, glance: float) -> _Cost:
    """What the reference takes, on a few examples and on so many more as are cheap to try.

    Args:
        trial: on a few examples.
        portion: where the examples are from.
        evaluations: examples times points of the whole work.
        glance: seconds that a point took on the few examples at first.
    """
    size = portion.sizes[0] or trial.portion.examples
    call = min(glance, trial.glance())
    each = call / trial.portion.examples
    while True:
        examples = trial.portion.examples
        whole = each * evaluations
        more = min(size, _MORE * examples)
        too_long = each * more > min(_TRIAL_SECONDS, _SHARE * whole)
        if more == examples or too_long or whole < _WORTH_A_CHECK * call:
            return _Cost(call, each)
        trial = Trial(trial.model, _some(portion, more))
        each = trial.glance() / trial.portion.examples


def _tried_on_short(trial: Trial, calls: float) -> Candidate | None:
    """What saves more than it costs on work that is too short to try everything out.

    One worker alone: threads would take as long to start.

    Args:
        trial: on some examples.
        calls: of the model on a few examples that take as long as the work.
    """
    stacked = Candidate("stacked", 1)
    watched = _watched(trial)
    prepared = None if watched is None else _stacked_on(watched)
    if prepared is None or not trial.agrees(stacked, prepared):
        return None
    share = trial.share(stacked)
    return stacked if share is not None and (1 - share) * calls > _A_CHECK else None


def _enough(portion: Portion, evaluations: int) -> Portion | None:
    """As many examples as show what taking batches apart saves; None if they take too long."""
    examples = min(_ENOUGH, portion.sizes[0] or _ENOUGH)
    if 2 * examples > _OF_THE_WORK * evaluations:
        return None
    return _some(portion, examples)


def _fastest(
    trial: Trial, candidates: Iterable[Candidate], wanted: str, unseen: bool
) -> Candidate | None:
    """The fastest that agrees with the reference; None if that is the reference itself.

    The first ones are the most promising: another has to be clearly faster, because what a few
    examples take says little of what many do, and none is tried after one that does as well as was
    hoped.

    Args:
        trial: tries them out.
        candidates: the most promising first.
        wanted: one of ``BACKENDS``.
        unseen: what taking batches apart saves does not show on the trial's examples.
    """
    best, share = None, math.inf
    for candidate in candidates:
        taken: float | None = None
        if trial.agrees(candidate):
            rule = unseen and candidate.at_once is not None
            taken = _AS_A_RULE if rule else trial.share(candidate)
        if taken is not None and taken < _CLEARLY_FASTER * share:
            best, share = candidate, taken
        if share < _AS_HOPED:
            break
    return None if wanted == "auto" and share > _WORTH_CHANGING else best


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


def _candidates(trial: Trial, wanted: str, threads: int, evaluations: int) -> list[Candidate]:
    """What may pay for this model, the most promising first."""
    work = trial.model.work
    watched = _watched(trial)
    if watched is None:
        return []
    moved = sum(
        tensor.numel() * tensor.element_size()
        for name, tensor in work.center.items()
        if any(name in group.names for group in work.groups)
    )
    workers = max(1, min(threads, _COPIES_BYTES // max(1, moved), len(work.coefficients) // 2))
    counts = [1] if workers == 1 else [workers, 1]
    found: list[Candidate] = []
    if wanted in ("auto", "stacked") and _stacked_on(watched) is not None:
        found += [Candidate("stacked", count) for count in counts]
    # Only where it is asked for, until it has been measured.
    if wanted == "graph" and work.device.type == "cuda":
        found.append(Candidate("graph", 1))
    if wanted in ("auto", "replay"):
        images = any(name in watched.functions for name in CONVOLUTIONS)
        if images and work.objective.sees_outputs:
            found.append(Candidate("images", workers, _AT_ONCE))
        long = evaluations > _LONG * trial.portion.examples // _LEAST_EXAMPLES
        rests = watched.resting > _RESTS or len(work.groups) > 1
        multiplies = may_be_faster(work.device) and not watched.functions.isdisjoint(PRODUCTS)
        if wanted == "replay" or workers > 1 or rests or long or multiplies:
            found.append(Candidate("replay", workers))
    return found


def _watched(trial: Trial) -> Watched | None:
    """The model, watched on the examples; None if it cannot be followed."""
    randomness = trial.model.randomness
    try:
        randomness.restart(0)
        watched = Replay(trial.model).prepare(trial.portion)
        if randomness.were_drawn():
            raise Unsuitable("the model draws random numbers")
    except Exception as reason:  # a model may refuse to be watched in ways of its own
        _log.info("The reference alone evaluates this model: %s.", reason)
        return None
    return watched


def _stacked_on(watched: Watched) -> Prepared | None:
    """Points stacked, if the watched model can be evaluated so."""
    try:
        return Stacked(watched.backend.model, watched.backend.workers).of(watched)
    except Unsuitable as reason:
        _log.debug("Points are not stacked: %s.", reason)
        return None
