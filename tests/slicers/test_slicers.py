"""Slicers against surfaces whose slices are known in closed form."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pysclice as ps
from tests.models import SmallConvNet, images, quadratic_surface


def quadratic(model: Any, at: Tensor) -> Tensor:
    """The model's quadratic form at points (..., size), in NumPy's float64."""
    away = at.double().numpy() - model.minimum.double().numpy()
    return 0.5 * np.einsum("...i,ij,...j->...", away, model.matrix.double().numpy(), away)  # type: ignore[return-value]


def test_a_line_through_a_quadratic_bowl_is_the_exact_parabola() -> None:
    surface, model = quadratic_surface()
    direction = torch.randn(6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    line = surface.slice(ps.Line(lambda s, p: {"w": direction}, span=(-2, 3), samples=51))
    along = torch.from_numpy(line.axes[0].coordinates.copy())
    expected = quadratic(model, model.w.detach() + along[:, None] * direction)
    np.testing.assert_allclose(line.losses[0, 0], expected, rtol=3e-7)
    # Second differences of a parabola are d^T A d times the square of the spacing, everywhere.
    curvature = float(direction @ model.matrix @ direction)
    fitted = np.polynomial.Polynomial.fit(along.numpy(), line.losses[0, 0].astype("f8"), 2)
    assert 2 * fitted.convert().coef[2] == pytest.approx(curvature, rel=1e-5)
    assert line.axes[0].length == pytest.approx(float(direction.norm()), rel=1e-12)


def test_a_plane_through_a_known_quadratic_form_is_exact() -> None:
    surface, model = quadratic_surface()
    generator = torch.Generator().manual_seed(4)
    x, y = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    plane = surface.slice(
        ps.Plane(
            lambda s, p: {"w": x}, lambda s, p: {"w": y}, span=((-1, 1), (-2, 3)), samples=(9, 7)
        )
    )
    assert plane.shape == (1, 9, 7)
    first, second = (torch.from_numpy(a.coordinates.copy()) for a in plane.axes)
    points = model.w.detach() + first[:, None, None] * x + second[None, :, None] * y
    np.testing.assert_allclose(plane.losses[0], quadratic(model, points), rtol=3e-7)
    cosine = float(x @ y / x.norm() / y.norm())
    assert plane.notes["cosine"] == pytest.approx(cosine, abs=1e-6)


def test_a_line_towards_another_network_equals_that_network_at_one() -> None:
    torch.manual_seed(0)
    here, there = SmallConvNet(), SmallConvNet()
    surface = ps.LossSurface(here, nn.CrossEntropyLoss(), images())
    other = copy.deepcopy(there)
    other.norm.load_state_dict(here.norm.state_dict() | dict(there.norm.named_parameters()))
    direct = nn.functional.cross_entropy(other.eval()(images()[0]), images()[1]).item()
    for target in (there, there.state_dict(), dict(there.named_parameters())):
        line = surface.slice(ps.Line(ps.Towards(target), span=(0, 1), samples=5))
        assert line.losses[0, 0, -1] == pytest.approx(direct, rel=1e-6)
        assert line.losses[0, 0, 0] == np.float32(surface(surface.parameters())["train/loss"])
    assert line.method == "linear interpolation"


def test_the_plane_through_three_points_passes_through_them() -> None:
    torch.manual_seed(0)
    a, b, c = (nn.Linear(3, 2) for _ in range(3))
    data = torch.randn(9, 3), torch.randn(9, 2)
    surface = ps.LossSurface(a, nn.MSELoss(), data)
    plane = surface.slice(ps.Plane(ps.Towards(b), ps.Towards(c), span=(0, 1), samples=2))
    corner = {
        name: b.state_dict()[name] + c.state_dict()[name] - a.state_dict()[name]
        for name in ("weight", "bias")
    }
    expected = [
        [surface(surface.parameters()), surface(dict(c.named_parameters()))],
        [surface(dict(b.named_parameters())), surface(corner)],
    ]
    for i in range(2):
        for j in range(2):
            value = expected[i][j]["train/loss"]
            assert plane.losses[0, i, j] == pytest.approx(value, rel=1e-5)


def test_orthogonal_planes_are_orthogonal_and_keep_their_lengths() -> None:
    model = nn.Linear(4, 3)
    surface = ps.LossSurface(model, nn.MSELoss(), (torch.randn(5, 4), torch.randn(5, 3)))
    skew = surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=3))
    straight = surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=3, orthogonal=True))
    assert abs(skew.notes["cosine"]) > 1e-3
    assert abs(straight.notes["cosine"]) < 1e-5
    for one, other in zip(skew.axes, straight.axes, strict=True):
        assert one.length == pytest.approx(other.length, rel=1e-5)
    assert skew.axes[0].fingerprint == straight.axes[0].fingerprint
    assert skew.axes[1].fingerprint != straight.axes[1].fingerprint
    with pytest.raises(ValueError, match="parallel"):
        surface.slice(ps.Plane(ps.Random(0), ps.Random(0), samples=3, orthogonal=True))


def test_axis_parallel_lines_move_one_coordinate_each() -> None:
    surface, model = quadratic_surface(size=5)
    slicer = ps.AxisParallel(
        coordinates=(("w", (3,)), ps.Coordinate("w", (0,), length=0.5)), samples=7
    )
    found = surface.slice(slicer)
    rms = model.w.norm().item() / 5**0.5
    for line, (index, length) in enumerate([(3, rms), (0, 0.5)]):
        points = model.w.detach().repeat(7, 1)
        points[:, index] += length * torch.from_numpy(found.axes[line].coordinates.copy())
        np.testing.assert_allclose(found.losses[0, line], quadratic(model, points), rtol=3e-7)
        assert found.axes[line].name == f"w[{index}]"
        assert found.axes[line].length == pytest.approx(length)


def test_axis_parallel_takes_the_largest_gradients() -> None:
    surface, model = quadratic_surface(size=8)
    gradient = model.matrix @ (model.w.detach() - model.minimum)
    steepest = gradient.abs().argsort(descending=True).tolist()
    found = surface.slice(ps.AxisParallel(count=3, samples=3))
    assert [axis.name for axis in found.axes] == [f"w[{i}]" for i in steepest[:3]]
    everything = surface.slice(ps.AxisParallel(count=99, samples=3))
    assert [axis.name for axis in everything.axes] == [f"w[{i}]" for i in steepest]


def test_focus_points_are_where_the_lines_meet() -> None:
    surface, model = quadratic_surface()

    def minimum(surface: ps.LossSurface, parameters: Any) -> Any:
        return {"w": model.minimum}

    line = ps.Line(ps.Random(0, "unit"), samples=3, focus_points=(ps.here, minimum))
    found = surface.slice(line)
    assert found.focus_points == ("current parameters", "minimum")
    assert found.shape == (2, 1, 3)
    assert found.center["train/loss"][1] == 0.0
    assert found.losses[1, 0, 1] == 0.0
    bundle = surface.slice(ps.AxisParallel(count=2, samples=4, focus_points=(ps.here, minimum)))
    assert bundle.shape == (2, 2, 4)


@pytest.mark.parametrize(
    "slicer",
    [
        ps.Line(ps.Random(0), samples=13),
        ps.Line(ps.Random(0), samples=12),
        ps.Line(ps.Random(0), span=(0, 1), samples=5),
        ps.Plane(ps.Random(0), ps.Random(1), samples=5),
        ps.Plane(ps.Random(0), ps.Random(1), samples=(4, 5)),
        ps.AxisParallel(coordinates=(("weight", (0, 0)), ("bias", (0,))), samples=5),
        ps.AxisParallel(coordinates=(("weight", (0, 0)), ("bias", (0,))), samples=4),
    ],
    ids=repr,
)
def test_slicers_know_their_number_of_evaluations(slicer: Any) -> None:
    calls: list[int] = []

    def counted(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(1)
        return nn.functional.mse_loss(outputs, targets)

    surface = ps.LossSurface(nn.Linear(2, 1), counted, (torch.randn(3, 2), torch.randn(3, 1)))
    found = surface.slice(slicer)
    assert len(calls) == slicer.evaluations == found.evaluations


def test_the_center_is_measured_even_where_no_sample_stands() -> None:
    surface, model = quadratic_surface()
    line = surface.slice(ps.Line(ps.Random(0, "unit"), span=(0.5, 1), samples=4))
    assert line.center["train/loss"][0] == pytest.approx(float(quadratic(model, model.w.detach())))


def test_finer_grids_hold_the_coarser_ones() -> None:
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(16))
    fine, coarse = (surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=n)) for n in (13, 7))
    np.testing.assert_array_equal(fine.coarsen(2).losses, coarse.losses)


def test_a_settled_choice_stays_when_the_parameters_move() -> None:
    surface, model = quadratic_surface(size=8)
    slicer = ps.AxisParallel(count=3, samples=3)
    settled = slicer.settled(surface, surface.parameters())
    before = [axis.fingerprint for axis in surface.slice(settled).axes]
    with torch.no_grad():
        model.w.copy_(model.minimum.flip(0))
    assert [axis.fingerprint for axis in surface.slice(settled).axes] == before


def test_a_function_is_a_slicer_and_a_direction() -> None:
    surface, _ = quadratic_surface()

    def downhill(surface: ps.LossSurface, parameters: Any) -> Any:
        return {n: -g for n, g in surface.gradient(parameters).items()}

    def my_slicer(surface: ps.LossSurface, parameters: Any) -> ps.Slice:
        return ps.Line(downhill, span=(0, 0.1), samples=3)(surface, parameters)

    found = surface.slice(my_slicer, series="mine", step=7)
    assert (found.axes[0].name, found.series, found.step) == ("downhill", "mine", 7)
    assert np.all(np.diff(found.losses[0, 0]) < 0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ps.Line(ps.Random(0), samples=1), ValueError, "at least 2"),
        (lambda: ps.Line(ps.Random(0), samples=2.5), TypeError, "whole number"),
        (lambda: ps.Line(ps.Random(0), span=(1, -1)), ValueError, "lower to a higher"),
        (lambda: ps.Line(ps.Random(0), span=3), TypeError, "two numbers"),
        (lambda: ps.Line(ps.Random(0), span=(0, float("inf"))), ValueError, "lower to a higher"),
        (lambda: ps.Plane(ps.Random(0), ps.Random(1), samples=(3, 3, 3)), TypeError, "two axes"),
        (lambda: ps.Plane(ps.Random(0), ps.Random(1), span=3), TypeError, "two axes"),
        (lambda: ps.AxisParallel(count=0), ValueError, "at least 1"),
        (lambda: ps.AxisParallel(coordinates=("fc.weight",)), TypeError, "names no coordinate"),
        (lambda: ps.Coordinate("w", (0,), length=-1.0), ValueError, "above 0"),
        (lambda: ps.Towards(3), TypeError, "expected a module"),
    ],
)
def test_bad_recipes_get_a_sentence(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("direction", "message"),
    [
        (lambda s, p: {"v": torch.ones(6)}, "made for another model"),
        (lambda s, p: {"w": torch.ones(5)}, "shape"),
        (lambda s, p: {}, "without tensors"),
        (lambda s, p: {"w": torch.full((6,), torch.nan)}, "NaN or infinity"),
        (ps.Towards({"v": torch.ones(6)}), "no parameter 'w'"),
        (ps.Towards({"w": torch.ones(7)}), "one architecture"),
        (ps.Coordinate("v", (0,)), "no trainable parameter"),
        (ps.Coordinate("w", (6,)), "outside"),
        (ps.Coordinate("w", (0, 0)), "outside"),
    ],
)
def test_directions_that_do_not_fit_get_a_sentence(direction: Any, message: str) -> None:
    surface, _ = quadratic_surface()
    with pytest.raises(ValueError, match=message):
        surface.slice(ps.Line(direction, samples=3))


def test_a_model_without_filters_is_told_what_to_do() -> None:
    surface, _ = quadratic_surface()
    with pytest.raises(ValueError, match="Use Random"):
        surface.slice(ps.Line(ps.Random(0), samples=3))
