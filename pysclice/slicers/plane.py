"""A plane through the focus points, spanned by two directions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast

from pysclice.core.parameters import Direction, Parameters, check_direction, dot, norm
from pysclice.core.surface import LossSurface
from pysclice.core.trajectory import Trajectory
from pysclice.directions.axis import Directional, axis_along, method_of, name_of, notes_of
from pysclice.directions.composition import buffers_of, orthogonalized
from pysclice.slicers.auto_span import auto_span, covering, earlier_span, span_notes
from pysclice.slicers.coarsening import coarser
from pysclice.slicers.focus_points import FocusPoints, expanded, here, name_of_focus_point
from pysclice.slicers.rounds import (
    Found,
    Grid,
    InRounds,
    Sampling,
    check_sampling,
    points_of,
)
from pysclice.slicers.sampling import Span, points_with_center, sampled
from pysclice.slices import Float64, ProjectedTrajectory, Slice


@dataclass(frozen=True)
class Plane(InRounds):
    """Values on a grid: a slice of shape (focus points, samples of x, samples of y).

    Args:
        x: direction of ``axes[0]``, drawn horizontally.
        y: direction of ``axes[1]``.
        span: first and last coordinate of both axes, or a pair of such pairs; or ``"auto"``: wide
            enough for the trajectory, if one is given, or else for the loss to double along each
            axis (the record notes what was chosen and why; without a trajectory a logger chooses
            at its first step).
        samples: number of coordinates of both axes, or a pair.
        orthogonal: whether the part along ``x`` is taken out of ``y`` (Gram-Schmidt), which then
            gets its length back. Off by default: drawn directions of a large model are orthogonal
            enough (the record notes the cosine), and the plane through three points is spanned by
            the points themselves.
        focus_points: where the directions start: ``here``, ``Checkpoint``, ``Around``, or several.
            They are the same directions at all of them.
        trajectory: a recorded path. Its projection from the first focus point onto both axes goes
            into the record; where that cannot be made, the notes say why.
        sampling: ``"grid"`` measures all points. ``"adaptive"`` measures as many as it takes to
            interpolate the others: about 180 of 51 x 51 where the loss is smooth. The record's
            ``evaluated`` says which, its ``notes["sampling"]`` how well it was tested, and its
            standard errors are NaN where values are interpolated. All channels are interpolated;
            the first, the loss, decides where. What is not finite, and what lies around it, is
            measured. Where half of the grid would not do, such as under noise, all of it is
            measured, so it costs no more than the grid, but for the focus point, which is measured
            again in each of the few rounds. What is narrower than the gaps between measured points,
            such as a single spike, is missed. Needs scipy, and cannot be had with replicates. Data
            that the surface does not keep are read once a round.
        tolerance: how far off interpolated losses may be, as a share of the range, highest less
            lowest, of the finite losses that were measured. On a plane whose corners are very high
            that may be much for its middle. It is tested at 30 points drawn at random.

    Raises:
        TypeError, ValueError: a span or number of samples that makes no axis; something else than
            a trajectory; another word for the sampling, or a tolerance that is not between 0 and 1.

    Example:
        >>> plane = surface.slice(ps.Plane(ps.Random(seed=0), ps.Random(seed=1), samples=7))
        >>> plane.shape, plane.evaluations
        ((1, 7, 7), 49)
        >>> mixed = ps.Plane(ps.Towards(other), ps.Gradient(), span=((0, 1), (-1, 1)))
        >>> mixed.evaluations  # 25 x 25 samples
        625
        >>> fast = ps.Plane(ps.Random(0), ps.Random(1), samples=51, sampling="adaptive")
        >>> plane = surface.slice(fast)
        >>> plane.shape, plane.evaluations < 300, plane.notes["sampling"]["points"]
        ((1, 51, 51), True, 2601)
    """

    x: Directional
    y: Directional
    span: Span | tuple[Span, Span] | Literal["auto"] = (-1.0, 1.0)
    samples: int | tuple[int, int] = 25
    orthogonal: bool = False
    focus_points: FocusPoints = (here,)
    trajectory: Trajectory | None = None
    sampling: Sampling = "grid"
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        self._coordinates()
        check_sampling(self.sampling, self.tolerance)
        expanded(self.focus_points)
        if not isinstance(self.trajectory, Trajectory | None):
            raise TypeError(
                f"trajectory is a {type(self.trajectory).__name__}, expected a Trajectory."
            )

    def _coordinates(self) -> tuple[Float64, Float64]:
        counts = self.samples if isinstance(self.samples, tuple) else (self.samples,) * 2
        if self.span == "auto" and len(counts) == 2:
            return sampled((-1.0, 1.0), counts[0]), sampled((-1.0, 1.0), counts[1])
        if len(counts) != 2 or not isinstance(self.span, tuple | list) or len(self.span) != 2:
            raise TypeError(
                f"A plane has two axes, got samples {self.samples!r} and span {self.span!r}."
            )
        first, second = self.span
        if isinstance(first, tuple | list) and isinstance(second, tuple | list):
            return sampled(first, counts[0]), sampled(second, counts[1])
        span = cast(Span, self.span)
        return sampled(span, counts[0]), sampled(span, counts[1])

    @property
    def evaluations(self) -> int:
        """How often a slice runs the model over the data, a search for its span left out.

        With adaptive sampling at most so often, and once more for each further round.
        """
        points = points_with_center(points_of(self._coordinates()))
        return len(points) * len(expanded(self.focus_points))

    def settled(self, surface: LossSurface, parameters: Parameters) -> Plane:
        """The same slicer with its span chosen, unless that has to follow a trajectory."""
        if self.span != "auto" or self.trajectory is not None:
            return self
        return self._with_span(surface, parameters)

    def _with_span(self, surface: LossSurface, parameters: Parameters) -> Plane:
        axes = self._tensors(surface, parameters)
        buffers = [buffers_of(direction, surface, parameters) for direction in (self.x, self.y)]
        path, _ = self._projected(surface, parameters, axes)
        covered = (None, None) if path is None else tuple(map(covering, path.coordinates))
        x, y = (
            span or auto_span(surface, parameters, tensors, moving)
            for span, tensors, moving in zip(covered, axes, buffers, strict=True)
        )
        return dataclasses.replace(self, span=(x, y))

    def _tensors(self, surface: LossSurface, parameters: Parameters) -> tuple[Direction, Direction]:
        x, y = self.x(surface, parameters), self.y(surface, parameters)
        check_direction(x, parameters, f"Direction {name_of(self.x)!r}")
        check_direction(y, parameters, f"Direction {name_of(self.y)!r}")
        return x, orthogonalized(y, x, names="This plane") if self.orthogonal else y

    def resumed(self, earlier: Slice, parameters: Parameters) -> Plane | None:
        """The same slicer with the spans of an earlier slice; None where that shows other axes."""
        if self.span != "auto" or self.trajectory is not None:
            return self
        if [axis.name for axis in earlier.axes] != [name_of(self.x), name_of(self.y)]:
            return None
        x, y = map(earlier_span, earlier.axes)
        return dataclasses.replace(self, span=(x, y))

    def coarser(self) -> Plane | None:
        """The same slicer with every other sample; None where that leaves too few."""
        return coarser(self)

    def _prepared(
        self, surface: LossSurface, parameters: Parameters
    ) -> tuple[Grid, Callable[[Found], Slice]]:
        if self.span == "auto":
            return self._with_span(surface, parameters)._prepared(surface, parameters)
        coordinates = self._coordinates()
        x, y = self._tensors(surface, parameters)
        first = axis_along(self.x, x, parameters, coordinates[0])
        second = axis_along(self.y, y, parameters, coordinates[1])
        if self.orthogonal and getattr(self.y, "recipe", None) is not None:
            # Taken from a recipe and then turned by the other axis: no longer the recipe's own.
            turned = f"{second.fingerprint}-{first.fingerprint}"
            second = dataclasses.replace(
                second,
                description=f"{second.description}, orthogonal to {first.name}",
                fingerprint=turned,
            )
        points = expanded(self.focus_points)
        path, path_notes = self._projected(surface, parameters, (x, y))
        notes: dict[str, Any] = {"cosine": _cosine(x, y)}
        notes |= notes_of([self.x, self.y], surface, parameters) | path_notes
        notes |= span_notes(dict(zip((first.name, second.name), self.span, strict=True)))
        grid = Grid(
            surface,
            [partial(point, surface, parameters) for point in points],
            [x, y],
            coordinates,
            [buffers_of(direction, surface, parameters) for direction in (self.x, self.y)],
            self.sampling,
            self.tolerance,
        )

        def slice_of(found: Found) -> Slice:
            shape = (len(points), *map(len, found.kept))
            return Slice(
                kind="plane",
                method=method_of(self.x, self.y),
                axes=found.axes([first, second]),
                focus_points=tuple(map(name_of_focus_point, points)),
                mode=surface.mode,
                notes=notes | found.notes,
                trajectory=path,
                **found.sampled.fields(lambda values, _: values.reshape(shape)),
            )

        return grid, slice_of

    def _projected(
        self, surface: LossSurface, parameters: Parameters, axes: tuple[Direction, Direction]
    ) -> tuple[ProjectedTrajectory | None, dict[str, str]]:
        """The trajectory on these axes; or none, and a note that says why."""
        trajectory = self.trajectory
        if trajectory is None:
            return None, {}
        # A span that covers the path and the record want the same: the snapshots are read once.
        key = ("trajectory", trajectory, id(self.x), id(self.y), self.orthogonal, id(parameters))
        focus = expanded(self.focus_points)[0](surface, parameters)
        try:
            path: ProjectedTrajectory = surface.once(
                key, lambda: trajectory.project(focus, axes, directions=[self.x, self.y])
            )
        except Exception as error:  # whatever is wrong with the path, the values were measured
            return None, {"trajectory": f"not projected: {error}"}
        return path, {}


def _cosine(x: Direction, y: Direction) -> float | None:
    """Cosine of the angle between two directions; None where one of them is zero."""
    lengths = norm(x) * norm(y)
    return round(dot(x, y) / lengths, 6) if lengths > 0 and math.isfinite(lengths) else None
