from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysclice.slicers.nesting import halvings, progressive_levels, progressive_order

shapes = st.lists(st.integers(2, 60), min_size=1, max_size=2).map(tuple)


@given(shapes)
def test_levels_lie_inside_of_each_other_and_end_with_the_grid(shape: tuple[int, ...]) -> None:
    levels = progressive_levels(shape)
    for coarse, fine in pairwise(levels):
        for few, many in zip(coarse, fine, strict=True):
            assert set(few.tolist()) <= set(many.tolist())
    for kept, samples in zip(levels[-1], shape, strict=True):
        np.testing.assert_array_equal(kept, np.arange(samples))
    for kept, samples in zip(levels[0], shape, strict=True):
        assert {0, samples - 1} <= set(kept.tolist()) and np.all(np.diff(kept) > 0)
        assert len(kept) >= min(samples, 4)


@given(shapes)
def test_the_order_holds_every_point_once_and_each_level_as_its_beginning(
    shape: tuple[int, ...],
) -> None:
    order = progressive_order(shape)
    np.testing.assert_array_equal(np.sort(order), np.arange(np.prod(shape)))
    for kept in progressive_levels(shape):
        points = np.ravel_multi_index(np.ix_(*kept), shape).ravel()
        np.testing.assert_array_equal(np.sort(order[: len(points)]), points)


@pytest.mark.parametrize("samples", [49, 97, 193])
def test_resolutions_that_nest_are_halved_regularly(samples: int) -> None:
    for kept, _ in progressive_levels((samples, samples)):
        assert len(set(np.diff(kept).tolist())) == 1


@pytest.mark.parametrize("shape", [(49, 49), (51, 51), (97, 97), (26, 26), (25, 25), (501,)])
def test_a_first_picture_is_there_after_about_3_percent_of_the_points(
    shape: tuple[int, ...],
) -> None:
    first = np.prod([len(kept) for kept in progressive_levels(shape)[0]])
    assert 0.01 * np.prod(shape) < first < 0.04 * np.prod(shape)


def test_halvings_count_how_often_gaps_are_halved() -> None:
    assert halvings(np.array([0.0, 8.0]), 9).tolist() == [0, 3, 2, 3, 1, 3, 2, 3, 0]
