"""Points in groups that the same directions move, and in blocks that workers share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pysclice.core.evaluation.dispatch import blocks_of
from pysclice.core.evaluation.work import Work
from pysclice.slices import Float64


@given(
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    most=st.integers(1, 64),
    workers=st.integers(1, 8),
    data=st.data(),
)
def test_blocks_hold_each_point_once_and_leave_nobody_waiting(
    sizes: list[int], most: int, workers: int, data: Any
) -> None:
    points = iter(range(sum(sizes)))
    groups = [SimpleNamespace(numbers=tuple(next(points) for _ in range(size))) for size in sizes]
    done = data.draw(st.sets(st.integers(0, sum(sizes) - 1), max_size=5))
    work = cast(Any, SimpleNamespace(groups=groups))
    blocks = blocks_of(work, most, done, workers)
    assert sorted(number for block in blocks for number in block) == [
        number for number in range(sum(sizes)) if number not in done
    ]
    assert all(1 <= len(block) <= most for block in blocks)
    assert all(any(set(block) <= set(group.numbers) for group in groups) for block in blocks)
    if workers == 1:
        return
    # Whoever takes a block leaves at least as much for each of the others.
    left = sum(map(len, blocks))
    for block in blocks:
        assert len(block) <= -(-left // (2 * workers))
        left -= len(block)


@given(
    coefficients=arrays(
        np.float64,
        array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.sampled_from([0.0, 0.0, 1.0, -0.5]),
    )
)
def test_groups_hold_each_point_once_and_share_no_direction(coefficients: Float64) -> None:
    unused = cast(Any, None)
    directions = [{f"p{n}": torch.ones(1)} for n in range(coefficients.shape[1])]
    work = Work(unused, unused, {}, {}, directions, coefficients, [], "eval", unused, unused)
    groups = work.groups
    held = [number for group in groups for number in group.numbers]
    assert sorted(held) == list(range(len(coefficients)))
    assert all(list(group.numbers) == sorted(group.numbers) for group in groups)
    columns = [column for group in groups for column in group.columns]
    assert sorted(columns) == np.flatnonzero(coefficients.any(axis=0)).tolist()
    for number, row in enumerate(coefficients):
        assert set(np.flatnonzero(row).tolist()) <= set(work.group_of[number].columns)
    # Lines that share no direction stay apart; where points overlap, they are one group.
    kinds = {tuple(np.flatnonzero(row).tolist()) for row in coefficients} - {()}
    apart = sum(map(len, kinds)) == len(columns)
    assert len(groups) == (max(1, len(kinds)) if apart else 1)
