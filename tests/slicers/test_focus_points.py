"""Focus points: checkpoints against the networks they hold, surroundings against their shapes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.stats import kstest
from torch import Tensor, nn

import pysclice as ps
from pysclice.core.parameters import norm
from pysclice.slicers.focus_points import expanded
from tests.models import SmallConvNet, images, quadratic_surface


def conv_surface() -> ps.LossSurface:
    torch.manual_seed(0)
    return ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(16))


def offsets(around: ps.Around, surface: ps.LossSurface) -> list[dict[str, Tensor]]:
    start = surface.parameters()
    return [
        {name: tensor - start[name] for name, tensor in point(surface, start).items()}
        for point in around.focus_points
    ]


def flat(offset: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in offset.values()])


def test_a_checkpoint_is_the_network_that_it_holds(tmp_path: Path) -> None:
    torch.manual_seed(0)
    here, there = nn.Linear(3, 2), nn.Linear(3, 2)
    data = torch.randn(9, 3), torch.randn(9, 2)
    surface = ps.LossSurface(here, nn.MSELoss(), data)
    path = tmp_path / "step 300.pt"
    torch.save(there.state_dict(), path)
    points = (
        ps.Checkpoint(there),
        ps.Checkpoint(there.state_dict(), name="best"),
        ps.Checkpoint(path),
        ps.Checkpoint(str(path), name="last"),
        ps.here,
    )
    found = surface.slice(ps.Line(ps.Random(0), samples=3, focus_points=points))
    assert found.focus_points == ("checkpoint", "best", "step 300", "last", "current parameters")
    expected = nn.functional.mse_loss(there(data[0]), data[1]).item()
    np.testing.assert_allclose(found.center["train/loss"][:4], expected, rtol=1e-6)
    own = nn.functional.mse_loss(here(data[0]), data[1]).item()
    assert found.center["train/loss"][4] == pytest.approx(own, rel=1e-6)
    halved = {name: t.double() for name, t in there.state_dict().items()}
    for name, tensor in ps.Checkpoint(halved)(surface, surface.parameters()).items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, there.state_dict()[name])


def test_checkpoints_that_do_not_fit_get_a_sentence() -> None:
    surface = conv_surface()
    with pytest.raises(TypeError, match="Checkpoint got a int"):
        ps.Checkpoint(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one architecture"):
        ps.Checkpoint(nn.Linear(3, 2))(surface, surface.parameters())
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        ps.Checkpoint("nowhere.pt")(surface, surface.parameters())


def test_families_and_single_points_mix() -> None:
    around = ps.Around(3, radius=0.1, sequence="halton")
    one = ps.Checkpoint({"w": torch.zeros(6)}, name="zero")
    for these, names in [
        (ps.here, ["here"]),
        (around, ["halton 0", "halton 1", "halton 2"]),
        ((ps.here, around, one), ["here", "halton 0", "halton 1", "halton 2", "zero"]),
        ([one, one], ["zero", "zero"]),
    ]:
        points = expanded(these)
        assert [getattr(p, "name", getattr(p, "__name__", "")) for p in points] == names
    surface, _ = quadratic_surface()
    for slicer in (
        ps.Line(ps.Random(0, "unit"), samples=3, focus_points=(ps.here, around)),
        ps.Plane(
            ps.Random(0, "unit"), ps.Random(1, "unit"), samples=3, focus_points=(ps.here, around)
        ),
        ps.AxisParallel(count=2, samples=3, focus_points=(ps.here, around)),
        ps.Crowd([ps.Random(0, "unit")], samples=3, focus_points=(ps.here, around)),
    ):
        found = surface.slice(slicer)
        assert found.focus_points == ("current parameters", "halton 0", "halton 1", "halton 2")
        assert found.evaluations == slicer.evaluations  # type: ignore[attr-defined]


@settings(max_examples=20, deadline=None)
@given(
    sequence=st.sampled_from(["sobol", "halton"]),
    shape=st.sampled_from(["ball", "box"]),
    scale=st.sampled_from(["model", "layer", "none"]),
    seed=st.integers(0, 1000),
    counts=st.tuples(st.integers(1, 4), st.integers(1, 100)),
)
def test_a_larger_crowd_begins_with_the_smaller_one(
    sequence: Any, shape: Any, scale: Any, seed: int, counts: tuple[int, int]
) -> None:
    surface = SURFACE
    start = surface.parameters()
    few, many = (ps.Around(n, 0.1, sequence, shape, scale, seed) for n in sorted(counts))
    numbers = {0, few.count // 2, few.count - 1}
    for one, other in ((few.focus_points[n], many.focus_points[n]) for n in numbers):
        first, second = one(surface, start), other(surface, start)
        assert all(torch.equal(first[name], second[name]) for name in start)


SURFACE = conv_surface()


@pytest.mark.parametrize("sequence", ["sobol", "halton", "latin hypercube"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_ball_is_filled_uniformly(sequence: Any, size: int) -> None:
    surface, _ = quadratic_surface(size=size)
    around = ps.Around(256, radius=0.3, sequence=sequence, scale="none")
    found = torch.stack([flat(offset) for offset in offsets(around, surface)])
    radii = (found.norm(dim=1) / 0.3).numpy()
    # The share of a ball within a radius is the radius to the power of the dimension.
    assert kstest(radii**size, "uniform").pvalue > 0.05
    angles = found / found.norm(dim=1, keepdim=True)
    # On a sphere of radius 1 the coordinates have mean 0, variance 1 / size, and no correlation.
    assert angles.mean(0).abs().max() < 0.15
    covariance = angles.T @ angles / len(angles)
    expected = torch.eye(size, dtype=torch.float64) / size
    torch.testing.assert_close(covariance, expected, rtol=0, atol=0.1)


@pytest.mark.parametrize("sequence", ["sobol", "halton", "latin hypercube"])
def test_a_box_is_filled_uniformly(sequence: Any) -> None:
    surface, _ = quadratic_surface(size=3)
    around = ps.Around(128, radius=0.3, sequence=sequence, shape="box", scale="none")
    found = torch.stack([flat(offset) for offset in offsets(around, surface)]) / 0.3
    assert found.abs().max() < 1
    for coordinate in found.T.numpy():
        assert kstest((coordinate + 1) / 2, "uniform").pvalue > 0.5


def test_scales_are_those_of_the_model_or_of_its_layers() -> None:
    surface = conv_surface()
    start = surface.parameters()
    size = sum(tensor.numel() for tensor in start.values())
    whole = norm(start)
    rms = {name: t.square().mean().sqrt().item() for name, t in start.items()}
    # A tensor of zeros takes the root mean square of all parameters.
    rms["norm.bias"] = whole / math.sqrt(size)

    for offset in offsets(ps.Around(8, 0.2), surface):
        # Of a ball in 2,000 dimensions nearly all is close to its surface.
        assert 0.99 * 0.2 * whole < norm(offset) <= 0.2 * whole * 1.000001
    for offset in offsets(ps.Around(8, 0.2, scale="layer"), surface):
        ratio = norm(
            {name: tensor / (rms[name] * math.sqrt(size)) for name, tensor in offset.items()}
        )
        assert 0.99 * 0.2 < ratio <= 0.2 * 1.000001
        relative = offset["fc.weight"].norm() / start["fc.weight"].norm()
        assert relative == pytest.approx(0.2, rel=0.1)
    for scale, each in (("model", dict.fromkeys(start, whole / math.sqrt(size))), ("layer", rms)):
        found = offsets(ps.Around(32, 0.2, shape="box", scale=scale), surface)  # type: ignore[arg-type]
        for name in start:
            values = torch.stack([offset[name] for offset in found]) / (0.2 * each[name])
            assert 0.94 < values.abs().max() <= 1.00001


def test_parameters_of_all_kinds_have_surroundings() -> None:
    class Kinds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.narrow = nn.Parameter(torch.ones(20, dtype=torch.bfloat16))
            self.twofold = nn.Parameter(torch.ones(10, dtype=torch.complex64))
            self.single = nn.Parameter(torch.ones(()))

    surface = ps.LossSurface(Kinds(), data=[0], batch_loss=lambda m, b: m.single.sum())
    start = surface.parameters()
    for shape in ("ball", "box"):
        (point,) = ps.Around(1, 0.1, shape=shape, scale="none").focus_points  # type: ignore[arg-type]
        there = point(surface, start)
        assert {n: (t.dtype, t.shape) for n, t in there.items()} == {
            n: (t.dtype, t.shape) for n, t in start.items()
        }
        assert torch.count_nonzero(there["twofold"].imag) == 10
        moved = norm({n: t.to(torch.complex64) - start[n] for n, t in there.items()})
        assert 0 < moved < (0.101 if shape == "ball" else 0.1 * math.sqrt(41))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0, "radius": 1}, "count is 0"),
        ({"count": 4, "radius": 0}, "radius is 0"),
        ({"count": 4, "radius": math.nan}, "radius is nan"),
        ({"count": 4, "radius": 1, "sequence": "random"}, "'latin hypercube'"),
        ({"count": 4, "radius": 1, "shape": "sphere"}, "'ball', 'box'"),
        ({"count": 4, "radius": 1, "scale": "filter"}, "'model', 'layer', 'none'"),
    ],
)
def test_bad_surroundings_get_a_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ps.Around(**options)
