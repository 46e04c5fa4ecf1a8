"""A line through the focus points along one direction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface
from pysclice.directions.axis import Directional, axis_along, method_of, name_of, notes_of
from pysclice.directions.composition import buffers_of
from pysclice.slicers.auto_span import auto_span, earlier_span, span_notes
from pysclice.slicers.coarsening import coarser
from pysclice.slicers.focus_points import FocusPoints, expanded, here, name_of_focus_point
from pysclice.slicers.rounds import (
    Found,
    Grid,
    InRounds,
    Sampling,
    check_sampling,
)
from pysclice.slicers.sampling import Span, points_with_center, sampled
from pysclice.slices import Float64, Slice


@dataclass(frozen=True)
class Line(InRounds):
    """Values along one direction: a slice of shape (focus points, 1, samples).

    Args:
        direction: ``Random``, ``Towards``, or any callable ``(surface, parameters) -> direction``.
        span: first and last coordinate, in multiples of the direction; or ``"auto"``: as wide as it
            takes for the loss to double (the record notes what was chosen and why; a logger
            chooses at its first step).
        samples: number of coordinates, at least 2. 13, 25, 49 and 97 nest: each holds all
            coordinates of the coarser ones.
        focus_points: where the direction starts: ``here``, ``Checkpoint``, ``Around``, or several.
            It is the same direction at all of them.
        sampling: ``"grid"`` measures at all coordinates. ``"adaptive"`` measures at some of them,
            and a cubic spline through these says the others; see ``Plane``. It pays for hundreds of
            samples, of which 60 will often do.
        tolerance: how far off interpolated losses may be, as a share of the range of the losses;
            see ``Plane``.

    Raises:
        TypeError, ValueError: a span or number of samples that makes no axis; another word for the
            sampling, or a tolerance that is not between 0 and 1.

    Example:
        >>> line = surface.slice(ps.Line(ps.Random(seed=0), span=(-1, 1), samples=13))
        >>> line.shape, line.axes[0].name, line.evaluations
        ((1, 1, 13), 'random 0', 13)
        >>> bool(line.losses[0, 0, 6] == np.float32(line.center["train/loss"][0]))
        True
    """

    direction: Directional
    span: Span | Literal["auto"] = (-1.0, 1.0)
    samples: int = 49
    focus_points: FocusPoints = (here,)
    sampling: Sampling = "grid"
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        self._coordinates()
        check_sampling(self.sampling, self.tolerance)
        expanded(self.focus_points)

    def _coordinates(self) -> Float64:
        return sampled((-1.0, 1.0) if self.span == "auto" else self.span, self.samples)

    @property
    def evaluations(self) -> int:
        """How often a slice runs the model over the data, a search for its span left out.

        With adaptive sampling at most so often, and once more for each further round.
        """
        points = points_with_center(self._coordinates()[:, None])
        return len(points) * len(expanded(self.focus_points))

    def settled(self, surface: LossSurface, parameters: Parameters) -> Line:
        """The same slicer with its span chosen: from now on it keeps this one."""
        if self.span != "auto":
            return self
        tensors = self.direction(surface, parameters)
        buffers = buffers_of(self.direction, surface, parameters)
        return dataclasses.replace(self, span=auto_span(surface, parameters, tensors, buffers))

    def resumed(self, earlier: Slice, parameters: Parameters) -> Line | None:
        """The same slicer with the span of an earlier slice; None where that shows another axis."""
        if self.span != "auto":
            return self
        fits = [axis.name for axis in earlier.axes] == [name_of(self.direction)]
        return dataclasses.replace(self, span=earlier_span(earlier.axes[0])) if fits else None

    def coarser(self) -> Line | None:
        """The same slicer with every other sample; None where that leaves too few."""
        return coarser(self)

    def _prepared(
        self, surface: LossSurface, parameters: Parameters
    ) -> tuple[Grid, Callable[[Found], Slice]]:
        if self.span == "auto":
            return self.settled(surface, parameters)._prepared(surface, parameters)
        coordinates = self._coordinates()
        tensors = self.direction(surface, parameters)
        axis = axis_along(self.direction, tensors, parameters, coordinates)
        points = expanded(self.focus_points)
        notes = notes_of([self.direction], surface, parameters)
        notes |= span_notes({axis.name: self.span})
        grid = Grid(
            surface,
            [partial(point, surface, parameters) for point in points],
            [tensors],
            [coordinates],
            [buffers_of(self.direction, surface, parameters)],
            self.sampling,
            self.tolerance,
        )

        def slice_of(found: Found) -> Slice:
            return Slice(
                kind="lines",
                method=method_of(self.direction),
                axes=found.axes([axis]),
                focus_points=tuple(map(name_of_focus_point, points)),
                mode=surface.mode,
                notes=notes | found.notes,
                **found.sampled.fields(lambda values, _: values[:, None, :]),
            )

        return grid, slice_of
