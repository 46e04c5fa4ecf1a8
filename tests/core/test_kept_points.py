"""Points kept in files: nothing is measured twice, and nothing is taken for what it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import pysclice as ps
from pysclice.core.averages import Measurements
from pysclice.core.kept_points import KeptPoints, key_of, row_of, write_whole
from pysclice.core.shares import joined

PLANE = ps.Plane(ps.Random(0), ps.Random(1), samples=9)
SLICERS: Mapping[str, Any] = {
    "plane": PLANE,
    "plane without its center": ps.Plane(ps.Random(0), ps.Random(1), samples=8),
    "oblong plane": ps.Plane(ps.Random(0), ps.Random(1), samples=(5, 12)),
    "line": ps.Line(ps.Random(0), samples=25),
    "crowd": ps.AxisParallel(count=5, samples=8),
    "adaptive": ps.Plane(ps.Random(0), ps.Random(1), samples=21, sampling="adaptive"),
    "two focus points": ps.Line(
        ps.Random(0), samples=9, focus_points=(ps.here, ps.Around(1, radius=0.1))
    ),
}


class Stop(Exception):
    """Ends a slice in the middle."""


class Counted:
    """A loss per example that counts its evaluations, and may stop after some."""

    def __init__(self) -> None:
        self.evaluations = 0
        self.stop_after: int | None = None

    def __call__(self, model: nn.Module, batch: Any) -> Tensor:
        if self.stop_after is not None and self.evaluations >= self.stop_after:
            raise Stop
        self.evaluations += 1
        return nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))


def data(seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(60, 4, generator=generator), torch.arange(60) % 3


def made(**options: Any) -> tuple[ps.LossSurface, Counted]:
    loss = Counted()
    options = {"backend": "reference", "data": data(), "model": network(), **options}
    return ps.LossSurface(batch_loss=loss, **options), loss


def same_bits(found: ps.Slice, expected: ps.Slice) -> None:
    for kind in ("values", "errors", "replicates", "center", "center_replicates"):
        one, other = getattr(found, kind), getattr(expected, kind)
        assert one.keys() == other.keys()
        for channel in one:
            assert np.array_equal(one[channel], other[channel], equal_nan=True), (kind, channel)
    assert (found.evaluations, found.examples) == (expected.evaluations, expected.examples)


@pytest.mark.parametrize("seconds", [0.0, 10.0])
@pytest.mark.parametrize("name", SLICERS)
def test_kept_or_not_the_bits_are_the_same(name: str, seconds: float, tmp_path: Path) -> None:
    surface, loss = made()
    expected = surface.slice(SLICERS[name])
    surface.kept_points = KeptPoints(tmp_path, seconds)
    same_bits(surface.slice(SLICERS[name]), expected)
    loss.evaluations = 0
    same_bits(surface.slice(SLICERS[name]), expected)
    # A direction may need the gradient; points are there.
    assert loss.evaluations <= 1


@pytest.mark.parametrize("stop_after", [1, 30, 60, 88])
def test_stopped_anywhere_it_goes_on_there(stop_after: int, tmp_path: Path) -> None:
    surface, loss = made()
    expected = surface.slice(PLANE, replicates=4)
    surface.kept_points = KeptPoints(tmp_path, 0.0)
    loss.evaluations, loss.stop_after = 0, stop_after
    with pytest.raises(Stop):
        surface.slice(PLANE, replicates=4)
    rows = len(list(tmp_path.rglob("*.npz")))
    assert rows == stop_after // 10  # a row of 9 and the center
    loss.evaluations, loss.stop_after = 0, None
    same_bits(surface.slice(PLANE, replicates=4), expected)
    # The center is a point of the middle row, and measured with each of the others.
    assert loss.evaluations <= 81 - 9 * rows + (9 - rows)


@pytest.mark.parametrize("backend", ["auto", "replay", "stacked"])
def test_other_backends_agree_within_rounding(backend: str, tmp_path: Path) -> None:
    surface = ps.LossSurface(network(), nn.CrossEntropyLoss(), data(), backend=backend)
    expected = surface.slice(PLANE)
    surface.kept_points = KeptPoints(tmp_path, 0.0)
    for _ in range(2):
        found = surface.slice(PLANE)
        np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-6)
        assert found.notes["evaluation"]["backend"].split("+")[0] in (
            "reference",
            backend,
            "replay",
        )


CHANGES: Mapping[str, Callable[[], ps.LossSurface]] = {
    "parameters": lambda: _with_model(lambda m: m[0].weight.data.add_(1e-6)),
    "a buffer": lambda: _with_model(lambda m: m[1].running_mean.add_(1e-6)),
    "a frozen parameter": lambda: _with_model(lambda m: m[3].requires_grad_(False)),
    "the data": lambda: made(data=data(2))[0],
    "the order of the data": lambda: made(data=tuple(part.flip(0) for part in data()))[0],
    "another name of the data": lambda: made(data={"validation": data()})[0],
    "the mode": lambda: made(mode="train")[0],
    "the draw of examples": lambda: made(examples=30)[0],
    "its seed": lambda: made(examples=30, seed=1)[0],
    "autocast": lambda: made(autocast=torch.bfloat16)[0],
    "the backend": lambda: made(backend="auto")[0],
    "the loss": lambda: ps.LossSurface(
        network(), nn.CrossEntropyLoss(), data(), backend="reference"
    ),
    "a setting of the loss": lambda: ps.LossSurface(
        network(), nn.CrossEntropyLoss(label_smoothing=0.1), data(), backend="reference"
    ),
    "a metric": lambda: ps.LossSurface(
        network(),
        nn.CrossEntropyLoss(),
        data(),
        backend="reference",
        metrics={"largest": lambda outputs, _: outputs.amax(1)},
    ),
}


def _with_model(change: Callable[[Any], object]) -> ps.LossSurface:
    model = network()
    change(model)
    return made(model=model)[0]


def test_whatever_changes_values_changes_the_key(tmp_path: Path) -> None:
    def keys(surface: ps.LossSurface, slicer: Any = PLANE, **options: Any) -> set[str]:
        before = {path.parent.name for path in tmp_path.rglob("*.npz")}
        surface.kept_points = KeptPoints(tmp_path)
        surface.slice(slicer, **options)
        return {path.parent.name for path in tmp_path.rglob("*.npz")} - before

    assert len(keys(made()[0])) == 1
    assert keys(made()[0]) == set()
    for what, surface in CHANGES.items():
        assert len(keys(surface())) == 1, what
    for what, slicer in {
        "a direction": ps.Plane(ps.Random(0), ps.Random(2), samples=9),
        "their order": ps.Plane(ps.Random(1), ps.Random(0), samples=9),
    }.items():
        assert len(keys(made()[0], slicer)) == 1, what
    assert len(keys(made()[0], replicates=3)) == 1


def test_finer_slices_take_what_coarser_ones_measured(tmp_path: Path) -> None:
    surface, loss = made()
    expected = surface.slice(ps.Line(ps.Random(0), samples=25))
    surface.kept_points = KeptPoints(tmp_path)
    surface.slice(ps.Line(ps.Random(0), samples=13))
    loss.evaluations = 0
    found = surface.slice(ps.Line(ps.Random(0), samples=25))
    assert loss.evaluations == 14  # 12 between them in two blocks, each with the center
    same_bits(found, expected)


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "other arrays", "pickle"])
def test_damaged_files_count_as_missing(damage: str, tmp_path: Path) -> None:
    surface, loss = made()
    expected = surface.slice(PLANE)
    surface.kept_points = KeptPoints(tmp_path, 0.0)
    surface.slice(PLANE)
    path = sorted(tmp_path.rglob("*.npz"))[2]
    whole = path.read_bytes()
    if damage == "other arrays":
        np.savez(path, coefficients=np.zeros((3, 2)))
    elif damage == "pickle":
        np.savez(path, coefficients=np.array([object()]), notes=np.array([{}], dtype=object))
    else:
        path.write_bytes({"empty": b"", "cut": whole[:-100], "text": b"x" * 500}[damage])
    loss.evaluations = 0
    same_bits(surface.slice(PLANE), expected)
    assert loss.evaluations == 10


def test_forgotten_points_are_gone(tmp_path: Path) -> None:
    surface, _ = made()
    points = KeptPoints(tmp_path / "all")
    surface.kept_points = points.below("one")
    surface.slice(PLANE)
    assert list((tmp_path / "all" / "one").rglob("*.npz"))
    surface.kept_points.forget()
    surface.kept_points.forget()
    assert list((tmp_path / "all").iterdir()) == []


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b", lambda file: file.write(b"old"))

    def fail(file: Any) -> None:
        file.write(b"new")
        raise Stop

    with pytest.raises(Stop):
        write_whole(tmp_path / "a" / "b", fail)
    assert [path.read_bytes() for path in (tmp_path / "a").iterdir()] == [b"old"]


def test_keys_tell_sparse_from_dense_and_one_name_from_another() -> None:
    dense = torch.tensor([0.0, 2.0])
    groups: list[list[dict[str, Tensor]]] = [
        [{"a": dense}],
        [{"b": dense}],
        [{"a": dense.to_sparse()}],
        [{"a": dense.double()}],
        [{"a": dense[:, None]}],
        [{"a": dense.flip(0)}],
        [{"a": dense}, {}],
        [{}, {"a": dense}],
        [{"a": torch.complex(dense, dense)}],
        [{"a": dense.bfloat16()}],
        [{"a": torch.tensor(2.0)}],
        [{"a": torch.empty(0)}],
    ]
    keys = {key_of({}, group) for group in groups}
    assert len(keys) == len(groups)
    assert key_of({"x": 1}, []) != key_of({"x": 2}, [])


def test_rows() -> None:
    grid = np.stack(np.meshgrid(np.arange(5.0), np.arange(12.0), indexing="ij"), -1).reshape(-1, 2)
    assert row_of(grid) == 12
    assert row_of(grid[:, :1]) == 8
    assert row_of(np.zeros((400, 1))) == 20
    assert row_of(np.zeros((3, 2))) >= 1


@given(st.data())
def test_parts_are_joined_to_the_whole(data: st.DataObject) -> None:
    points = data.draw(st.integers(1, 20))
    center = data.draw(st.integers(0, points - 1))
    where = data.draw(st.lists(st.integers(0, 3), min_size=points, max_size=points))
    random = np.random.default_rng(0)
    values, errors = random.normal(size=points), random.normal(size=points)
    replicates = random.normal(size=(3, points))

    def part(numbers: list[int]) -> Measurements:
        return Measurements(
            {"train/loss": values[numbers]},
            7,
            {"train/loss": errors[numbers]},
            {"train/loss": replicates[:, numbers]},
            {"backend": "reference"},
        )

    numbers = [[n for n in range(points) if where[n] == share] for share in range(4)]
    parts = [([*own, center] if center not in own else own) for own in numbers if own]
    parts = [data.draw(st.permutations(own)) for own in parts]
    found = joined(points, [(own, part(own)) for own in parts])
    assert np.array_equal(found.values["train/loss"], values)
    assert np.array_equal(found.errors["train/loss"], errors)
    assert np.array_equal(found.replicates["train/loss"], replicates)
    assert (found.examples, found.evaluation) == (7, {"backend": "reference"})


def test_parts_that_make_no_whole_are_refused() -> None:
    part = Measurements({"train/loss": np.zeros(2)}, 1)
    with pytest.raises(ValueError, match="no parts"):
        joined(2, [])
    with pytest.raises(ValueError, match="1 of 3 points are in no part, the first 2"):
        joined(3, [([0, 1], part)])
    with pytest.raises(ValueError, match="A part of 3 points has values of"):
        joined(3, [([0, 1, 2], part)])
    fewer = Measurements({"train/loss": np.zeros(1), "train/x": np.zeros(1)}, 1)
    assert list(joined(3, [([2], fewer), ([0, 1], part)]).values) == ["train/loss"]
