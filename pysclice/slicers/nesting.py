"""Coarse grids inside of fine ones: which samples of a grid come first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from pysclice.slices import Float64, Int64

# A picture that is worth showing is there after this share of the work.
FIRST_SHARE = 0.03
FEWEST_SAMPLES = 4

SubGrid: TypeAlias = tuple[Int64, ...]


def halvings(positions: Float64, samples: int) -> Int64:
    """How often the gaps between positions are halved until each sample of an axis is met.

    Args:
        positions: increasing, from 0 to samples - 1; between samples they count as the nearest.
        samples: number of samples of the axis.

    Returns:
        (samples,): 0 for samples at the positions, 1 for those in the middle between them, ...
    """
    levels = np.full(samples, -1, dtype=np.int64)
    level = 0
    while True:
        met = np.round(positions).astype(np.int64)
        levels[met[levels[met] < 0]] = level
        if np.all(levels >= 0):
            return levels
        middle = (positions[1:] + positions[:-1]) / 2
        positions = np.sort(np.concatenate([positions, middle]))
        level += 1


def progressive_levels(shape: Sequence[int]) -> list[SubGrid]:
    """Grids inside of a grid, each inside of the next and the last the grid itself.

    The first has about 3 % of its points, but four samples an axis; every next one halves the
    spacing. Where samples - 1 can be halved often enough, all of them are regular: 49 gives 7, 13,
    25 and 49.

    Returns:
        for each grid the samples on each axis, in increasing order.
    """
    levels = _levels(shape)
    finest = max(int(level.max()) for level in levels)
    return [
        tuple(np.flatnonzero(level <= reached) for level in levels) for reached in range(finest + 1)
    ]


def progressive_order(shape: Sequence[int]) -> Int64:
    """All points of a grid, coarse before fine: (points,) flat indices in C order of the shape.

    Each grid of ``progressive_levels`` is a first part of it, so measuring may stop or show what
    there is after any of them.
    """
    reached = np.max(np.meshgrid(*_levels(shape), indexing="ij"), axis=0)
    return np.argsort(reached.ravel(), kind="stable").astype(np.int64)


def _levels(shape: Sequence[int]) -> list[Int64]:
    share = FIRST_SHARE ** (1 / len(shape))
    return [halvings(_first_positions(samples, share), samples) for samples in shape]


def _first_positions(samples: int, share: float) -> Float64:
    """About this share of an axis's samples, evenly, and regularly where halving gets there."""
    wanted = max(share * samples, FEWEST_SAMPLES)
    regular = [samples]
    while regular[-1] % 2 and (regular[-1] + 1) // 2 >= FEWEST_SAMPLES:
        regular.append((regular[-1] + 1) // 2)
    nearest = min(regular, key=lambda count: abs(np.log(count / wanted)))
    if not wanted / 2 <= nearest <= wanted * 2:
        nearest = round(wanted)
    return np.linspace(0, samples - 1, min(nearest, samples))
