"""Coarser slicers: the same axes, every other sample, the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import nn

import pysclice as ps
from tests.models import SmallConvNet, images, quadratic_surface

SLICERS = {
    "line": ps.Line(ps.Random(0), samples=25),
    "plane": ps.Plane(ps.Random(0), ps.Random(1), span=((-1, 1), (0, 2)), samples=(25, 13)),
    "axis-parallel": ps.AxisParallel(3, choose="random", span=(-1, 2), samples=25),
    "crowd": ps.Crowd([ps.Random(0), ps.Random(1)], samples=25),
    "interpolation": ps.Interpolation(SmallConvNet(), samples=25),
}


@pytest.mark.parametrize("slicer", SLICERS.values(), ids=SLICERS)
def test_a_coarser_slicer_takes_every_other_sample_of_the_finer_one(slicer: Any) -> None:
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(16))
    coarser = slicer.coarser()
    fine, coarse = surface.slice(slicer), surface.slice(coarser)
    expected = fine.coarsen(2)
    assert coarse.shape == expected.shape
    assert coarse.fingerprint == fine.fingerprint
    for axis, other in zip(coarse.axes, expected.axes, strict=True):
        np.testing.assert_array_equal(axis.coordinates, other.coordinates)
    np.testing.assert_allclose(coarse.losses, expected.losses, rtol=1e-6)
    assert coarser.evaluations < slicer.evaluations


def test_resolutions_nest_down_to_seven_samples() -> None:
    slicer, found = ps.Line(ps.Random(0), samples=97), []
    while slicer is not None:
        found.append(slicer.samples)
        slicer = slicer.coarser()
    assert found == [97, 49, 25, 13, 7]


@pytest.mark.parametrize("samples", [2, 7, 12, 24])
def test_samples_that_do_not_nest_stay(samples: int) -> None:
    assert ps.Line(ps.Random(0), samples=samples).coarser() is None


def test_a_plane_is_made_coarser_along_each_axis_that_can_be() -> None:
    plane = ps.Plane(ps.Random(0), ps.Random(1), samples=(25, 8))
    first = plane.coarser()
    assert first is not None and first.samples == (13, 8)
    second = first.coarser()
    assert second is not None and second.samples == (7, 8)
    assert second.coarser() is None


def test_a_settled_slicer_keeps_its_choice() -> None:
    surface, _ = quadratic_surface()
    slicer = ps.AxisParallel(3, samples=13).settled(surface, surface.parameters())
    coarser = slicer.coarser()
    assert coarser is not None
    assert coarser.coordinates == slicer.coordinates
    assert coarser.choice == slicer.choice
