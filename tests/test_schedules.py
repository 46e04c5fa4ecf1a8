"""When slices are taken: schedules, the first and the last step, and what an attempt continues."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import nn

import pysclice as ps
from pysclice.logger.schedules import Moment, Watch
from tests.test_logger import LINE, surface_of


def due_steps(every: Any, steps: range, **more: Callable[[int], Any]) -> list[int]:
    watch = Watch(every)
    return [s for s in steps if watch.due(Moment(s, **{k: of(s) for k, of in more.items()}))]


def test_a_number_is_an_interval_of_steps() -> None:
    assert due_steps(10, range(25)) == due_steps(ps.Every(10), range(25)) == [0, 10, 20]


def test_epochs_count_where_the_loop_says_them() -> None:
    every = ps.Every(epochs=0.5)
    assert due_steps(every, range(20), epoch=lambda step: step / 8) == [0, 4, 8, 12, 16]


@given(per_decade=st.integers(1, 30), decade=st.integers(1, 3))
def test_log_spaced_steps_are_as_many_in_each_decade(per_decade: int, decade: int) -> None:
    found = due_steps(ps.LogSpaced(per_decade), range(10 ** (decade + 1)))
    inside = [step for step in found if 10**decade <= step]
    wanted = {
        math.ceil(10 ** (k / per_decade) - 1e-6)
        for k in range(decade * per_decade, (decade + 1) * per_decade)
    }
    assert inside == sorted(step for step in wanted if step < 10 ** (decade + 1))


@given(
    named=st.lists(st.integers(0, 60), min_size=1),
    stride=st.integers(1, 7),
    first=st.integers(0, 9),
)
def test_a_named_step_counts_at_the_next_call(named: list[int], stride: int, first: int) -> None:
    calls = range(first, 80, stride)
    expected = {first} | {min(c for c in calls if c >= s) for s in named if s > first}
    assert due_steps(ps.AtSteps(named), calls) == sorted(expected)


def test_a_loss_that_halves_counts_from_the_last_slice() -> None:
    losses = [8.0, 5.0, math.nan, 4.0, 2.1, 2.0, math.inf, 1.0]
    found = due_steps(ps.WhenLossFalls(), range(8), loss=lambda step: torch.tensor(losses[step]))
    assert found == [0, 3, 5, 7]


def test_several_schedules_count_for_themselves() -> None:
    assert due_steps([ps.Every(10), ps.AtSteps([7]), 15], range(31)) == [0, 7, 10, 15, 20, 30]


def test_a_schedule_of_ones_own() -> None:
    assert due_steps(lambda now, last: now.step >= last.step + 4, range(10)) == [0, 4, 8]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.Every(), "steps or epochs"),
        (lambda: ps.Every(5, epochs=1), "steps or epochs"),
        (lambda: ps.Every(0), "steps is 0"),
        (lambda: ps.Every(epochs=-1), "epochs is -1"),
        (lambda: ps.LogSpaced(0), "per_decade is 0"),
        (lambda: ps.AtSteps([]), "steps is"),
        (lambda: ps.AtSteps([1.5]), "steps is"),
        (lambda: ps.WhenLossFalls(to=1.5), "to is 1.5"),
        (lambda: Watch([]), "every is empty"),
        (lambda: Watch([0]), "every is 0"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("every", "what"),
    [(ps.Every(epochs=1), "needs the epoch"), (ps.WhenLossFalls(), "needs the loss")],
)
def test_what_a_schedule_needs_and_does_not_get_is_said(
    tmp_path: Path, every: Any, what: str
) -> None:
    with ps.SliceLogger(tmp_path, surface_of(), {"line": LINE}, every=every) as logger:
        assert logger.log_if_due(0)
        with pytest.warns(RuntimeWarning, match=what):
            assert not logger.log_if_due(1)


def test_a_schedule_that_fails_is_told_once_and_training_goes_on(tmp_path: Path) -> None:
    def fails(now: Moment, last: Moment) -> bool:
        raise KeyError("mine")

    logger = ps.SliceLogger(tmp_path, surface_of(), {"line": LINE}, every=fails)
    assert logger.log_if_due(0)
    with pytest.warns(RuntimeWarning, match=r"schedule.*KeyError"):
        assert not logger.log_if_due(1)
    assert not logger.log_if_due(2)


def logged(directory: Path) -> list[int]:
    return list(ps.read_slices(directory)["."]["line"])


def test_the_last_step_is_logged_however_training_ends_well(tmp_path: Path) -> None:
    with ps.SliceLogger(tmp_path / "with", surface_of(), {"line": LINE}, every=10) as logger:
        for step in range(14):
            logger.log_if_due(step)
    assert logged(tmp_path / "with") == [0, 10, 13]
    logger = ps.SliceLogger(tmp_path / "closed", surface_of(), {"line": LINE}, every=10)
    for step in range(11):
        logger.log_if_due(step)
    logger.close()
    assert logged(tmp_path / "closed") == [0, 10]  # the last one was due anyway
    with ps.SliceLogger(tmp_path / "by hand", surface_of(), {"line": LINE}) as logger:
        logger.log_if_due(2)
        logger.log_if_due(3)
        logger.log(4)
    assert logged(tmp_path / "by hand") == [2, 4]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_a_failure_leaves_behind_is_no_last_step(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def train(manner: str) -> None:
        logger = ps.SliceLogger(tmp_path / manner, surface_of(), {"line": LINE}, every=10)
        if manner == "with":
            with logger:
                logger.log_if_due(0)
                logger.log_if_due(1)
                raise error
        try:
            logger.log_if_due(0)
            logger.log_if_due(1)
            raise error
        finally:
            logger.close()

    for manner in ("with", "finally"):
        with pytest.raises(error):
            train(manner)
        assert logged(tmp_path / manner) == [0]


def test_an_irregular_schedule_keeps_a_budget_by_its_own_times(tmp_path: Path) -> None:
    now = 0.0

    def clock() -> float:
        return now

    surface = surface_of()
    measure = surface.measure

    def slow(*arguments: Any, **options: Any) -> Any:
        nonlocal now
        now += 1.0
        return measure(*arguments, **options)

    surface.measure = slow  # type: ignore[method-assign]  # a surface that takes a known time
    logger = ps.SliceLogger(
        tmp_path, surface, {"line": LINE}, every=ps.LogSpaced(4), budget=0.1, clock=clock
    )
    taken = []
    for step in range(2000):
        now += 0.5
        taken += logger.log_if_due(step).values()
    spent = sum(1.0 for _ in taken)
    assert 3 <= len(taken)
    assert spent + 2 <= 0.1 * now  # two evaluations were timed
    note = taken[-1].notes["budget"]
    assert note["interval"] is None
    assert note["every"] is None


def model_of(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))


def surface_for(model: nn.Module) -> ps.LossSurface:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(64, 6, generator=generator)
    targets = torch.randint(3, (64,), generator=generator)
    return ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))


SETTLING = {
    "steepest": ps.AxisParallel(count=4, samples=7),
    "within": ps.AxisParallel(count=3, samples=7, within="2.*"),
    "line": ps.Line(ps.Random(0), span="auto", samples=7),
    "plane": ps.Plane(ps.Random(0), ps.Random(1), span="auto", samples=7),
}


def test_another_attempt_goes_on_with_the_axes_of_the_first(tmp_path: Path) -> None:
    model = model_of()
    with ps.SliceLogger(tmp_path, surface_for(model), SETTLING) as logger:
        logger.log(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    with ps.SliceLogger(tmp_path, surface_for(model), SETTLING) as logger:
        logger.log(100)
    for series in SETTLING:
        before, after = ps.read_slices(tmp_path)["."][series].values()
        for a, b in zip(before.axes, after.axes, strict=True):
            assert (a.name, a.fingerprint) == (b.name, b.fingerprint)
            assert a.coordinates.tolist() == b.coordinates.tolist()
    with ps.SliceLogger(tmp_path / "afresh", surface_for(model), SETTLING) as logger:
        afresh = logger.log(100)
    now = ps.read_slices(tmp_path / "afresh")["."]
    assert {axis.name for axis in now["steepest"][100].axes} != {a.name for a in before.axes}
    assert afresh["line"].axes[0].coordinates[-1] != pytest.approx(
        ps.read_slices(tmp_path)["."]["line"][0].axes[0].coordinates[-1]
    )


@pytest.mark.parametrize(
    "other",
    [
        {"steepest": ps.AxisParallel(count=5, samples=7)},
        {"steepest": ps.AxisParallel(count=4, samples=7, choose="random")},
        {"steepest": ps.AxisParallel(count=4, samples=7, within="0.*")},
        {"line": ps.Line(ps.Random(7), span="auto", samples=7)},
        {"plane": ps.Plane(ps.Random(0), ps.Random(2), span="auto", samples=7)},
    ],
)
def test_another_recipe_makes_its_own_choices(tmp_path: Path, other: dict[str, Any]) -> None:
    model = model_of()
    with ps.SliceLogger(tmp_path, surface_for(model), SETTLING) as logger:
        logger.log(0)
    (name,) = other
    with ps.SliceLogger(tmp_path, surface_for(model), other) as logger:
        found = logger.log(1)[name]
    with ps.SliceLogger(tmp_path / "alone", surface_for(model), other) as logger:
        alone = logger.log(1)[name]
    assert [axis.name for axis in found.axes] == [axis.name for axis in alone.axes]
    assert found.axes[0].coordinates.tolist() == alone.axes[0].coordinates.tolist()


def test_earlier_coordinates_that_a_changed_model_lacks_are_chosen_anew(tmp_path: Path) -> None:
    with ps.SliceLogger(tmp_path, surface_for(model_of()), SETTLING) as logger:
        logger.log(0)
    smaller = nn.Sequential(nn.Linear(6, 2), nn.Tanh(), nn.Linear(2, 3))
    with ps.SliceLogger(tmp_path, surface_for(smaller), SETTLING) as logger:
        assert set(logger.log(1)) == set(SETTLING)
