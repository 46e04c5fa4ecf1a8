"""Spans and samples of an axis, and the measurement of lines that share their focus points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pysclice.core.parameters import Direction, Parameters
from pysclice.core.surface import LossSurface
from pysclice.slices import Float64, regular_coordinates

Span = tuple[float, float]


def sampled(span: Span, samples: int) -> Float64:
    """The coordinates of an axis: (samples,).

    Raises:
        TypeError: the span is no pair of numbers, or samples is no integer.
        ValueError: the span does not run upwards, or there are fewer than two samples.
    """
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer):
        raise TypeError(f"samples is {samples!r}, expected a whole number.")
    if samples < 2:
        raise ValueError(f"A slice needs at least 2 samples an axis, got {samples}.")
    try:
        start, stop = (float(end) for end in span)
    except (TypeError, ValueError) as error:
        raise TypeError(f"span is {span!r}, expected two numbers such as (-1, 1).") from error
    return regular_coordinates(start, stop, int(samples))


def points_with_center(coefficients: Float64) -> Float64:
    """The points to measure, the center among them: (points or points + 1, directions).

    The center is added as the last point unless one of the points is the center already.
    """
    if np.any(np.all(coefficients == 0.0, axis=1)):
        return coefficients
    return np.vstack([coefficients, np.zeros((1, coefficients.shape[1]))])


@dataclass(frozen=True, eq=False)
class Sampled:
    """Values measured around several focus points.

    Attributes:
        values: channel -> (focus points, points) float64.
        center: channel -> (focus points,) float64.
        examples: number of examples that each value averages over.
        evaluations: how often the model was run over them.
    """

    values: dict[str, Float64]
    center: dict[str, Float64]
    examples: int
    evaluations: int


def sample(
    surface: LossSurface,
    focus_points: Sequence[Parameters],
    directions: Sequence[Direction],
    coefficients: Float64,
) -> Sampled:
    """Measure ``focus point + coefficients @ directions`` and the focus points themselves.

    Args:
        surface: what to measure.
        focus_points: where the directions start.
        directions: a direction for each column of ``coefficients``.
        coefficients: (points, directions).
    """
    points = points_with_center(coefficients)
    zero = int(np.flatnonzero(np.all(points == 0.0, axis=1))[0])
    measured = [surface.measure(start, directions, points) for start in focus_points]
    stacked = {
        channel: np.stack([m.values[channel] for m in measured]) for channel in measured[0].values
    }
    return Sampled(
        values={channel: v[:, : len(coefficients)] for channel, v in stacked.items()},
        center={channel: v[:, zero] for channel, v in stacked.items()},
        examples=measured[0].examples,
        evaluations=len(points) * len(focus_points),
    )
