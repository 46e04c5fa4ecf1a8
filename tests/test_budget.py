"""The time budget, on a clock that moves only when told: every decision is exact."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import pysclice as ps
from pysclice.logger.time_budget import TimeBudget, levels_of
from tests.models import SmallConvNet, images

EXAMPLES = 1797
LINE = ps.Line(ps.Random(0), samples=49)
PLANE = ps.Plane(ps.Random(0), ps.Random(1), samples=49)


class Clock:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Taken:
    """One slice of a simulated run, or the time that measuring an evaluation took."""

    step: int
    series: str
    samples: tuple[int, ...] | None
    examples: int | None
    interval: int | None
    begin: float
    end: float


@dataclass
class Run:
    """A training loop in which only the clock is not real."""

    slicers: Mapping[str, Any]
    fraction: float = 0.02
    every: int = 100
    step_seconds: Callable[[int], float] = lambda step: 0.1
    evaluation_seconds: Callable[[int], float] = lambda step: 0.01
    extra_seconds: Callable[[str, int], float] = lambda series, number: 0.0  # beside evaluations
    by_hand: bool = False
    taken: list[Taken] = field(default_factory=list)
    measured: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.budget = TimeBudget(self.fraction, self.every, self.clock)

    def train(self, steps: int) -> Run:
        for step in range(steps):
            if step % self.every == 0:
                with self.budget.account.spending():
                    self.log(step)
            self.clock.now += self.step_seconds(step)
        return self

    def log(self, step: int) -> None:
        for name, slicer in self.slicers.items():
            if name not in self.budget and self.budget.account.balance > 0:
                began = self.clock.now
                self.clock.now += self.evaluation_seconds(step)
                self.measured.append((began, self.clock.now))
                self.budget.add(
                    name,
                    levels_of(slicer, EXAMPLES),
                    EXAMPLES,
                    self.evaluation_seconds(step) / EXAMPLES,
                )
        self.budget.chance(step, by_hand=self.by_hand)
        for name in list(self.slicers) if self.by_hand else self.budget.due(step):
            if self.by_hand or self.budget.affords(name):
                self.take(name, step)

    def take(self, name: str, step: int) -> None:
        level, begin = self.budget.level(name), self.clock.now
        evaluations = getattr(level.slicer, "evaluations", None) or 100
        share = (level.examples or EXAMPLES) / EXAMPLES
        self.clock.now += evaluations * share * self.evaluation_seconds(step)
        self.clock.now += self.extra_seconds(name, len(self.of(name)))
        self.budget.taken(name, step, self.clock.now - begin, by_hand=self.by_hand)
        interval = self.budget.note(name)["interval"]
        self.taken.append(
            Taken(step, name, level.samples, level.examples, interval, begin, self.clock.now)
        )

    def of(self, series: str) -> list[Taken]:
        return [taken for taken in self.taken if taken.series == series]

    def spent(self, begin: float = 0.0, end: float = math.inf) -> float:
        """Seconds of slicing between two times."""
        pieces = np.array([*self.measured, *((t.begin, t.end) for t in self.taken)])
        inside = np.minimum(end, pieces[:, 1]) - np.maximum(begin, pieces[:, 0])
        return float(np.sum(np.maximum(inside, 0.0)))

    def share(self, begin: float = 0.0, end: float | None = None) -> float:
        """Fraction of the wall time between two times that was spent on slicing."""
        end = self.clock.now if end is None else end
        return self.spent(begin, end) / (end - begin)


def times(*phases: tuple[int, float]) -> Callable[[int], float]:
    """Seconds of a step, from phases that end at a step each."""
    return lambda step: next(seconds for end, seconds in phases if step < end)


@settings(max_examples=30)
@given(
    fraction=st.sampled_from([0.005, 0.02, 0.1, 0.5]),
    every=st.sampled_from([1, 7, 100]),
    evaluation=st.floats(1e-4, 3.0),
    before=st.floats(1e-4, 1.0),
    change=st.sampled_from([0.1, 1.0, 10.0]),
    series=st.integers(1, 3),
)
def test_slicing_never_takes_more_than_its_share_whatever_the_speeds(
    fraction: float, every: int, evaluation: float, before: float, change: float, series: int
) -> None:
    slicers = dict(list({"line": LINE, "plane": PLANE, "own": lambda s, p: None}.items())[:series])
    chances = 200
    run = Run(
        slicers,
        fraction,
        every,
        times((chances * every // 2, before), (chances * every, before * change)),
        lambda step: evaluation,
    ).train(chances * every)
    advance = fraction * 10.0
    # What nobody could know beforehand: an evaluation each, and the first slice of one that does
    # not say how many evaluations it takes.
    unknown = sum(end - begin for begin, end in run.measured)
    unknown += sum(taken.end - taken.begin for taken in run.of("own")[:1])
    for taken in run.taken:
        assert run.spent(0.0, taken.end) <= fraction * taken.end + advance + unknown + 1e-6
    # Over any part of the run: what the part earns, and one round that was saved for.
    longest = {
        name: max((taken.end - taken.begin for taken in run.of(name)), default=0.0)
        for name in slicers
    }
    saved = max(advance, sum(longest.values())) if len(slicers) > 2 else sum(longest.values())
    marks = [taken.begin for taken in run.taken[:: max(1, len(run.taken) // 30)]]
    for number, begin in enumerate(marks):
        for end in [*marks[number:], run.clock.now]:
            assert run.spent(begin, end) <= fraction * (end - begin) + saved + unknown + 1e-6


@pytest.mark.parametrize("change", [0.1, 10.0])
@pytest.mark.parametrize("what", ["training", "evaluation", "both"])
def test_the_share_holds_before_and_after_a_change_of_speed(change: float, what: str) -> None:
    half = 20_000
    step = times((half, 0.1), (2 * half, 0.1 * (1 if what == "evaluation" else change)))
    evaluation = times((half, 0.02), (2 * half, 0.02 * (1 if what == "training" else change)))
    run = Run({"line": LINE, "plane": PLANE}, 0.02, 100, step, evaluation).train(2 * half)
    middle = next(taken.begin for taken in run.taken if taken.step >= half)
    for begin, end in [(0.0, middle), (middle, run.clock.now), (0.0, run.clock.now)]:
        assert 0.25 * 0.02 < run.share(begin, end) < 1.25 * 0.02
    note = run.budget.note("line")
    assert note["spent"] == pytest.approx(run.share(), rel=1e-3)


def test_the_interval_comes_first_then_samples_then_examples_then_the_interval_again() -> None:
    found = []
    for evaluation in 2.0 ** np.arange(-17.0, 3.0, 0.5):
        run = Run({"plane": PLANE}, evaluation_seconds=lambda step, e=evaluation: float(e))
        last = run.train(20_000).taken[-1]
        assert last.samples is not None and last.interval is not None
        found.append((last.samples[0], last.examples or EXAMPLES, last.interval // 100))
    stretched = [stretch for samples, examples, stretch in found if samples == 49]
    assert stretched[0] == 1 and stretched[-1] == 8 and stretched == sorted(stretched)
    rest = found[len(stretched) :]
    for (s0, e0, i0), (s1, e1, i1) in itertools.pairwise(rest):
        assert s1 <= s0 and e1 <= e0
        assert e1 == EXAMPLES or s1 <= 13, "examples before samples"
        assert i1 <= 8 or (s1, e1) == (7, 64), "a long interval before few samples and examples"
        assert i0 <= i1 or (s0, e0) != (s1, e1)
    assert rest[-1][:2] == (7, 64) and rest[-1][2] > 8
    order = list(dict.fromkeys((samples, examples) for samples, examples, _ in found))
    assert order == [
        (level.samples[0], level.examples or EXAMPLES)
        for level in levels_of(PLANE, EXAMPLES)
        if level.samples and (level.samples[0], level.examples or EXAMPLES) in order
    ]


def test_levels_nest_in_samples_and_examples() -> None:
    found = [(level.samples, level.examples) for level in levels_of(PLANE, EXAMPLES)]
    assert found == [
        ((49,), None),
        ((25,), None),
        ((13,), None),
        ((13,), 1024),
        ((13,), 512),
        ((13,), 256),
        ((7,), 256),
        ((7,), 128),
        ((7,), 64),
    ]
    uneven = ps.Plane(ps.Random(0), ps.Random(1), samples=(49, 9))
    assert [level.samples for level in levels_of(uneven, 0)] == [
        (49, 9),
        (25, 9),
        (13, 9),
        (7, 9),
    ]


def test_slicers_that_cannot_be_made_coarser_have_fewer_examples_only() -> None:
    found = [(level.samples, level.examples) for level in levels_of(ps.Spectrum(), 300)]
    assert found == [((257,), None), ((257,), 256), ((257,), 128), ((257,), 64)]
    assert len(levels_of(lambda surface, parameters: None, 0)) == 1  # type: ignore[arg-type,return-value]


def test_a_series_keeps_its_resolution_where_training_is_uneven() -> None:
    dice = random.Random(0)

    def uneven(step: int) -> float:
        pause = 120.0 if step % 5000 == 4999 else 0.0  # a validation, a checkpoint
        return 0.1 * dice.uniform(0.5, 1.5) + pause

    def slowed_down(series: str, number: int) -> float:
        return dice.choice([0.0, 0.0, 0.0, 0.1]) + (5.0 if number == 20 else 0.0)

    run = Run({"line": LINE, "plane": PLANE}, 0.02, 100, uneven, extra_seconds=slowed_down)
    run.train(60_000)
    for name in ("line", "plane"):
        settled = run.of(name)[8:]  # the first one was slowed down, and taken for the rule
        assert len(settled) > 50
        assert len({(taken.samples, taken.examples) for taken in settled}) == 1
    assert run.share() < 1.25 * 0.02


def test_an_expensive_series_does_not_reduce_the_one_beside_it() -> None:
    alone = Run({"line": LINE}).train(20_000)
    expensive = ps.Plane(ps.Random(0), ps.Random(1), samples=97)
    both = Run({"plane": expensive, "line": LINE}).train(20_000)
    assert both.of("line")[-1].samples == alone.of("line")[-1].samples == (49,)
    assert both.of("line")[-1].interval <= 4 * alone.of("line")[-1].interval  # type: ignore[operator]
    plane = both.of("plane")[-1]
    assert plane.samples is not None and plane.samples[0] < 97
    assert both.share() < 0.02 * 1.001


def test_what_one_series_does_not_need_goes_to_the_others() -> None:
    small = ps.Line(ps.Random(0), samples=7)
    alone = Run({"plane": PLANE}).train(20_000)
    both = Run({"plane": PLANE, "line": small}).train(20_000)
    assert both.of("plane")[-1].samples == alone.of("plane")[-1].samples
    assert len(both.of("line")) > 195  # at every chance, but where the account has to recover
    assert len(both.of("plane")) > 0.4 * len(alone.of("plane"))


def test_a_slice_that_takes_longer_than_expected_is_paid_back() -> None:
    def surprise(series: str, number: int) -> float:
        return 60.0 if number == 10 else 0.0

    run = Run({"line": LINE}, extra_seconds=surprise).train(100_000)
    slow, after = run.of("line")[10:12]
    assert slow.end - slow.begin > 60
    assert after.begin - slow.begin > 0.9 * 60 / 0.02
    assert run.share(0.0, after.begin) < 0.02 * 1.01
    assert after.samples == run.of("line")[9].samples  # a single one proves nothing
    assert run.share(after.begin) < 0.02 * 1.01


def test_a_direction_that_costs_more_than_its_slice_is_not_made_coarser_in_vain() -> None:
    def of_the_direction(series: str, number: int) -> float:
        return 30.0

    run = Run({"line": LINE}, evaluation_seconds=lambda step: 1e-3, extra_seconds=of_the_direction)
    last = run.train(200_000).of("line")[-1]
    assert (last.samples, last.examples) == ((49,), None)
    assert last.interval is not None and last.interval > 800
    assert 0.01 < run.share() < 0.025


def test_steps_fall_together_and_a_longer_interval_is_a_multiple() -> None:
    small = ps.Line(ps.Random(0), samples=7)
    run = Run({"plane": PLANE, "line": small}).train(40_000)
    late = [taken for taken in run.taken if taken.step > 10_000]
    lines = {taken.step for taken in late if taken.series == "line"}
    planes = {taken.step for taken in late if taken.series == "plane"}
    assert len(planes) > 5 and planes < lines
    assert all(step % 800 == 0 for step in planes)


def test_the_first_step_is_sliced_with_what_ten_seconds_earn() -> None:
    run = Run({"line": LINE}, fraction=0.02, evaluation_seconds=lambda step: 0.01)
    run.train(1)
    (first,) = run.taken
    assert (first.step, first.samples) == (0, (13,))  # 0.13 s of 0.2, an evaluation is measured
    poor = Run({"line": LINE}, fraction=0.02, evaluation_seconds=lambda step: 10.0).train(20_000)
    assert poor.taken[0].begin > 10.0 / 0.02  # the evaluation that was measured, first
    assert poor.share() < 0.02 * 1.01


def test_by_hand_every_slice_is_taken_and_resolution_alone_pays() -> None:
    run = Run({"plane": PLANE}, every=100, by_hand=True, evaluation_seconds=lambda step: 0.005)
    run.train(30_000)
    assert [taken.step for taken in run.taken] == list(range(0, 30_000, 100))
    assert run.taken[-1].interval is None
    assert {taken.samples for taken in run.taken[5:]} == {(13,)}
    assert run.share() < 0.02 * 1.1
    assert "every" not in run.budget.note("plane")["sentence"]


def test_one_slice_by_hand_is_debited_and_changes_no_plan() -> None:
    run = Run({"plane": PLANE}).train(10_000)
    before, level = run.budget.account.balance, run.budget.level("plane")
    with run.budget.account.spending():
        run.budget.chance(10_000, by_hand=True)
        begin = run.clock.now
        run.take("plane", 10_000)
    assert run.budget.level("plane") == level
    assert run.budget.account.balance == pytest.approx(before - 0.98 * (run.clock.now - begin))


def test_the_note_says_what_was_reduced() -> None:
    run = Run({"plane": PLANE}, evaluation_seconds=lambda step: 0.03).train(20_000)
    note = run.budget.note("plane")
    assert note["sentence"] == (
        "13 of 49 samples an axis and 512 of 1,797 examples, every 800 steps, to stay below 2 % "
        "of wall time"
    )
    assert {name: note[name] for name in note if name not in ("sentence", "spent")} == {
        "fraction": 0.02,
        "interval": 800,
        "every": 100,
        "samples": [13],
        "full_samples": [49],
        "examples": 512,
        "full_examples": 1797,
    }
    assert note["spent"] == pytest.approx(run.share(), rel=1e-3)
    free = Run({"line": LINE}, evaluation_seconds=lambda step: 1e-4).train(1000).budget
    assert free.note("line")["sentence"] == (
        "all samples, every 100 steps, to stay below 2 % of wall time"
    )


class Ticking(nn.Module):
    """A model whose forward pass takes as long as it has examples."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.inner = SmallConvNet()
        self.clock = clock

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.clock.now += 2e-5 * len(inputs)
        return self.inner(inputs)


def test_a_logger_keeps_its_budget_and_the_record_says_how(tmp_path: Path) -> None:
    clock = Clock()
    model = Ticking(clock)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), images(600))
    slicers = {
        "line": ps.Line(ps.Random(0), samples=25),
        "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=13),
    }
    inside = 0.0
    with ps.SliceLogger(tmp_path, surface, slicers, every=10, budget=0.05, clock=clock) as logger:
        for step in range(2000):
            before = clock.now
            logger.log_if_due(step)
            inside += clock.now - before
            clock.now += 0.05 if step < 1000 else 0.005
        before = clock.now
        last = logger.log(2000)
        inside += clock.now - before
    assert inside < 1.25 * 0.05 * clock.now
    logged = ps.read_slices(tmp_path)["."]
    assert set(logged["line"]) > {0, 2000} and set(last) == {"line", "plane"}
    axes = set()
    for slices in logged.values():
        for step, slice_ in slices.items():
            note = slice_.notes["budget"]
            axes.add(slice_.fingerprint)
            assert note["samples"][0] == slice_.axes[0].samples
            assert note["examples"] == slice_.examples
            assert note["interval"] % 10 == 0 and step % 10 == 0
            assert note["sentence"].endswith("to stay below 5 % of wall time")
    assert len(axes) == 2  # a coarser slice has the same axes
    # One subset: two slices of the same parameters on the same number of examples are equal.
    draw = min(s.examples for s in logged["plane"].values())
    assert draw < 600
    some = next(s for s in logged["plane"].values() if s.examples == draw)
    plane = ps.Plane(ps.Random(0), ps.Random(1), samples=some.axes[0].samples)
    np.testing.assert_allclose(some.losses, surface.slice(plane, examples=draw).losses, rtol=1e-6)


def test_a_series_that_fails_is_paid_for_and_not_tried_at_every_step(tmp_path: Path) -> None:
    clock, calls = Clock(), []

    def broken(surface: ps.LossSurface, parameters: Any) -> ps.Slice:
        calls.append(clock.now)
        clock.now += 1.0
        raise ArithmeticError("no such slice.")

    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(16))
    arguments: dict[str, Any] = {"every": 5, "budget": 0.1, "clock": clock}
    with ps.SliceLogger(tmp_path, surface, {"broken": broken}, **arguments) as logger:
        with pytest.warns(RuntimeWarning, match="no such slice"):
            for step in range(1000):
                logger.log_if_due(step)
                clock.now += 0.1
    assert len(calls) * 1.0 <= 0.1 * clock.now + 1.0


@pytest.mark.parametrize("budget", [0.0, 1.0, -0.1, 2, True, "2 %", float("nan")])
def test_a_budget_is_a_fraction(tmp_path: Path, budget: Any) -> None:
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(16))
    with pytest.raises(ValueError, match=r"0\.02 for 2 %"):
        ps.SliceLogger(tmp_path, surface, {"line": LINE}, budget=budget)


def test_a_loss_that_adds_up_is_not_measured_on_fewer_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sum over half the examples is half as large, and the series would jump."""
    added: list[set[int | None]] = []
    add = TimeBudget.add

    def watched(budget: TimeBudget, name: str, levels: Any, *rest: Any) -> None:
        added.append({level.examples for level in levels})
        add(budget, name, levels, *rest)

    monkeypatch.setattr(TimeBudget, "add", watched)
    data = (torch.randn(4096, 4), torch.zeros(4096, dtype=torch.long))
    for reduction in ("mean", "sum"):
        loss = nn.CrossEntropyLoss(reduction=reduction)
        surface = ps.LossSurface(nn.Linear(4, 3), loss, data)
        with ps.SliceLogger(tmp_path / reduction, surface, {"line": LINE}, budget=0.5) as logger:
            logger.log_if_due(0)
    of_mean, of_sum = added
    assert of_sum == {None} and of_mean > {None, 2048, 256}


def test_what_is_forfeited_of_the_opening_need_not_be_earned() -> None:
    run = Run({"line": LINE}, 0.1, 1, lambda step: 0.01, lambda step: 1e-4).train(300)
    # Three seconds, of which a line takes 5 ms: the opening's ten are not waited for.
    taken = [taken.step for taken in run.taken]
    assert taken[0] == 0 and len(taken) >= 35
    assert np.diff(taken).max() <= 16
    assert run.share() <= 0.1 + (0.1 + 0.005) / run.clock.now  # a second's and a slice


def test_a_slice_is_taken_though_it_takes_time_to_decide(tmp_path: Path) -> None:
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(8))
    clock = itertools.count(step=0.001).__next__  # each question takes as long as an evaluation
    line = {"line": ps.Line(ps.Random(0), samples=3)}
    with ps.SliceLogger(tmp_path, surface, line, every=1, budget=0.5, clock=clock) as logger:
        assert all(set(logger.log_if_due(step)) == {"line"} for step in range(6))
