"""Planes that carry the path of the parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pysclice as ps
from tests.core.test_trajectory import flat


def trained_surface(trajectory: ps.Trajectory, steps: int = 12) -> ps.LossSurface:
    """A small network, trained and recorded; the focus point is where the training ended."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(12, 3))
    inputs, targets = torch.randn(40, 1, 4, 4), torch.randint(0, 3, (40,))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for step in range(steps):
        trajectory.record(step, surface)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    trajectory.record(steps, surface)
    return surface


@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("normalization", ["filter", "unit"])
def test_random_planes_need_no_snapshots(
    tmp_path: Path, normalization: Any, orthogonal: bool
) -> None:
    axes = ps.Random(0, normalization), ps.Random(1, normalization)
    trajectory = ps.Trajectory(tmp_path, directions=axes, snapshots=20)
    surface = trained_surface(trajectory)
    alone = ps.Trajectory(tmp_path / "alone", directions=axes, snapshots=0)
    trained_surface(alone)
    slicers = [
        ps.Plane(*axes, samples=3, orthogonal=orthogonal, trajectory=path)
        for path in (trajectory, alone)
    ]
    with_snapshots, without = (surface.slice(slicer).trajectory for slicer in slicers)
    assert with_snapshots is not None and without is not None
    np.testing.assert_allclose(
        without.coordinates, with_snapshots.coordinates, rtol=1e-4, atol=1e-6
    )
    focus = surface.parameters()
    x, y = (axis(surface, focus) for axis in axes)
    if orthogonal:
        y = axes[1].orthogonal_to(axes[0])(surface, focus)
    matrix = np.stack([flat(x, focus), flat(y, focus)], axis=1)
    path = np.stack([flat(trajectory.snapshot(s), focus) for s in trajectory.snapshot_steps])
    away = path - flat(focus)
    expected = np.linalg.lstsq(matrix, away.T, rcond=None)[0]
    np.testing.assert_allclose(without.coordinates, expected, rtol=1e-4, atol=1e-6)
    rest = np.linalg.norm(away.T - matrix @ expected, axis=0)
    np.testing.assert_allclose(with_snapshots.distances, rest, rtol=1e-5, atol=1e-6)
    share = np.sum((matrix @ expected) ** 2) / np.sum(away**2)
    assert with_snapshots.explained == pytest.approx(share, rel=1e-5)
    assert without.steps.tolist() == list(range(13)) and np.isnan(without.distances).all()


def test_planes_through_snapshots_hold_them_at_their_corners(tmp_path: Path) -> None:
    trajectory = ps.Trajectory(tmp_path)
    surface = trained_surface(trajectory)
    ends = [ps.Towards(trajectory.snapshot(step)) for step in (0, 5)]
    plane = surface.slice(ps.Plane(*ends, span=(0, 1), samples=2, trajectory=trajectory))
    seen = plane.trajectory
    assert seen is not None
    np.testing.assert_allclose(
        seen.coordinates[:, [0, 5, 12]].T, [[1, 0], [0, 1], [0, 0]], atol=1e-5
    )
    np.testing.assert_allclose(seen.distances[[0, 5, 12]], 0.0, atol=1e-5)
    assert 0.5 < seen.explained < 1.0
    # The loss on the plane is that of the recorded parameters themselves.
    for corner, step in ((plane.losses[0, 1, 0], 0), (plane.losses[0, 0, 1], 5)):
        there = surface(trajectory.snapshot(step))["train/loss"]
        assert float(corner) == pytest.approx(there, rel=1e-5)


def test_the_path_counts_from_the_first_focus_point(tmp_path: Path) -> None:
    trajectory = ps.Trajectory(tmp_path)
    surface = trained_surface(trajectory)

    def beginning(surface: ps.LossSurface, parameters: Any) -> Any:
        return trajectory.snapshot(0)

    axes = ps.Random(0), ps.Random(1)
    here, there = (
        surface.slice(ps.Plane(*axes, samples=2, focus_points=points, trajectory=trajectory))
        for points in ((ps.here, beginning), (beginning, ps.here))
    )
    assert here.trajectory is not None and there.trajectory is not None
    np.testing.assert_allclose(here.trajectory.coordinates[:, -1], 0.0, atol=1e-6)
    np.testing.assert_allclose(there.trajectory.coordinates[:, 0], 0.0, atol=1e-6)
    np.testing.assert_allclose(
        here.trajectory.coordinates - here.trajectory.coordinates[:, :1],
        there.trajectory.coordinates,
        atol=1e-5,
    )


def test_a_span_that_covers_the_path_reads_the_snapshots_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trajectory = ps.Trajectory(tmp_path)
    surface = trained_surface(trajectory)
    read: list[int] = []
    plain = ps.Trajectory.snapshot

    def counted(self: ps.Trajectory, step: int) -> Any:
        read.append(step)
        return plain(self, step)

    monkeypatch.setattr(ps.Trajectory, "snapshot", counted)
    axes = ps.Random(0), ps.Random(1)
    plane = surface.slice(ps.Plane(*axes, span="auto", samples=3, trajectory=trajectory))
    assert read == list(range(13))
    assert plane.trajectory is not None
    for axis, along in zip(plane.axes, plane.trajectory.coordinates, strict=True):
        assert axis.coordinates[0] < along.min() and along.max() < axis.coordinates[-1]


def test_the_path_travels_in_the_record_and_through_the_logger(tmp_path: Path) -> None:
    axes = ps.Random(0), ps.Random(1)
    trajectory = ps.Trajectory(tmp_path / "run" / "trajectory", directions=axes)
    surface = trained_surface(trajectory)
    plane = ps.Plane(*axes, samples=3, trajectory=trajectory)
    with ps.SliceLogger(tmp_path / "run", surface, {"plane": plane}) as logger:
        logger.log(12)
    found = ps.read_slices(tmp_path / "run")["."]["plane"][12]
    expected = surface.slice(plane).trajectory
    assert found.trajectory is not None and expected is not None
    np.testing.assert_array_equal(found.trajectory.steps, expected.steps)
    np.testing.assert_array_equal(found.trajectory.coordinates, expected.coordinates)
    np.testing.assert_array_equal(found.trajectory.distances, expected.distances)
    assert found.trajectory.explained == expected.explained
    assert ps.Slice.from_bytes(found.to_bytes()) == found


def test_a_path_that_cannot_be_projected_does_not_cost_the_slice(tmp_path: Path) -> None:
    surface = trained_surface(ps.Trajectory(tmp_path / "own"))
    axes = ps.Random(0), ps.Random(1)
    empty = ps.Trajectory(tmp_path / "empty")
    other = ps.Trajectory(tmp_path / "other")
    other.record(0, nn.Linear(3, 2))
    plain = surface.slice(ps.Plane(*axes, samples=3))
    assert plain.trajectory is None and "trajectory" not in plain.notes
    for trajectory, reason in ((empty, "Nothing is recorded"), (other, "another model")):
        found = surface.slice(ps.Plane(*axes, samples=3, trajectory=trajectory))
        assert found.trajectory is None
        np.testing.assert_array_equal(found.losses, plain.losses)
        assert found.notes["trajectory"].startswith("not projected: ")
        assert reason in found.notes["trajectory"]
        found.to_bytes()
    with pytest.raises(TypeError, match="expected a Trajectory"):
        ps.Plane(*axes, trajectory=str(tmp_path))  # type: ignore[arg-type]
