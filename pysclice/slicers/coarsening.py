"""The same slicer with fewer samples, for whoever has less time: every other one of each axis."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

_Slicer = TypeVar("_Slicer")

# A picture of fewer samples an axis says nothing of what lies between them.
LEAST_SAMPLES = 7


def coarser(slicer: _Slicer) -> _Slicer | None:
    """The slicer with every other sample of each axis; None where fewer would show too little.

    The samples that stay are the same ones, at the same coordinates: 97 -> 49 -> 25 -> 13 -> 7. An
    axis with an even number of samples, or that would have fewer than 7, keeps them all. Slicers
    that can be made coarser have this as their method ``coarser``; one of your own may have a
    method of this name too.

    Args:
        slicer: a frozen dataclass with a field ``samples``, a number or a pair.

    Example:
        >>> ps.Line(ps.Random(seed=0), samples=49).coarser().samples
        25
        >>> ps.Plane(ps.Random(0), ps.Random(1), samples=(25, 8)).coarser().samples
        (13, 8)
        >>> ps.Line(ps.Random(seed=0), samples=9).coarser() is None
        True
    """
    given: Any = slicer
    samples = given.samples
    fewer = tuple(map(_halved, samples)) if isinstance(samples, tuple) else _halved(samples)
    return None if fewer == samples else dataclasses.replace(given, samples=fewer)


def _halved(samples: int) -> int:
    fewer = (samples + 1) // 2
    return fewer if samples % 2 and fewer >= LEAST_SAMPLES else samples
