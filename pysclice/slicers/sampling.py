"""Spans and samples of an axis, and the measurement of lines that share their focus points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from pysclice.core.parameters import Direction, Parameters
from pysclice.core.surface import LossSurface
from pysclice.slices import Float32, Float64, Int64, Mask, regular_coordinates

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
            the center, for channels with values per example; NaN where a value is interpolated.
        replicates: channel -> (groups, focus points, points) float64, if they were asked for.
        center_replicates: channel -> (groups, focus points) float64.
        examples: number of examples that each value averages over.
        evaluations: how often the model was run over them.
        evaluated: (focus points, points): which values were measured; None if all of them were.
    """

    values: dict[str, Float64]
    center: dict[str, Float64]
    errors: dict[str, Float64]
    replicates: dict[str, Float64]
    center_replicates: dict[str, Float64]
    examples: int
    evaluations: int
    evaluated: Mask | None = None

    def fields(self, arrange: Arrangement) -> dict[str, Any]:
        """What a ``Slice`` is made of, by the names of its fields.

        Args:
            arrange: puts (focus points, points), with the values at the focus points (focus
                points,) where it needs them, into the shape of the slice.
        """

        def arranged(points: Float64, center: Float64) -> Float32:
            return arrange(points, center).astype(np.float32)

        at_center = np.ones(len(next(iter(self.center.values()))))
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
            "evaluated": None
            if self.evaluated is None
            else arrange(self.evaluated.astype(np.float64), at_center) != 0,
        }


class Rounds:
    """Points around one focus point, measured in one call or in several.

    Each call measures the focus point too, from which standard errors count.

    Args:
        surface: what to measure.
        start: gives the focus point; asked at every call, so that no copy waits in between.
        directions: a direction for each column of ``coefficients``.
        coefficients: (points, directions).
        options: go to ``surface.measure``.

    Attributes:
        values: channel -> (points,) float64; NaN where nothing has been measured yet.
        center: which of the points is the focus point; None if there is none.
    """

    def __init__(
        self,
        surface: LossSurface,
        start: Callable[[], Parameters],
        directions: Sequence[Direction],
        coefficients: Float64,
        **options: Any,
    ) -> None:
        self._surface = surface
        self._start = start
        self._directions = directions
        self._coefficients = coefficients
        self._options = options
        at_center = np.flatnonzero(np.all(coefficients == 0.0, axis=1))
        self.center = int(at_center[0]) if len(at_center) else None
        self.values: dict[str, Float64] = {}
        self._errors: dict[str, Float64] = {}
        self._replicates: dict[str, Float64] = {}
        self._at_center: dict[str, float] = {}
        self._replicates_at_center: dict[str, Float64] = {}
        self._examples = 0
        self._evaluations = 0

    @property
    def has_replicates(self) -> bool:
        """Whether replicates are measured; known after the first call."""
        return bool(self._replicates)

    def measure(self, which: Int64) -> None:
        """Measure these points, and the focus point."""
        if self.center is not None and self.center not in which:
            which = np.append(which, self.center)
        points = points_with_center(self._coefficients[which])
        zero = int(np.flatnonzero(np.all(points == 0.0, axis=1))[0])
        found = self._surface.measure(self._start(), self._directions, points, **self._options)
        if not self._evaluations:
            self._examples = found.examples
            self._at_center = {name: float(v[zero]) for name, v in found.values.items()}
            self._replicates_at_center = {n: v[:, zero] for n, v in found.replicates.items()}
        first = not self._evaluations
        self._evaluations += len(points)
        self.values = self._with(self.values, found.values, which, first)
        self._errors = self._with(self._errors, found.errors, which, first)
        self._replicates = self._with(self._replicates, found.replicates, which, first)

    def _with(
        self, known: dict[str, Float64], found: dict[str, Float64], which: Int64, first: bool
    ) -> dict[str, Float64]:
        """What is known together with what was found; channels that all rounds have."""
        if first:
            size = len(self._coefficients)
            known = {n: np.full((*v.shape[:-1], size), np.nan) for n, v in found.items()}
        kept = {name: values for name, values in known.items() if name in found}
        for name, values in kept.items():
            values[..., which] = found[name][..., : len(which)]
        return kept

    def sampled(
        self,
        which: Int64 | None = None,
        filled: tuple[dict[str, Float64], Mask] | None = None,
    ) -> Sampled:
        """What was measured, around this one focus point.

        Args:
            which: some of the points; all if left out.
            filled: values (points,) of all channels, and which of them were measured, where others
                were interpolated.
        """
        chosen: Any = slice(None) if which is None else which
        values, evaluated = (self.values, None) if filled is None else filled
        return Sampled(
            values={n: v[None, chosen] for n, v in values.items()},
            center={n: np.array([v]) for n, v in self._at_center.items()},
            errors={n: v[None, chosen] for n, v in self._errors.items()},
            replicates={n: v[:, None, chosen] for n, v in self._replicates.items()},
            center_replicates={
                n: v[:, None]
                for n, v in self._replicates_at_center.items()
                if n in self._replicates
            },
            examples=self._examples,
            evaluations=self._evaluations,
            evaluated=None if evaluated is None else evaluated[None, chosen],
        )


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
    everything = np.arange(len(coefficients))
    parts = []
    for start in focus_points:
        rounds = Rounds(surface, partial(_itself, start), directions, coefficients, **options)
        rounds.measure(everything)
        parts.append(rounds.sampled())
    return joined(parts)


def _itself(start: Parameters) -> Parameters:
    return start


def joined(parts: Sequence[Sampled]) -> Sampled:
    """One after the other, what was measured around several focus points."""
    evaluated = None
    if any(part.evaluated is not None for part in parts):
        shape = next(iter(parts[0].values.values())).shape
        evaluated = np.concatenate(
            [np.ones(shape, bool) if p.evaluated is None else p.evaluated for p in parts]
        )
    return Sampled(
        values=_together([part.values for part in parts], 0),
        center=_together([part.center for part in parts], 0),
        errors=_together([part.errors for part in parts], 0),
        replicates=_together([part.replicates for part in parts], 1),
        center_replicates=_together([part.center_replicates for part in parts], 1),
        examples=parts[0].examples,
        evaluations=sum(part.evaluations for part in parts),
        evaluated=evaluated,
    )


def _together(found: Sequence[dict[str, Float64]], axis: int) -> dict[str, Float64]:
    """Channel -> arrays of all focus points; only channels that all of them have."""
    shared = [channel for channel in found[0] if all(channel in other for other in found)]
    return {channel: np.concatenate([f[channel] for f in found], axis) for channel in shared}
