"""Recorded trajectories against NumPy, closed forms, and a training that was not recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import pysclice as ps
from pysclice.core import inner_products, trajectory_layout
from pysclice.core.evenly import Evenly
from pysclice.core.inner_products import inner

Point = dict[str, Tensor]


def flat(tensors: Any, names: Any = None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """All numbers of a point or direction one after the other, in float64."""
    parts = [tensors[n] for n in (tensors if names is None else names)]
    real = [torch.view_as_real(t) if t.is_complex() else t for t in parts]
    return np.concatenate([t.detach().double().reshape(-1).cpu().numpy() for t in real])


def random_point(seed: int, scale: float = 1.0) -> Point:
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {"w": (4, 3), "b": (4,), "s": ()}
    return {
        name: scale * torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in shapes.items()
    }


def combined(*terms: tuple[float, Point]) -> Point:
    return {name: sum(f * point[name] for f, point in terms) for name in terms[0][1]}  # type: ignore[misc]


def kinds_of_filters() -> nn.Module:
    """A network with every kind of filter, and parameters without any."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, groups=2, padding=1),
        nn.BatchNorm2d(4),
        nn.ConvTranspose2d(4, 6, 3, groups=2),
        nn.Flatten(),
        nn.Linear(6 * 36, 5),
        nn.PReLU(),
    )


def surface_of(model: nn.Module) -> ps.LossSurface:
    return ps.LossSurface(model, batch_loss=lambda m, b: 0.0, data=[torch.zeros(1)])


def walk(model: nn.Module, steps: int, seed: int = 0) -> Any:
    """Move the model's parameters at random; yields the step and the parameters as one vector."""
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        yield step, flat(dict(model.named_parameters()))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn(parameter.shape, generator=generator)


def test_a_path_in_the_plane_lies_where_its_coordinates_say(tmp_path: Path) -> None:
    focus, x, y = random_point(0), random_point(1), random_point(2)
    y = combined((1.0, y), (0.8, x))  # far from orthogonal
    where = np.array([[0.0, 0.0], [1.0, 0.0], [-2.0, 0.5], [0.3, -1.7]])
    trajectory = ps.Trajectory(tmp_path)
    for step, (a, b) in enumerate(where.tolist()):
        trajectory.record(10 * step, combined((1.0, focus), (a, x), (b, y)))
    seen = trajectory.project(focus, [x, y])
    assert seen.steps.tolist() == [0, 10, 20, 30]
    np.testing.assert_allclose(seen.coordinates, where.T, atol=1e-6)
    np.testing.assert_allclose(seen.distances, 0.0, atol=1e-6)
    assert seen.explained == pytest.approx(1.0, abs=1e-12)


def test_a_path_at_right_angles_to_the_plane_stays_at_its_origin(tmp_path: Path) -> None:
    focus = random_point(0)
    x = {"w": torch.ones(4, 3, dtype=torch.float64)}
    y = {"b": torch.ones(4, dtype=torch.float64)}
    away = {"w": torch.zeros(4, 3), "b": torch.tensor([1.0, -1, 0, 0]), "s": torch.tensor(2.0)}
    trajectory = ps.Trajectory(tmp_path)
    for step in range(1, 5):
        trajectory.record(step, combined((1.0, focus), (float(step), away)))
    seen = trajectory.project(focus, [x, y])
    np.testing.assert_allclose(seen.coordinates, 0.0, atol=1e-7)
    np.testing.assert_allclose(seen.distances, np.sqrt(6) * np.arange(1, 5), rtol=1e-6)
    assert seen.explained == pytest.approx(0.0, abs=1e-12)


def test_what_is_explained_and_what_is_left_add_up(tmp_path: Path) -> None:
    focus = {"w": torch.zeros(3, dtype=torch.float64)}
    x, y = ({"w": torch.tensor([2.0, 0, 0]).double()}, {"w": torch.tensor([0, 0, 1.0]).double()})
    trajectory = ps.Trajectory(tmp_path)
    trajectory.record(0, focus)
    trajectory.record(1, {"w": torch.tensor([3.0, 4.0, 0.0]).double()})
    seen = trajectory.project(focus, [x, y])
    np.testing.assert_allclose(seen.coordinates, [[0, 1.5], [0, 0]], atol=1e-7)
    np.testing.assert_allclose(seen.distances, [0, 4])
    assert seen.explained == pytest.approx(9 / 25)
    still = trajectory.project(focus, [x, {"w": torch.zeros(3).double()}])
    np.testing.assert_allclose(still.coordinates, seen.coordinates, atol=1e-7)


@pytest.mark.parametrize("normalization", ["filter", "layer", "model", "unit", "none"])
def test_projections_on_draws_are_those_of_numpy_without_any_snapshot(
    tmp_path: Path, normalization: Any
) -> None:
    model = kinds_of_filters()
    surface = surface_of(model)
    axes = ps.Random(0, normalization), ps.Random(1, normalization)
    trajectory = ps.Trajectory(tmp_path, snapshots=0, directions=axes)
    path = []
    for step, point in walk(model, 12):
        trajectory.record(step, surface)
        path.append(point)
    focus = surface.parameters()  # a point that was not recorded
    tensors = [axis(surface, focus) for axis in axes]
    matrix = np.stack([flat(t, focus) for t in tensors], axis=1)
    expected = np.linalg.lstsq(matrix, (np.array(path) - flat(focus)).T, rcond=None)[0]
    seen = trajectory.project(focus, tensors)
    np.testing.assert_allclose(seen.coordinates, expected, rtol=1e-5, atol=1e-6)
    assert np.isnan(seen.distances).all() and np.isnan(seen.explained)
    assert not list(tmp_path.glob("**/*.pt"))
    # Sums of the axes and orthogonal complements are made of the same draws.
    turned = [
        {n: 2 * tensors[0][n] - tensors[1][n] for n in focus},
        {n: 0.3 * tensors[1][n] for n in focus},
    ]
    matrix = np.stack([flat(t, focus) for t in turned], axis=1)
    expected = np.linalg.lstsq(matrix, (np.array(path) - flat(focus)).T, rcond=None)[0]
    found = trajectory.project(focus, turned).coordinates
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_inner_products_of_filters_serve_every_coarser_normalization(tmp_path: Path) -> None:
    model = kinds_of_filters()
    surface = surface_of(model)
    trajectory = ps.Trajectory(tmp_path, directions=[ps.Random(5)], snapshots=0)
    whole = ps.Trajectory(tmp_path / "whole")
    for step, _ in walk(model, 6):
        trajectory.record(step, surface)
        whole.record(step, model)
    focus = surface.parameters()
    for normalization in ("filter", "layer", "unit", "none"):
        tensors = [ps.Random(5, normalization)(surface, focus)]  # type: ignore[arg-type]
        found, expected = (t.project(focus, tensors) for t in (trajectory, whole))
        np.testing.assert_allclose(found.coordinates, expected.coordinates, rtol=1e-5)
        assert np.isfinite(expected.distances).all()
    with pytest.raises(ValueError, match="Keep snapshots"):
        trajectory.project(focus, [ps.Random(6)(surface, focus)])


def test_steps_whose_snapshot_is_gone_are_still_seen_from_their_inner_products(
    tmp_path: Path,
) -> None:
    model = kinds_of_filters()
    surface = surface_of(model)
    axes = ps.Random(0), ps.Random(1, "layer")
    trajectory = ps.Trajectory(tmp_path, directions=axes, snapshots=5)
    for step, _ in walk(model, 33):
        trajectory.record(step, surface)
    focus = surface.parameters()
    # Another process, which was not told the directions, reads them from the axes.
    read = ps.Trajectory(tmp_path)
    tensors = [axis(surface, focus) for axis in axes]
    seen = read.project(focus, tensors, directions=axes)
    assert seen.steps.tolist() == list(range(33))
    kept = [seen.steps.tolist().index(step) for step in read.snapshot_steps]
    assert len(kept) <= 5 and read.snapshot_steps[0] == 0
    assert np.flatnonzero(np.isfinite(seen.distances)).tolist() == kept
    from_snapshots = ps.Trajectory(tmp_path).project(focus, tensors)
    np.testing.assert_allclose(
        from_snapshots.coordinates, seen.coordinates[:, kept], rtol=1e-5, atol=1e-7
    )
    assert from_snapshots.explained == pytest.approx(seen.explained)


def test_recording_leaves_a_bounded_number_of_files_that_cover_the_run(tmp_path: Path) -> None:
    trajectory = ps.Trajectory(tmp_path, snapshots=20)
    for step in range(500):
        trajectory.record(step, {"w": torch.full((3,), float(step))})
        assert len(list((tmp_path / "snapshots").iterdir())) <= 20
    steps = trajectory.snapshot_steps
    assert len(steps) > 10 and steps[0] == 0 and set(np.diff(steps)) == {32}
    assert all(float(trajectory.snapshot(s)["w"][0]) == s for s in steps)
    trajectory.record(499, {"w": torch.full((3,), 499.0)}, always=True)
    assert trajectory.snapshot_steps[-1] == 499
    assert {p.name for p in tmp_path.iterdir()} == {"snapshots", "trajectory.json"}


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=80, unique=True),
    st.integers(2, 12),
    st.integers(1, 50),
)
def test_thinning_keeps_the_first_step_and_no_more_than_the_limit(
    steps: list[int], limit: int, every: int
) -> None:
    even = Evenly([], limit, every)
    called = sorted(steps)
    gone: set[int] = set()
    for step in called:
        if even.wants(step, False):
            gone |= set(even.add(step))
            assert even.steps[-1] == step
        assert len(even.steps) <= limit and even.steps[0] == called[0]
        assert not gone & set(even.steps)
    # Opened again, it goes on with a spacing that does not leave out more than before.
    again = Evenly(even.steps, limit, every)
    assert again._spacing <= max(even._spacing, every, *np.diff(even.steps), 1)


def test_rows_are_thinned_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_layout, "MOST_ROWS", 40)
    model = nn.Linear(3, 2)
    surface = surface_of(model)
    trajectory = ps.Trajectory(tmp_path, snapshots=4, directions=[ps.Random(0)])
    path = {}
    for step, point in walk(model, 300):
        trajectory.record(step, surface)
        path[step] = point
    focus = surface.parameters()
    tensors = ps.Random(0)(surface, focus)
    seen = trajectory.project(focus, [tensors])
    assert 20 <= len(seen.steps) <= 44
    direction = flat(tensors)
    expected = [(path[s] - flat(focus)) @ direction / (direction @ direction) for s in seen.steps]
    np.testing.assert_allclose(seen.coordinates[0], expected, rtol=1e-5)


def test_long_paths_are_thinned_for_the_record(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)
    surface = surface_of(model)
    trajectory = ps.Trajectory(tmp_path, snapshots=0, directions=[ps.Random(0)])
    for step, _ in walk(model, 150):
        trajectory.record(step, surface)
    axes = [ps.Random(0)(surface, surface.parameters())]
    seen = trajectory.project(surface.parameters(), axes, points=40)
    assert len(seen.steps) == 40 and (seen.steps[0], seen.steps[-1]) == (0, 149)
    assert set(np.diff(seen.steps)) == {3, 4}
    with pytest.raises(ValueError, match="at least 2"):
        trajectory.project(surface.parameters(), axes, points=1)


def trained(trajectory: ps.Trajectory | None) -> tuple[Point, list[Tensor]]:
    """Parameters and random numbers after a training with dropout and momentum."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(30):
        if trajectory is not None:
            trajectory.record(step, model)
        optimizer.zero_grad()
        nn.functional.cross_entropy(
            model(torch.randn(16, 4)), torch.randint(0, 2, (16,))
        ).backward()
        optimizer.step()
    return dict(model.state_dict()), [torch.randn(3), torch.get_rng_state()]


def test_training_comes_out_bit_for_bit_as_without_recording(tmp_path: Path) -> None:
    plain, dice = trained(None)
    recorded, same_dice = trained(
        ps.Trajectory(tmp_path, snapshots=4, directions=[ps.Random(0), ps.Random(1)])
    )
    assert all(torch.equal(plain[name], recorded[name]) for name in plain)
    assert all(map(torch.equal, dice, same_dice))


def test_snapshots_are_the_parameters_bit_for_bit(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low = nn.Parameter(torch.randn(3, 4).bfloat16())
            self.complex = nn.Parameter(torch.randn(3, 4, dtype=torch.complex64))
            self.view = nn.Parameter(torch.randn(100_000)[:7])
            self.images = nn.Parameter(
                torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
            )
            self.frozen = nn.Parameter(torch.randn(2), requires_grad=False)

    model = Odd()
    surface = surface_of(model)
    trajectory = ps.Trajectory(tmp_path, directions=[ps.Random(0)])
    trajectory.record(3, surface)
    snapshot = trajectory.snapshot(3)
    assert list(snapshot) == ["low", "complex", "view", "images"]
    for name, tensor in surface.parameters().items():
        assert torch.equal(snapshot[name], tensor) and snapshot[name].dtype == tensor.dtype
    # A view's whole storage would have been 400 kB.
    assert (tmp_path / "snapshots" / "0000000003.pt").stat().st_size < 20_000
    before = flat(surface.parameters())
    with torch.no_grad():
        model.complex.mul_(1.5j)
    focus = surface.parameters()
    seen = trajectory.project(focus, [ps.Random(0)(surface, focus)])
    direction = flat(ps.Random(0)(surface, focus))
    expected = (before - flat(focus)) @ direction / (direction @ direction)
    assert float(seen.coordinates[0, 0]) == pytest.approx(expected, rel=1e-5)
    assert float(seen.distances[0]) == pytest.approx(
        np.linalg.norm(before - flat(focus) - expected * direction), rel=1e-5
    )


def test_steps_between_are_left_out_and_the_last_one_can_be_kept(tmp_path: Path) -> None:
    trajectory = ps.Trajectory(tmp_path, every=10)
    for step in range(3, 38):
        trajectory.record(step, {"w": torch.zeros(2)})
    trajectory.record(37, {"w": torch.zeros(2)}, always=True)
    trajectory.record(37, {"w": torch.ones(2)}, always=True)  # is there already
    assert trajectory.steps == (3, 10, 20, 30, 37)
    assert not trajectory.snapshot(37)["w"].any()
    assert repr(trajectory).endswith("5 steps from 3 to 37, 5 snapshots>")


def test_recording_goes_on_in_a_directory_that_holds_a_path(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    directions = [ps.Random(0)]
    for begin in range(0, 300, 100):
        trajectory = ps.Trajectory(tmp_path, snapshots=10, directions=directions)
        for step in range(begin, begin + 100):
            trajectory.record(step, model)
    assert trajectory.steps == tuple(range(300))
    assert trajectory.snapshot_steps == tuple(range(0, 300, 32))
    assert not (tmp_path / "previous").exists()


def test_what_a_resumed_training_takes_again_is_moved_away(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    axes = [ps.Random(0)]
    for step, _ in walk(model, 10):
        ps.Trajectory(tmp_path, directions=axes).record(step, model)
    resumed = ps.Trajectory(tmp_path, directions=axes)
    with pytest.warns(RuntimeWarning, match="training was resumed"):
        resumed.record(6, model)
    assert resumed.steps == resumed.snapshot_steps == (0, 1, 2, 3, 4, 5, 6)
    assert torch.equal(resumed.snapshot(6)["weight"], model.weight)
    previous = ps.Trajectory(tmp_path / "previous", directions=axes)
    assert previous.steps == previous.snapshot_steps == (6, 7, 8, 9)
    surface = surface_of(model)
    focus = surface.parameters()
    assert len(previous.project(focus, [axes[0](surface, focus)]).steps) == 4
    with pytest.warns(RuntimeWarning, match="step 0 on is now in"):
        ps.Trajectory(tmp_path, directions=axes).record(0, model)
    assert ps.Trajectory(tmp_path / "previous").steps == (0, 1, 2, 3, 4, 5, 6)


def test_files_that_a_crash_left_behind_are_ignored_with_a_warning(tmp_path: Path) -> None:
    # A process that dies after it has written a file and before it has moved it to its place.
    code = f"""
import os, pathlib, torch, pysclice as ps
trajectory = ps.Trajectory({str(tmp_path)!r}, directions=[ps.Random(0, "unit")])
for step in range(3):
    trajectory.record(step, {{"w": torch.arange(40.0)}})
pathlib.Path.replace = lambda *_: os._exit(9)
trajectory.record(3, {{"w": torch.arange(40.0)}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 9, done.stderr
    whole = tmp_path / "snapshots" / "0000000002.pt"
    whole.write_bytes(whole.read_bytes()[:-30])
    rows = tmp_path / "projections.f8"
    size = len(rows.read_bytes()) // 4  # the row of step 3 was written before the snapshot
    damaged = bytearray(rows.read_bytes()[: 3 * size + 5])
    damaged[size + 3] ^= 1
    rows.write_bytes(damaged)
    trajectory = ps.Trajectory(tmp_path, directions=[ps.Random(0, "unit")])
    with pytest.warns(RuntimeWarning) as told:
        assert trajectory.steps == (0, 1, 2)  # 1 by its snapshot, 2 by its row
    messages = sorted(str(warning.message) for warning in told)
    assert len(messages) == 3
    assert any("not finished" in m for m in messages)
    assert any("0000000002.pt is damaged" in m for m in messages)
    assert any("damaged rows" in m for m in messages)
    trajectory.record(3, {"w": torch.arange(40.0)})
    assert trajectory.steps == (0, 1, 2, 3)
    assert trajectory.snapshot_steps == (0, 1, 3)
    assert not list(tmp_path.glob("**/*.partial"))
    assert len(rows.read_bytes()) == 4 * size  # the half row is gone, the others stand in line


def test_a_disk_error_is_a_warning_and_not_the_end_of_the_training(tmp_path: Path) -> None:
    trajectory = ps.Trajectory(tmp_path / "run")
    (tmp_path / "run").write_text("a file in the way")
    with pytest.warns(RuntimeWarning, match="Training goes on"):
        trajectory.record(0, {"w": torch.zeros(2)})
    trajectory.record(1, {"w": torch.zeros(2)})  # told once
    (tmp_path / "run").unlink()
    trajectory.record(2, {"w": torch.zeros(2)})
    assert trajectory.steps == (2,)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.filterwarnings("error")
def test_a_full_disk_does_not_end_the_training_even_where_warnings_are_errors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trajectory = ps.Trajectory(tmp_path)
    trajectory.record(0, {"w": torch.zeros(100_000)})
    (tmp_path / "snapshots" / "0000000001.pt.partial").symlink_to("/dev/full")
    trajectory.record(1, {"w": torch.zeros(100_000)})
    assert "Training goes on" in caplog.text
    trajectory.record(2, {"w": torch.zeros(100_000)})
    assert trajectory.snapshot_steps == (0, 2)


def test_a_step_that_diverged_is_unknown_and_the_others_are_not(tmp_path: Path) -> None:
    focus = {"w": torch.zeros(2)}
    trajectory = ps.Trajectory(tmp_path)
    drawn = ps.Trajectory(tmp_path / "drawn", snapshots=0, directions=[ps.Random(0, "unit")])
    for step, value in enumerate([1.0, float("nan"), float("inf"), 2.0]):
        trajectory.record(step, {"w": torch.tensor([value, value])})
        drawn.record(step, {"w": torch.tensor([value, value])})
    axis = ps.Random(0, "unit").drawn("w", torch.empty(2))
    seen = drawn.project(focus, [{"w": axis}])
    assert np.isfinite(seen.coordinates[0]).tolist() == [True, False, False, True]
    seen = trajectory.project(focus, [{"w": torch.tensor([1.0, 0.0])}])
    assert np.isfinite(seen.coordinates[0]).tolist() == [True, False, False, True]
    assert np.isfinite(seen.distances).tolist() == [True, False, False, True]
    assert seen.explained == pytest.approx(0.5)


def test_layers_that_are_frozen_or_freed_later_are_said(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    trajectory = ps.Trajectory(tmp_path, directions=[ps.Random(0)])
    trajectory.record(0, model)
    model[0].requires_grad_(True)
    with pytest.warns(RuntimeWarning, match=r"'0.weight' and 1 more became trainable"):
        trajectory.record(1, model)
    model.requires_grad_(False)
    model[1].weight.requires_grad_(True)
    trajectory.record(2, model)
    surface = surface_of(model)
    focus = surface.parameters()
    assert list(focus) == ["1.weight"]
    axes = [ps.Random(0)(surface, focus)]
    np.testing.assert_allclose(trajectory.project(focus, axes).coordinates, 0.0, atol=1e-7)


def test_checkpoints_can_be_recorded_after_the_fact(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    trajectory = ps.Trajectory(tmp_path)
    trajectory.record(0, model)
    trajectory.record(5, {**model.state_dict(), "extra": None})  # type: ignore[dict-item]
    assert list(trajectory.snapshot(5)) == [name for name, _ in model.named_parameters()]


def test_the_directory_of_another_model_is_refused(tmp_path: Path) -> None:
    ps.Trajectory(tmp_path).record(0, nn.Linear(3, 2))
    ps.Trajectory(tmp_path).record(5, nn.Linear(3, 2))
    other = ps.Trajectory(tmp_path)
    for step in (0, 1):
        with pytest.raises(ValueError, match=r"shape \(2, 3\), here there is shape \(2, 4\)"):
            other.record(step, nn.Linear(4, 2))
    with pytest.raises(ValueError, match="here there is none"):
        other.record(1, nn.Linear(3, 2, bias=False))
    with pytest.raises(ValueError, match="another model"):
        other.project({"weight": torch.zeros(2, 4)}, [{"weight": torch.zeros(2, 4)}])
    with pytest.raises(ValueError, match="Give the same directions"):
        ps.Trajectory(tmp_path, directions=[ps.Random(0)]).record(1, nn.Linear(3, 2))
    assert other.steps == (0, 5) and not (tmp_path / "previous").exists()
    path = tmp_path / "trajectory.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(ValueError, match="newer pysclice"):
        ps.Trajectory(tmp_path).record(1, nn.Linear(3, 2))
    path.write_text("{}")
    with pytest.raises(ValueError, match="damaged"):
        _ = ps.Trajectory(tmp_path).steps
    path.write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        _ = ps.Trajectory(tmp_path).steps


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda d: ps.Trajectory(d, snapshots=1), ValueError, "0 or at least 2"),
        (lambda d: ps.Trajectory(d, snapshots=2.5), ValueError, "0 or at least 2"),
        (lambda d: ps.Trajectory(d, every=0), ValueError, "at least 1"),
        (lambda d: ps.Trajectory(d, directions=ps.Random(0)), TypeError, "expected several"),
        (lambda d: ps.Trajectory(d, directions=[ps.Gradient()]), TypeError, "not drawn from"),
        (lambda d: ps.Trajectory(d).record(-1, nn.Linear(1, 1)), ValueError, "from 0"),
        (lambda d: ps.Trajectory(d).record(0.5, nn.Linear(1, 1)), TypeError, "whole number"),
        (lambda d: ps.Trajectory(d).record(0, [torch.zeros(2)]), TypeError, "got a list|a list"),
        (lambda d: ps.Trajectory(d).record(0, {}), ValueError, "no parameters to record"),
        (
            lambda d: ps.Trajectory(d, directions=[ps.Random(0)]).record(0, {"w": torch.ones(2)}),
            ValueError,
            "Record the surface or the module",
        ),
        (lambda d: ps.Trajectory(d).project({}, []), ValueError, "Nothing is recorded"),
    ],
)
def test_bad_input_gets_a_sentence(
    tmp_path: Path, use: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        use(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("chunk", "shape"), [(21, (3, 50)), (21, (9, 5)), (1, (2, 3)), (8, (4, 0))]
)
def test_inner_products_do_not_depend_on_the_parts_they_are_summed_in(
    monkeypatch: pytest.MonkeyPatch, chunk: int, shape: tuple[int, int]
) -> None:
    first, second = torch.randn(shape), torch.randn(shape)
    monkeypatch.setattr(inner_products, "_CHUNK", chunk)
    found = inner([first, second], [second])
    assert found.shape == (shape[0], 2, 1) and found.dtype == torch.float64
    expected = np.einsum("re,re->r", first.numpy().astype("f8"), second.numpy().astype("f8"))
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(found[:, 1, 0], second.double().square().sum(1), rtol=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_records_and_shows_the_same(tmp_path: Path) -> None:
    axes = ps.Random(0), ps.Random(1)
    found = []
    for device in ("cpu", "cuda"):
        model = kinds_of_filters().to(device)
        surface = surface_of(model)
        trajectory = ps.Trajectory(tmp_path / device, snapshots=4, directions=axes)
        for step, _ in walk(model.cpu(), 9):
            trajectory.record(step, surface_of(model.to(device)))
            model.cpu()
        model.to(device)
        focus = surface.parameters()
        found.append(trajectory.project(focus, [axis(surface, focus) for axis in axes]))
    np.testing.assert_allclose(found[0].coordinates, found[1].coordinates, rtol=1e-5)
    np.testing.assert_allclose(found[0].distances, found[1].distances, rtol=1e-5)
