"""Principal components of a trajectory against scikit-learn and closed forms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import Tensor, nn

import pysclice as ps
from pysclice.directions import principal_component as module_under_test
from tests.core.test_trajectory import flat, surface_of


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[ps.LossSurface, ps.Trajectory]:
    """A small network trained on real digits, recorded every 10 steps."""
    digits = load_digits()
    inputs = torch.tensor(digits.data, dtype=torch.float32) / 16
    targets = torch.tensor(digits.target)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))
    trajectory = ps.Trajectory(tmp_path_factory.mktemp("digits"), every=10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(200):
        trajectory.record(step, surface)
        batch = torch.randint(0, len(inputs), (128,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
        optimizer.step()
    return surface, trajectory


def stacked(trajectory: ps.Trajectory) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.stack([flat(trajectory.snapshot(step)) for step in trajectory.snapshot_steps])


@pytest.mark.parametrize("index", [0, 1, 4])
def test_components_of_a_training_are_those_of_scikit_learn(digits_run: Any, index: int) -> None:
    surface, trajectory = digits_run
    points = stacked(trajectory)
    assert points.shape == (20, 64 * 32 + 32 + 320 + 10)
    reference = PCA(svd_solver="full").fit(points)
    component = ps.PrincipalComponent(index, trajectory)
    found = flat(component(surface, surface.parameters()))
    expected = reference.components_[index]
    expected = expected * np.sign(expected @ (points[-1] - points[0]))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    notes = component.notes(surface, surface.parameters())
    assert notes["explained variance"] == pytest.approx(
        reference.explained_variance_[index], rel=1e-5
    )
    assert notes["explained variance ratio"] == pytest.approx(
        reference.explained_variance_ratio_[index], rel=1e-5
    )
    assert notes["snapshots"] == 20


def test_a_plane_of_two_components_shows_what_scikit_learn_transforms(
    digits_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    surface, trajectory = digits_run
    read: list[int] = []
    plain = ps.Trajectory.snapshot

    def counted(self: ps.Trajectory, step: int) -> dict[str, Tensor]:
        read.append(step)
        return plain(self, step)

    monkeypatch.setattr(ps.Trajectory, "snapshot", counted)
    axes = [ps.PrincipalComponent(i, trajectory) for i in (0, 1)]
    plane = surface.slice(ps.Plane(*axes, samples=3, trajectory=trajectory))
    # Once for both components, and once to project them.
    assert len(read) == 2 * 20
    points = stacked(trajectory)
    focus = flat(surface.parameters())
    reference = PCA(2, svd_solver="full").fit(points)
    signs = np.sign(reference.components_ @ (points[-1] - points[0]))[:, None]
    expected = signs * (reference.transform(points) - reference.transform(focus[None])).T
    assert plane.trajectory is not None
    np.testing.assert_allclose(plane.trajectory.coordinates, expected, atol=1e-5)
    assert plane.trajectory.steps.tolist() == list(range(0, 200, 10))
    away = points - focus
    rest = np.linalg.norm(away - expected.T @ (signs * reference.components_), axis=1)
    np.testing.assert_allclose(plane.trajectory.distances, rest, atol=1e-5)
    share = np.sum(expected**2) / np.sum(away**2)
    assert plane.trajectory.explained == pytest.approx(share, rel=1e-6)
    assert [axis.name for axis in plane.axes] == ["principal component 0", "principal component 1"]
    assert [axis.length for axis in plane.axes] == pytest.approx([1.0, 1.0], rel=1e-6)
    assert plane.method == "principal components of the trajectory"
    assert abs(plane.notes["cosine"]) < 1e-5


def test_a_random_walk_explains_what_theory_says(tmp_path: Path) -> None:
    """Antognini and Sohl-Dickstein 2018: component k of a long walk explains 6 / (pi k)^2."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Linear(20_000, 1, bias=False)
    surface = surface_of(model)
    trajectory = ps.Trajectory(tmp_path, snapshots=200)
    for step in range(150):
        trajectory.record(step, model)
        with torch.no_grad():
            model.weight += torch.randn(1, 20_000, generator=generator)
    for index in range(3):
        notes = ps.PrincipalComponent(index, trajectory).notes(surface, surface.parameters())
        expected = 6 / (math.pi * (index + 1)) ** 2
        assert notes["explained variance ratio"] == pytest.approx(expected, rel=0.03)


def test_components_do_not_depend_on_the_parts_they_are_summed_in(
    digits_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    surface, trajectory = digits_run
    component = ps.PrincipalComponent(1, trajectory)
    whole = flat(component(surface, surface.parameters()))
    monkeypatch.setattr(module_under_test, "_CHUNK", 977)
    parts = flat(component(surface, surface.parameters()))
    np.testing.assert_allclose(parts, whole, atol=1e-7)


def record_line(directory: Path, positions: list[float], **options: Any) -> ps.Trajectory:
    """A path along one direction, at these positions."""
    trajectory = ps.Trajectory(directory, **options)
    for step, position in enumerate(positions):
        trajectory.record(step, {"weight": position * torch.tensor([[3.0, 0.0, 4.0]])})
    return trajectory


def test_components_point_from_the_first_snapshot_to_the_last(tmp_path: Path) -> None:
    surface = surface_of(nn.Linear(3, 1, bias=False))
    for name, positions in {"out": [0.0, 5.0, 1.0], "back": [1.0, -7.0, 0.0]}.items():
        trajectory = record_line(tmp_path / name, positions)
        component = ps.PrincipalComponent(0, trajectory)(surface, surface.parameters())
        expected = torch.tensor([[0.6, 0.0, 0.8]]) * (1 if name == "out" else -1)
        torch.testing.assert_close(component["weight"], expected)
    closed = record_line(tmp_path / "closed", [0.0, 2.0, 0.0])
    component = ps.PrincipalComponent(0, closed)(surface, surface.parameters())
    torch.testing.assert_close(component["weight"], torch.tensor([[0.6, 0.0, 0.8]]))


def test_half_precision_and_complex_parameters_have_components(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low = nn.Parameter(torch.zeros(2).bfloat16())
            self.complex = nn.Parameter(torch.zeros(2, dtype=torch.complex64))

    model = Odd()
    surface = surface_of(model)
    trajectory = ps.Trajectory(tmp_path)
    for step in range(3):
        trajectory.record(step, model)
        with torch.no_grad():
            model.low += 1
            model.complex += torch.tensor([1j, 1.0])
    component = ps.PrincipalComponent(0, trajectory)(surface, surface.parameters())
    assert component["low"].dtype == torch.float32
    torch.testing.assert_close(component["low"], torch.full((2,), 0.5))
    torch.testing.assert_close(component["complex"], torch.tensor([0.5j, 0.5]))


@pytest.mark.parametrize(
    ("index", "positions", "message"),
    [
        (0, [1.0], r"needs 2 snapshots, .* holds 1"),
        (2, [1.0, 2.0, 4.0], r"needs 4 snapshots, .* holds 3"),
        (1, [1.0, 2.0, 4.0], "span a space of dimension 1"),
        (0, [1.0, 1.0, 1.0], "span a space of dimension 0"),
        (0, [1.0, float("nan"), 1.0], r"steps \[1\] hold NaN"),
    ],
)
def test_a_path_that_has_no_such_component_is_told(
    tmp_path: Path, index: int, positions: list[float], message: str
) -> None:
    surface = surface_of(nn.Linear(3, 1, bias=False))
    component = ps.PrincipalComponent(index, record_line(tmp_path, positions))
    with pytest.raises(ValueError, match=message):
        component(surface, surface.parameters())


def test_other_mistakes_get_a_sentence(tmp_path: Path) -> None:
    trajectory = record_line(tmp_path, [1.0, 2.0])
    with pytest.raises(ValueError, match="counted from 0"):
        ps.PrincipalComponent(-1, trajectory)
    with pytest.raises(TypeError, match="expected a Trajectory"):
        ps.PrincipalComponent(0, str(tmp_path))  # type: ignore[arg-type]
    other = surface_of(nn.Linear(2, 1, bias=False))
    with pytest.raises(ValueError, match="another model"):
        ps.PrincipalComponent(0, trajectory)(other, other.parameters())
    without = record_line(
        tmp_path / "rows", [1.0, 2.0, 3.0], snapshots=0, directions=[ps.Random(0, "unit")]
    )
    surface = surface_of(nn.Linear(3, 1, bias=False))
    with pytest.raises(ValueError, match="holds 0"):
        ps.PrincipalComponent(0, without)(surface, surface.parameters())
    with pytest.raises(ValueError, match="Nothing is recorded"):
        ps.PrincipalComponent(0, ps.Trajectory(tmp_path / "none"))(surface, surface.parameters())
