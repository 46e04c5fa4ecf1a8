"""Measurements of parts of a set of points, put together to those of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pysclice.core.averages import Measurements
from pysclice.core.evaluation.dispatch import summary
from pysclice.slices import Float64


def share(points: int, center: int | None, part: int, parts: int) -> list[int]:
    """Which points are measured in one of several parts: successive ones, as evenly as possible.

    Args:
        points: how many.
        center: the point that every part measures, since standard errors count from it.
        part: which part, from 0.
        parts: how many.
    """
    own = list(range(points * part // parts, points * (part + 1) // parts))
    if center is not None and center not in own:
        own.append(center)
    return own or [0]


def joined(points: int, parts: Sequence[tuple[Sequence[int], Measurements]]) -> Measurements:
    """The measurements of all points from those of parts of them.

    Standard errors are those of the difference from the center. So each part includes the center
    if the whole does; of a point that several parts have, the first one counts.

    Args:
        points: how many there are together.
        parts: the numbers of the points that each part measured, in its own order, and what it
            found there.

    Raises:
        ValueError: no parts, a part with more or fewer values than points, or a point that no part
            has.

    Channels, errors and replicates are those that all parts have.
    """
    if not parts:
        raise ValueError("There are no parts to join.")
    known = np.zeros(points, dtype=bool)
    fresh = []
    for numbers, found in parts:
        which = np.asarray(numbers, dtype=np.int64)
        sizes = {len(values) for values in found.values.values()}
        if sizes != {len(which)}:
            raise ValueError(f"A part of {len(which)} points has values of {sorted(sizes)} points.")
        own = np.flatnonzero(~known[which])
        fresh.append((which[own], own))
        known[which] = True
    if not known.all():
        missing = np.flatnonzero(~known)
        raise ValueError(
            f"{len(missing)} of {points} points are in no part, the first {missing[0]}."
        )

    def together(found: Sequence[Mapping[str, Float64]]) -> dict[str, Float64]:
        shared = [name for name in found[0] if all(name in other for other in found)]
        result = {}
        for name in shared:
            whole = np.empty((*found[0][name].shape[:-1], points))
            for (which, own), part in zip(fresh, found, strict=True):
                whole[..., which] = part[name][..., own]
            result[name] = whole
        return result

    measured = [found for _, found in parts]
    return Measurements(
        values=together([found.values for found in measured]),
        examples=measured[0].examples,
        errors=together([found.errors for found in measured]),
        replicates=together([found.replicates for found in measured]),
        evaluation=summary([found.evaluation for found in measured]),
    )
