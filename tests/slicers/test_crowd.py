"""Bundles of lines against the lines that they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pysclice as ps
from tests.models import SmallConvNet, images, quadratic_surface


def conv_surface(**options: Any) -> ps.LossSurface:
    torch.manual_seed(0)
    return ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(32), **options)


@pytest.mark.parametrize("samples", [4, 5])
def test_a_crowd_holds_the_lines_that_one_would_take_alone(samples: int) -> None:
    surface = conv_surface()
    directions = [ps.Random(0), ps.Group("fc.*"), ps.Coordinate("conv.bias", (2,)), ps.Gradient()]
    points = (ps.here, ps.Around(2, radius=0.1))
    crowd = surface.slice(ps.Crowd(directions, (-1, 2), samples, points), replicates=3)
    assert crowd.shape == (3, 4, samples)
    assert (crowd.kind, crowd.method) == ("lines", "crowd")
    for number, direction in enumerate(directions):
        slicer = ps.Line(direction, (-1, 2), samples, points)
        line = surface.slice(slicer, replicates=3)
        np.testing.assert_array_equal(crowd.losses[:, number], line.losses[:, 0])
        for mine, theirs in (
            (crowd.errors["train/loss"], line.errors["train/loss"]),
            (crowd.replicates["train/loss"][0], line.replicates["train/loss"][0]),
        ):
            np.testing.assert_allclose(mine[:, number], theirs[:, 0], rtol=1e-6, atol=1e-12)
        np.testing.assert_array_equal(crowd.center["train/loss"], line.center["train/loss"])
        assert crowd.axes[number] == line.axes[0]
    assert crowd.focus_points == ("current parameters", "sobol 0", "sobol 1")


@pytest.mark.parametrize(
    "slicer",
    [
        ps.Crowd([ps.Random(0), ps.Random(1), ps.Random(2)], samples=5),
        ps.Crowd([ps.Random(0), ps.Random(1)], samples=4),
        ps.Crowd([ps.Random(0)], samples=4, focus_points=(ps.here, ps.Around(3, radius=0.1))),
        ps.AxisParallel(count=5, choose="random", samples=7, focus_points=ps.Around(2, radius=1)),
        ps.AxisParallel(count=5, choose="stratified", samples=6),
        ps.Line(ps.Random(0), samples=4, focus_points=ps.Around(2, radius=1)),
        ps.Plane(ps.Random(0), ps.Random(1), samples=3, focus_points=(ps.here, ps.here)),
    ],
)
def test_evaluations_are_counted_exactly(slicer: Any) -> None:
    calls: list[int] = []

    def counted(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(1)
        return nn.functional.mse_loss(outputs, targets)

    surface = ps.LossSurface(nn.Linear(2, 3), counted, (torch.randn(3, 2), torch.randn(3, 3)))
    found = surface.slice(slicer)
    assert len(calls) == slicer.evaluations == found.evaluations


def test_a_family_is_asked_once_and_then_kept() -> None:
    surface = conv_surface()
    family = ps.Crowd(ps.Group.each("layer"), samples=3)
    assert family.evaluations is None
    settled = family.settled(surface, surface.parameters())
    assert settled.evaluations == 2 * 2 + 1
    assert settled.settled(surface, surface.parameters()) is settled
    one, other = surface.slice(family), surface.slice(settled)
    np.testing.assert_array_equal(one.losses, other.losses)
    assert [axis.name for axis in one.axes] == ["conv", "fc"]

    asked = []

    def growing(surface: ps.LossSurface, parameters: Any) -> list[ps.Random]:
        asked.append(1)
        return [ps.Random(seed) for seed in range(len(asked))]

    kept = ps.Crowd(growing, samples=3).settled(surface, surface.parameters())
    for _ in range(2):
        assert surface.slice(kept).shape == (1, 1, 3)


def test_one_focus_point_is_made_at_a_time() -> None:
    surface = conv_surface()
    order: list[str] = []

    def point(name: str) -> Any:
        def made(surface: ps.LossSurface, parameters: Any) -> Any:
            order.append(name)
            return parameters

        return made

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 2))

        def forward(self, inputs: Tensor) -> Tensor:
            order.append("run")
            return inputs @ self.weight

    surface = ps.LossSurface(Watched(), nn.MSELoss(), (torch.ones(2, 2), torch.ones(2, 2)))
    for slicer in (
        ps.Crowd([ps.Random(0)], samples=2, focus_points=(point("a"), point("b"))),
        ps.Line(ps.Random(0), samples=2, focus_points=(point("a"), point("b"))),
        ps.Plane(ps.Random(0), ps.Random(1), samples=2, focus_points=(point("a"), point("b"))),
    ):
        order.clear()
        surface.slice(slicer)
        assert order.index("run") < order.index("b") < len(order) - 1


def test_a_crowd_of_focus_points_shows_how_much_they_differ() -> None:
    surface, model = quadratic_surface()
    crowd = surface.slice(
        ps.Crowd([ps.Coordinate("w", (1,), 1.0)], samples=3, focus_points=ps.Around(16, radius=0.2))
    )
    # On a quadratic form all lines along one direction are the same parabola, up to its vertex.
    bend = crowd.losses[:, 0] @ np.array([1.0, -2.0, 1.0])
    np.testing.assert_allclose(bend, float(model.matrix[1, 1]), rtol=1e-4)
    assert np.ptp(crowd.center["train/loss"]) > 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ps.Crowd([]), ValueError, "one direction or more"),
        (lambda: ps.Crowd(["random"]), TypeError, "expected a callable"),
        (lambda: ps.Crowd(3), TypeError, "several directions"),
        (lambda: ps.Crowd([ps.Random(0)], samples=1), ValueError, "at least 2"),
        (lambda: ps.Crowd([ps.Random(0)], focus_points=()), ValueError, "focus_points is empty"),
        (lambda: ps.Crowd([ps.Random(0)], focus_points=3), TypeError, "Around"),
    ],
)
def test_bad_crowds_get_a_sentence(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_direction_is_no_family() -> None:
    surface = conv_surface()
    with pytest.raises(TypeError, match=r"Crowd\(\[Random\(0\)\]\)"):
        surface.slice(ps.Crowd(ps.Random(0)))
