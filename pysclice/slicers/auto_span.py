"""Spans that fit the surface: as wide as the loss takes to double."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from pysclice.core.parameters import Direction, Parameters
from pysclice.core.surface import LossSurface
from pysclice.slices import Axis, Float32

# Powers of two that the search does not leave, in coordinates.
_SMALLEST, _LARGEST = 2.0**-20, 2.0**10


class ChosenSpan(tuple[float, float]):
    """A span that was found and not given.

    Attributes:
        reason: why it reaches no further.
        evaluations: how often the model was run to find it.
    """

    reason: str
    evaluations: int

    def __new__(cls, radius: float, reason: str, evaluations: int) -> ChosenSpan:
        """The span from ``-radius`` to ``radius``."""
        return cls.reaching(-radius, radius, reason, evaluations)

    @classmethod
    def reaching(cls, start: float, stop: float, reason: str, evaluations: int = 0) -> ChosenSpan:
        """The span from ``start`` to ``stop``."""
        span = tuple.__new__(cls, (start, stop))
        span.reason, span.evaluations = reason, evaluations
        return span


def auto_span(
    surface: LossSurface,
    parameters: Parameters,
    direction: Direction,
    buffers: dict[str, Tensor] | None = None,
) -> ChosenSpan:
    """The narrowest span in which the loss doubles on one of its sides.

    Starting from a radius of 1, the radius is halved or doubled until the loss of the first data
    set is at least twice its value at the center on one of both sides and is not at 0.7 of that
    radius; a loss that is not finite counts as risen. It stops earlier where a barrier has been
    passed (the loss rose by 5 % or more on one side and then fell below half of that rise), and at
    a radius of 1024.

    Args:
        surface: what to measure.
        parameters: the center.
        direction: along which.
        buffers: what coordinate 1 adds to the model's buffers.
    """
    evaluations = 0

    def losses(*coordinates: float) -> list[float]:
        nonlocal evaluations
        evaluations += len(coordinates)
        points = np.array(coordinates)[:, None]
        found = surface.measure(parameters, [direction], points, buffers=[buffers or {}])
        return [float(value) for value in next(iter(found.values.values()))]

    center = losses(0.0)[0]
    if not math.isfinite(center):
        return ChosenSpan(1.0, "the loss at the center is not finite", evaluations)
    goal = center + (abs(center) or 1.0)

    def risen(sides: Sequence[float]) -> bool:
        return any(not loss < goal for loss in sides)

    radius = 1.0
    sides = losses(-radius, radius)
    reason = "the loss has doubled"
    if risen(sides):
        while radius > _SMALLEST and risen(losses(-radius / 2, radius / 2)):
            radius /= 2
    else:
        highest = np.maximum(center, sides)
        while not risen(sides):
            passed = (highest - center > 0.05 * abs(center)) & (
                np.array(sides) - center < (highest - center) / 2
            )
            if passed.any():
                reason = "a barrier was passed"
                break
            if radius >= _LARGEST:
                reason = f"the loss has not doubled within a radius of {radius:g}"
                break
            radius *= 2
            sides = losses(-radius, radius)
            highest = np.maximum(highest, sides)
    if reason == "the loss has doubled":
        narrower = radius / math.sqrt(2)
        if risen(losses(-narrower, narrower)):
            radius = narrower
    # Two digits, rounded up: a span that can be said, and still holds the doubling.
    unit = 10.0 ** (math.floor(math.log10(radius)) - 1)
    return ChosenSpan(float(f"{math.ceil(radius / unit) * unit:.2g}"), reason, evaluations)


def covering(coordinates: Float32, margin: float = 0.1) -> ChosenSpan | None:
    """The span that holds the focus point and all finite coordinates, with a margin on both sides.

    None if they are all in one place.
    """
    finite = coordinates[np.isfinite(coordinates)].astype(np.float64)
    start, stop = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    room = margin * (stop - start)
    if room == 0.0:
        return None
    return ChosenSpan.reaching(start - room, stop + room, "it covers the trajectory")


def earlier_span(axis: Axis) -> ChosenSpan:
    """The span that an axis of an earlier slice of the same series had."""
    start, stop = float(axis.coordinates[0]), float(axis.coordinates[-1])
    return ChosenSpan.reaching(start, stop, "as in the slices that this series continues")


def span_notes(spans: Mapping[str, object]) -> dict[str, Any]:
    """What a record says of spans that were chosen: axis name -> span and reason."""
    chosen = {
        name: {"span": list(span), "reason": span.reason, "evaluations": span.evaluations}
        for name, span in spans.items()
        if isinstance(span, ChosenSpan)
    }
    return {"spans": chosen} if chosen else {}
