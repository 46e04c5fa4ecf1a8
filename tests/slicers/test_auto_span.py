"""Spans that are chosen, on functions whose doubling point is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import pysclice as ps


class Point(nn.Module):
    """Two parameters, and a function of them as the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.zeros(2, dtype=torch.float64))


def surface(function: Callable[[Tensor], Tensor]) -> ps.LossSurface:
    nothing = (torch.zeros(1), torch.zeros(1))
    return ps.LossSurface(Point(), data=nothing, batch_loss=lambda m, _: function(m.at))


def along(x: float, y: float) -> ps.Custom:
    return ps.Custom({"at": torch.tensor([x, y], dtype=torch.float64)}, f"({x:g}, {y:g})")


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
def test_the_loss_doubles_within_the_span_and_not_much_earlier(height: float, curve: float) -> None:
    s = surface(lambda p: height + curve * p[0] ** 2)
    line = s.slice(ps.Line(along(1, 0), span="auto", samples=5))
    doubling = math.sqrt(height / curve)
    radius = line.axes[0].coordinates[-1]
    assert radius == -line.axes[0].coordinates[0]
    if radius < 1024:
        # A factor of the root of 2, and a rounding to two digits.
        assert doubling <= radius * (1 + 1e-9) and radius <= doubling * math.sqrt(2) * 1.1
        assert line.notes["spans"]["(1, 0)"]["reason"] == "the loss has doubled"
    else:
        assert doubling > 700


def test_one_steep_side_is_enough() -> None:
    s = surface(lambda p: 1 + torch.relu(p[0]) * 100)
    line = s.slice(ps.Line(along(1, 0), span="auto"))
    assert 0.01 <= line.axes[0].coordinates[-1] <= 0.016


def test_a_wall_ends_the_span_and_a_flat_line_is_said_to_be_flat() -> None:
    wall = surface(lambda p: torch.where(p[0] > 3, torch.inf, 1.0) + 0 * p[0])
    found = wall.slice(ps.Line(along(1, 0), span="auto")).axes[0].coordinates[-1]
    assert 3 < found < 4.5
    flat = surface(lambda p: 1 + 0 * p[0]).slice(ps.Line(along(1, 0), span="auto"))
    assert "has not doubled within" in flat.notes["spans"]["(1, 0)"]["reason"]
    assert flat.axes[0].coordinates[-1] == 1100.0  # 1024, rounded up


def test_a_barrier_that_is_passed_ends_the_span() -> None:
    # A hill of half the loss at 4 on both sides, and low again beyond it.
    s = surface(lambda p: 1 + 0.5 * torch.exp(-((p[0].abs() - 4) ** 2)))
    line = s.slice(ps.Line(along(1, 0), span="auto"))
    assert line.notes["spans"]["(1, 0)"]["reason"] == "a barrier was passed"
    assert 4 < line.axes[0].coordinates[-1] <= 16


def test_planes_choose_for_each_axis() -> None:
    s = surface(lambda p: 1 + p[0] ** 2 + 100 * p[1] ** 2)
    plane = s.slice(ps.Plane(along(1, 0), along(0, 1), span="auto", samples=5))
    x, y = (axis.coordinates[-1] for axis in plane.axes)
    assert 1 <= x <= 1.6 and 0.1 <= y <= 0.16
    assert set(plane.notes["spans"]) == {"(1, 0)", "(0, 1)"}


def test_a_logger_keeps_the_span_that_it_chose_first(tmp_path: object) -> None:
    s = surface(lambda p: 1 + p[0] ** 2)
    with ps.SliceLogger(
        str(tmp_path), s, {"auto": ps.Line(along(1, 0), span="auto"), "fixed": ps.Line(along(1, 0))}
    ) as logger:
        first = logger.log(0)["auto"]
        with torch.no_grad():
            s.model.at[0] = 5.0
        second = logger.log(1)["auto"]
    np.testing.assert_array_equal(first.axes[0].coordinates, second.axes[0].coordinates)
    assert second.notes["spans"]["(1, 0)"]["reason"] == "the loss has doubled"


def test_another_word_than_auto_gets_a_sentence() -> None:
    with pytest.raises(TypeError, match="two numbers"):
        ps.Line(ps.Random(0), span="wide")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="two axes"):
        ps.Plane(ps.Random(0), ps.Random(1), span="wide")  # type: ignore[arg-type]
