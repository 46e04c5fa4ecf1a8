from __future__ import annotations

import dataclasses
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pysclice as ps
from pysclice.core.surface import LossSurface
from pysclice.slices import Float64
from tests.models import quadratic_surface


def network() -> LossSurface:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(48, 6, generator=generator)
    targets = (inputs.sum(1) > 0).long()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 2))

    def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (outputs.argmax(1) == targets).float()

    return LossSurface(
        model, nn.CrossEntropyLoss(), (inputs, targets), metrics={"accuracy": accuracy}
    )


class Watched(LossSurface):
    """A surface that remembers the coefficients it was asked for."""

    asked: list[Float64]

    def measure(self, center: Any, directions: Any, coefficients: Float64, **options: Any) -> Any:
        self.asked.append(coefficients)
        return super().measure(center, directions, coefficients, **options)


def watched() -> Watched:
    surface = network()
    result = object.__new__(Watched)
    result.__dict__ |= surface.__dict__ | {"asked": []}
    return result


PLANE = ps.Plane(ps.Random(seed=0), ps.Random(seed=1), samples=31)
LINE = ps.Line(ps.Random(seed=0), samples=201)


@pytest.mark.parametrize(
    "slicer",
    [
        ps.Plane(ps.Random(0), ps.Random(1), samples=(13, 9)),
        ps.Plane(ps.Random(0), ps.Random(1), samples=14, span=(0.5, 1)),
        ps.Plane(ps.Random(0), ps.Random(1), samples=7, focus_points=(ps.here, ps.here)),
        ps.Line(ps.Random(0), samples=25),
        ps.Line(ps.Random(0), samples=10, focus_points=ps.Around(radius=0.5, count=2)),
        ps.Line(ps.Random(0), samples=13, span="auto"),
    ],
)
def test_progressive_slices_are_complete_nest_and_end_with_the_slice_itself(slicer: Any) -> None:
    surface = watched()
    found = list(slicer.progressively(surface))
    alone = len(found[0].focus_points) == 1
    rounds = surface.asked[-len(found) :] if alone else []  # a span was searched before
    whole = surface.slice(slicer)
    assert len(found) > 1
    for coarse, fine in pairwise(found):
        indices = [
            np.searchsorted(new.coordinates, old.coordinates)
            for old, new in zip(coarse.axes, fine.axes, strict=True)
        ]
        for old, new, index in zip(coarse.axes, fine.axes, indices, strict=True):
            np.testing.assert_array_equal(new.coordinates[index], old.coordinates)
        places = np.ix_(*indices) if whole.kind == "plane" else (0, indices[0])
        for name in whole.channels:
            for point in range(len(whole.focus_points)):
                same = fine.values[name][point][places].reshape(coarse.values[name][point].shape)
                np.testing.assert_array_equal(same, coarse.values[name][point])
    last = found[-1]
    assert last.axes == whole.axes and last.evaluated is None
    assert {**last.notes, "evaluation": None} == {**whole.notes, "evaluation": None}
    for name in whole.channels:
        np.testing.assert_allclose(last.values[name], whole.values[name], rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(last.errors[name], whole.errors[name], rtol=1e-3, atol=1e-6)
    # Every point once, but for the focus point in each round.
    points = [tuple(row) for asked in rounds for row in asked.tolist() if any(row)]
    assert len(points) == len(set(points))
    if rounds:
        assert last.evaluations == sum(map(len, rounds))
    assert 0 < found[0].seconds <= last.seconds and last.wall_time > 0


def test_replicates_come_along_progressively() -> None:
    surface = network()
    surface._groups = 4
    *_, last = ps.Line(ps.Random(0), samples=13).progressively(surface)
    assert last.replicates["train/loss"].shape == (4, 1, 1, 13)
    assert not np.isnan(last.replicates["train/loss"]).any()


@pytest.mark.parametrize(("slicer", "most"), [(PLANE, 300), (LINE, 80)])
def test_adaptive_slices_say_what_was_measured(slicer: Any, most: int) -> None:

    surface = watched()
    adaptive = dataclasses.replace(slicer, sampling="adaptive", tolerance=0.01)
    found = surface.slice(adaptive)
    assert found.evaluations == sum(map(len, surface.asked)) < most
    whole = surface.slice(slicer)
    assert found.axes == whole.axes and found.shape == whole.shape
    assert found.evaluated is not None
    measured, guessed = found.evaluated, ~found.evaluated
    for name in found.channels:
        np.testing.assert_allclose(
            found.values[name][measured], whole.values[name][measured], rtol=2e-5, atol=1e-6
        )
        np.testing.assert_allclose(
            found.errors[name][measured], whole.errors[name][measured], rtol=1e-3, atol=1e-6
        )
        # Nobody can take an interpolated error for a measured one: there is none.
        assert np.isnan(found.errors[name][guessed]).all()
    assert np.abs(found.losses - whole.losses).max() <= 0.01 * np.ptp(whole.losses)
    accuracy = found.values["train/accuracy"]
    assert 0 <= accuracy.min() and accuracy.max() <= 1
    notes = found.notes["sampling"]
    assert notes["evaluated"] == measured.sum() and notes["points"] == measured.size
    assert notes["method"] == "adaptive" and notes["tolerance"] == 0.01
    assert notes["channel"] == "train/loss" and notes["full_grid"] is False
    assert notes["hold_outs"]["count"] == 30 and notes["hold_outs"]["within"] == 1.0
    assert (
        notes["estimated_error"] == notes["hold_outs"]["channels"]["train/loss"]["largest"] <= 0.01
    )
    assert np.isclose(notes["allowed"], 0.01 * np.ptp(found.losses[measured]), rtol=1e-3)
    assert notes["hold_outs"]["channels"]["train/accuracy"]["largest"] > 0
    assert "with 95 % confidence at least 90 %" in notes["sentence"]
    # The focus point is measured, and so are the lowest and the highest loss.
    middle = tuple(n // 2 for n in found.shape[1:]) if found.kind == "plane" else (0, 100)
    assert measured[0][middle]
    assert measured.ravel()[[found.losses.argmin(), found.losses.argmax()]].all()
    again = ps.Slice.from_bytes(found.to_bytes())
    assert again == found and again.evaluated is not None
    np.testing.assert_array_equal(again.evaluated, measured)


def test_adaptive_planes_at_several_focus_points_refine_each_on_its_own() -> None:
    surface, model = quadratic_surface()
    other = ps.Checkpoint({"w": model.w.detach() + 1})
    slicer = ps.Plane(
        ps.Random(0, normalization="none"),
        ps.Random(1, normalization="none"),
        samples=25,
        focus_points=(ps.here, other),
        sampling="adaptive",
    )
    found = surface.slice(slicer)
    assert found.evaluated is not None and found.evaluated.shape == found.shape
    assert found.notes["sampling"]["points"] == 2 * 625
    assert found.notes["sampling"]["hold_outs"]["count"] == 60

    whole = surface.slice(dataclasses.replace(slicer, sampling="grid"))
    np.testing.assert_allclose(found.losses, whole.losses, rtol=1e-5)  # a quadratic form: exactly
    rounds = list(slicer.progressively(surface))
    assert rounds[-1].losses.tobytes() == found.losses.tobytes()
    assert "so far" in rounds[0].notes["sampling"]["sentence"]
    assert rounds[0].shape == found.shape


def test_a_grid_that_is_too_small_to_leave_points_out_is_measured() -> None:
    surface = network()
    found = surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=9, sampling="adaptive"))
    whole = surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=9))
    assert found.evaluated is None and found.evaluations == whole.evaluations
    assert found.notes["sampling"]["full_grid"] is True
    assert found.notes["sampling"]["estimated_error"] == 0.0
    assert found.losses.tobytes() == whole.losses.tobytes()


def test_replicates_and_adaptive_sampling_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="sampling='grid'"):
        network().slice(ps.Line(ps.Random(0), samples=101, sampling="adaptive"), replicates=4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sampling": "sparse"}, ValueError, "expected 'grid' or 'adaptive'"),
        ({"tolerance": 0}, ValueError, "between 0 and 1"),
        ({"tolerance": 1.5}, ValueError, "between 0 and 1"),
        ({"tolerance": float("nan")}, ValueError, "between 0 and 1"),
        ({"tolerance": "1 %"}, TypeError, "expected a number"),
        ({"tolerance": True}, TypeError, "expected a number"),
    ],
)
def test_what_makes_no_sampling_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ps.Line(ps.Random(0), **arguments)
    with pytest.raises(error, match=message):
        ps.Plane(ps.Random(0), ps.Random(1), **arguments)


def test_without_scipy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.interpolate", None)
    surface = watched()
    with pytest.raises(ImportError, match=r"pysclice\[science\]"):
        surface.slice(ps.Line(ps.Random(0), samples=101, sampling="adaptive"))
    assert not surface.asked  # nothing was measured in vain
