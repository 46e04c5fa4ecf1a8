"""Points in blocks that workers share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from pysclice.core.evaluation.dispatch import blocks_of


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
