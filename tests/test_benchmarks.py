"""The benchmark compares like with like; nothing is timed here that a verdict depends on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from torch import nn

from benchmarks import gates, table
from benchmarks.cases import Case, made
from benchmarks.contenders import BARE, NAIVE, OURS, REFERENCE, own
from benchmarks.data import CountedDigits, Pairs, digits, pictures, source
from benchmarks.models import GPT, ResNet20, convolutional, logistic, of_each_token, perceptron
from benchmarks.rows import Row, row
from benchmarks.tasks import Task, axis_parallel, group_plane, line, plane
from benchmarks.timing import Pace, Times, clock

SMALL: dict[str, Callable[[], Case]] = {
    "logistic": lambda: made("logistic", logistic, digits(96), 32, 20),
    "MLP": lambda: made("MLP", perceptron, digits(96), 32, 20),
    "CNN": lambda: made("CNN", convolutional, pictures(16), 16, 2),
    "ResNet-20": lambda: made("ResNet-20", ResNet20, pictures(8), 8, 1),
    "GPT": lambda: made("GPT", lambda: GPT(layers=2), source(4, 16), 4, 2, loss=of_each_token),
}


@pytest.mark.parametrize("model", SMALL)
@pytest.mark.parametrize("make", [line, plane])
def test_all_contenders_compute_the_same_losses(
    model: str, make: Callable[[Case, int], Task]
) -> None:
    task = make(SMALL[model](), 5)
    runs = own(task)
    losses = {name: runs[name].run(5).ravel() for name in (OURS, REFERENCE, NAIVE)}
    assert len(losses[OURS]) == task.points(5) == runs[NAIVE].points(5)
    assert np.ptp(losses[OURS]) > 0
    np.testing.assert_allclose(losses[NAIVE], losses[OURS], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(losses[REFERENCE], losses[OURS], rtol=1e-5, atol=1e-7)
    # The loop leaves its own copy where it was, so that every turn is the same.
    np.testing.assert_array_equal(runs[NAIVE].run(5).ravel(), losses[NAIVE])
    center = task.case.center()
    np.testing.assert_allclose(runs[BARE].run(3), center, rtol=1e-6)
    np.testing.assert_allclose(losses[NAIVE][len(losses[NAIVE]) // 2], center, rtol=1e-6)


def test_slices_of_late_layers_move_nothing_else() -> None:
    case = SMALL["ResNet-20"]()
    runs = own(group_plane(case, "classifier", "fc.*", 3))
    np.testing.assert_allclose(runs[OURS].run(3), runs[NAIVE].run(3), rtol=1e-5)
    task = axis_parallel(case, "axis-parallel", "layer3.2.*", 3)
    assert NAIVE not in own(task)
    assert task.points(3) == 8 * 2 + 1
    assert own(task)[OURS].run(3).size == 8 * 3


def test_a_loop_over_a_loader_reads_it_at_each_point_and_a_slice_once() -> None:
    data_set = CountedDigits()
    inputs, targets = digits(1797)
    case = made("loader", logistic, (inputs, targets), 599, 5, data_set=data_set)
    task = line(case, 3)
    runs = own(task)
    data_set.reads = 0
    losses = runs[OURS].run(3)
    assert data_set.reads == 1797
    np.testing.assert_allclose(runs[NAIVE].run(3), losses, rtol=1e-5)
    assert data_set.reads == 1797 * (1 + 3)


def test_models_are_those_that_the_gates_were_set_for() -> None:
    def size(model: nn.Module) -> tuple[int, int]:
        found = [parameter.numel() for parameter in model.parameters()]
        return len(found), sum(found)

    assert size(logistic()) == (2, 650)
    assert size(perceptron()) == (6, 26_122)
    assert size(convolutional()) == (14, 24_458)
    assert size(ResNet20()) == (65, 272_474)
    assert size(GPT()) == (53, 867_072)


def test_the_same_case_is_made_every_time() -> None:
    data: Pairs = pictures(4)
    again = pictures(4)
    assert (data[0] == again[0]).all()
    assert SMALL["MLP"]().center() == SMALL["MLP"]().center()


def test_everyone_is_measured_and_shown() -> None:
    task = plane(made("MLP", perceptron, digits(32), 32, 5), 5)
    found = row(task, Pace(2, 60.0, 1e-4, 1e-4), clock(1, "cpu"), with_peers=False)
    assert set(found.times) == {OURS, REFERENCE, NAIVE, BARE}
    assert found.times[OURS].points == 25  # whole, however long it takes
    assert found.times[NAIVE].points <= 25
    assert all(len(times.turns) == 2 for times in found.times.values())
    assert 0 < found.difference < 1e-5
    # Two products a weight and an example, and nothing else that torch counts.
    assert found.flops == 2 * 32 * (64 * 128 + 128 * 128 + 128 * 10)
    text = table.markdown([found], [], 1e12, {"MLP, plane": (12.4, 3.6)}, minima=True)
    cells = [cell.strip() for cell in text.splitlines()[2].split("|")]
    assert cells[1:3] == ["MLP, plane", "25"]
    assert cells[3] in ("reference", "stacked")  # whichever its few milliseconds were worth
    assert cells[-3:-1] == ["12", "4"]


def times(*turns: float, points: int = 10, drawing: float = 0.0) -> Times:
    return Times(points, 10, list(turns), drawing)


def seen(**of_others: Times) -> Row:
    others = {"naive loop": of_others.pop("naive", times(1.0))} | of_others
    mine = {OURS: times(1.0, 2.0, 4.0)}
    return Row("MLP, plane", 10, mine | others, {"slow": "it has no planes"}, [], None, 0.5, 1e-7)


def test_a_ratio_is_the_median_over_rounds_that_both_were_in() -> None:
    found = seen(naive=times(3.0, 4.0, 4.0), short=times(5.0), draws=times(1.0, drawing=0.5))
    assert found.ratio(NAIVE) == 2.0
    assert found.ratio_of_minima(NAIVE) == 3.0
    assert found.ratio("short") == 5.0
    assert found.ratio("draws") == 1.0  # both with the time for drawing
    assert found.ratio("another") is None


def test_gates_are_met_or_not() -> None:
    rows = {"MLP, plane": seen(naive=times(3.0, 4.0, 4.0), peer=times(0.5), other=times(2.0))}
    reached = gates.Gate("MLP, plane", NAIVE, 2.0)
    missed = gates.Gate("MLP, plane", NAIVE, 2.5)
    told_as_share = gates.Gate("MLP, plane", NAIVE, 1 / 1.05, at_most=True)
    too_short = gates.Gate("MLP, plane", NAIVE, 2.5, work=100.0)
    nobody = gates.Gate("GPT, plane", NAIVE, 1.0)
    found = gates.judged([reached, missed, told_as_share, too_short, nobody], rows)
    assert [verdict.met for verdict in found] == [True, False, True, None, None]
    assert found[2].must == "<= 1.05 x"
    assert found[2].seen == "0.50 x"
    assert gates.judged([missed], rows, minima=True)[0].met is True
    beside = gates.against_peers(rows, ["peer", "other", "third"])
    assert [(verdict.seen, verdict.met) for verdict in beside] == [
        ("0 of 1 rows; not: MLP, plane 0.50 x", False),
        ("2.00 x or more in 1 rows (least: MLP, plane)", True),
        ("not measured", None),
    ]
    assert gates.same_values(list(rows.values()))[0].met is True
    assert "| **no** |" in gates.markdown(found)


def test_below_the_table_stands_who_was_scaled_and_who_could_not() -> None:
    found = table.notes([seen(naive=times(3.0, points=4))])
    assert found == [
        "MLP, plane: scaled from fewer than 10 points; at 4: naive loop.",
        "slow has no value for MLP, plane: it has no planes",
    ]
