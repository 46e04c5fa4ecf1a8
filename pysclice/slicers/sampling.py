"""Spans and samples of an axis, and the measurement of lines that share their focus points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pysclice.core.parameters import Direction, Parameters
from pysclice.core.surface import LossSurface
from pysclice.slices import Float32, Float64, regular_coordinates

Span = tuple[float, float]
Arrangement: TypeAlias = Callable[[Float64, Float64], Float64]


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
        errors: channel -> (focus points, points) float64: standard errors of the difference from
            the center, for channels with values per example.
        replicates: channel -> (groups, focus points, points) float64, if they were asked for.
        center_replicates: channel -> (groups, focus points) float64.
        examples: number of examples that each value averages over.
        evaluations: how often the model was run over them.
    """

    values: dict[str, Float64]
    center: dict[str, Float64]
    errors: dict[str, Float64]
    replicates: dict[str, Float64]
    center_replicates: dict[str, Float64]
    examples: int
    evaluations: int

    def fields(self, arrange: Arrangement) -> dict[str, Any]:
        """What a ``Slice`` is made of, by the names of its fields.

        Args:
            arrange: puts (focus points, points), with the values at the focus points (focus
                points,) where it needs them, into the shape of the slice.
        """

        def arranged(points: Float64, center: Float64) -> Float32:
            return arrange(points, center).astype(np.float32)

        return {
            "values": {n: arranged(v, self.center[n]) for n, v in self.values.items()},
            "center": self.center,
            "errors": {
                n: arranged(v, np.zeros_like(self.center[n])) for n, v in self.errors.items()
            },
            "replicates": {
                n: np.stack(list(map(arranged, v, self.center_replicates[n])))
                for n, v in self.replicates.items()
            },
            "center_replicates": self.center_replicates,
            "examples": self.examples,
            "evaluations": self.evaluations,
        }


def sample(
    surface: LossSurface,
    focus_points: Iterable[Parameters],
    directions: Sequence[Direction],
    coefficients: Float64,
    **options: Any,
) -> Sampled:
    """Measure ``focus point + coefficients @ directions`` and the focus points themselves.

    Args:
        surface: what to measure.
        focus_points: where the directions start; asked for one by one.
        directions: a direction for each column of ``coefficients``.
        coefficients: (points, directions).
        options: go to ``surface.measure``.
    """
    points = points_with_center(coefficients)
    zero = int(np.flatnonzero(np.all(points == 0.0, axis=1))[0])
    measured = [surface.measure(start, directions, points, **options) for start in focus_points]
    values = _stacked([m.values for m in measured], 0)
    errors = _stacked([m.errors for m in measured], 0)
    replicates = _stacked([m.replicates for m in measured], 1)
    asked_for = len(coefficients)
    return Sampled(
        values={channel: v[:, :asked_for] for channel, v in values.items()},
        center={channel: v[:, zero] for channel, v in values.items()},
        errors={channel: v[:, :asked_for] for channel, v in errors.items()},
        replicates={channel: v[:, :, :asked_for] for channel, v in replicates.items()},
        center_replicates={channel: v[:, :, zero] for channel, v in replicates.items()},
        examples=measured[0].examples,
        evaluations=len(points) * len(measured),
    )


def _stacked(found: Sequence[dict[str, Float64]], axis: int) -> dict[str, Float64]:
    """Channel -> arrays of all focus points; only channels that all of them have."""
    shared = [channel for channel in found[0] if all(channel in other for other in found)]
    return {channel: np.stack([f[channel] for f in found], axis) for channel in shared}
