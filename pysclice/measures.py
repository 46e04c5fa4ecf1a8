"""Numbers that say what a slice shows: how curved, wide, lopsided, rough, or cut off it is.

Every measure is a pure function of a ``Slice`` and takes the channel (the first one, the loss, if
none is named), the focus point and, in a bundle, the line. What they share:

- **Samples are joined by straight lines.** Nothing is known between samples, so coordinates may
  be spaced in any way, and a narrow feature between two samples is not seen.
- **L(0)** is the sample at coordinate 0, or the value measured at the focus point itself where the
  grid has no sample there.
- **What is not finite is a wall.** A loss that overflowed reads as infinity or as NaN, depending
  only on what was computed next. Both, and minus infinity, count as higher than everything:
  a path through them has an infinite barrier, and a basin ends at them. Fits and differences,
  which cannot use them, leave them out.
- **Units**: values are in the unit of the channel, widths and positions are coordinates (multiples
  of the direction; times ``axis.length`` for parameter units), unless said otherwise.

A slice sees one or two of millions of directions: these numbers compare slices along equal
directions (equal fingerprints) and prove nothing about the others.

How sure a number is, given how many examples the slice averages over, says ``estimate``, in one way
for all of them and for measures of your own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pysclice.slices import Float64, Slice

__all__ = [
    "Barrier",
    "BasinVolume",
    "Curvature",
    "Estimate",
    "Width",
    "alignment",
    "asymmetry",
    "barrier",
    "basin_volume",
    "curvature",
    "estimate",
    "nonconvexity",
    "roughness",
    "sharpness",
    "width",
]

Mask = npt.NDArray[np.bool_]

# A record stores float32: every value may be off by this share of itself.
ROUNDING = 2.0**-24
# What differences of coarse samples may add to a cosine; more is no alignment with this gradient.
MOST_COSINE = 1.25


@dataclass(frozen=True)
class Barrier:
    """The highest rise of a path above the straight line between its ends' losses.

    Attributes:
        value: height in the unit of the channel; 0 where the path never rises above, infinite
            where it meets a wall.
        where: coordinate of the highest rise, between 0 and 1.

    Example:
        >>> path = surface.slice(ps.Line(ps.Towards(other), span=(0, 1), samples=13))
        >>> found = measures.barrier(path)
        >>> found.value >= 0 and 0 <= found.where <= 1
        True
    """

    value: float
    where: float


@dataclass(frozen=True)
class Curvature:
    """Second derivative at the focus point, from a parabola fitted around it.

    Attributes:
        value: loss per squared parameter unit; NaN where the axis does not know its length.
        per_coordinate: the same in loss per squared coordinate.
        r_squared: share of the losses' variance in the window that the parabola explains; 1 where
            they do not vary.
        samples: how many samples the window holds.
        radius: the window is the coordinates of at most this distance from 0.

    Example:
        >>> found = measures.curvature(line)
        >>> found.samples >= 5 and found.radius <= 1
        True
        >>> bool(np.isclose(found.value * line.axes[0].length**2, found.per_coordinate))
        True
    """

    value: float
    per_coordinate: float
    r_squared: float
    samples: int
    radius: float


@dataclass(frozen=True)
class Width:
    """The interval around the focus point in which the loss stays low.

    Attributes:
        value: ``right - left``, in coordinates.
        left: where the interval begins, 0 or below.
        right: where it ends, 0 or above.
        left_is_cut: the loss is still low at the first coordinate, so the true width is larger.
        right_is_cut: the same at the last coordinate.

    Example:
        >>> found = measures.width(line, absolute=1e6)
        >>> found.value, found.left_is_cut, found.right_is_cut
        (2.0, True, True)
    """

    value: float
    left: float
    right: float
    left_is_cut: bool
    right_is_cut: bool


@dataclass(frozen=True)
class BasinVolume:
    """The area of a plane in which the loss stays low, as far as connected to the focus point.

    Attributes:
        value: area in squared coordinates; times the lengths of both axes for squared parameter
            units, if the two directions are orthogonal.
        is_cut: the basin touches the border of the plane, so the true area is larger.

    Example:
        >>> measures.basin_volume(plane, absolute=1e6)  # the whole square from -1 to 1
        BasinVolume(value=4.0, is_cut=True)
    """

    value: float
    is_cut: bool


@dataclass(frozen=True)
class Estimate:
    """A measure with its standard error over the draw of the examples.

    Attributes:
        value: the measure of the slice itself, in the measure's unit.
        error: the standard error, or a bound to it, in the same unit; NaN where it is not known.
        method: ``"jackknife"``, ``"bound"`` or ``"none"``; see ``estimate``.

    Example:
        >>> found = measures.estimate(measures.roughness, line)
        >>> found.value == measures.roughness(line)
        True
    """

    value: float
    error: float
    method: str


def estimate(measure: Callable[..., object], slice_: Slice, /, **arguments: Any) -> Estimate:
    """A measure with its standard error: how far it would move with other examples.

    The examples count as drawn at random, everything else as given: directions, parameters, and
    the errors of straight lines between samples.

    ``"jackknife"``, where all channels that the measure reads have ``slice_.replicates``: the
    measure ``m_k`` is taken of the slice without group k of the examples, for each of K groups, and
    ``error**2 = (K - 1) / K * sum (m_k - mean)**2``. All samples of a slice see the same examples,
    so their errors are correlated; leaving examples out of all of them at once gets this right
    whatever the correlation. Quenouille 1956, Biometrika 43, and Tukey 1958, Annals of
    Mathematical Statistics 29; in the mean it is not too small, Efron and Stein 1981, Annals of
    Statistics 9. Channels with equally many groups lose group k together, as channels of the same
    examples have to; others count as independent. It asks for a measure that moves smoothly with
    the losses: ``nonconvexity``, which counts, jumps.

    ``"bound"``, where they have ``slice_.errors`` only: the sum over samples of ``|dm / d value| *
    error``, which by Minkowski's inequality is at least the standard error to first order whatever
    the correlation. The slope is the steeper of the two difference quotients with steps of the
    error. These errors are those of differences from the center, so the loss at the focus point
    itself counts as known: the bound leaves a part out for measures that change if a constant is
    added to all values (``sharpness``, and ``width`` and ``basin_volume`` with a relative rise). It
    takes the measure twice for each sample that matters, and says little of one that counts.

    ``"none"``, error NaN: there is neither, or the measure is not finite.

    Args:
        measure: one of this module, or any callable that takes a slice and returns a number or an
            object with a ``value``.
        slice_: the slice to measure.
        **arguments: for the measure, e.g. ``channel="validation/loss"``.

    Raises:
        TypeError: the measure returned neither a number nor an object with one as its ``value``.
        ValueError: what the measure has to say of the slice.

    Example:
        >>> x = np.linspace(-1, 1, 5)
        >>> bowl = ps.Slice(
        ...     "lines", "example", (ps.Axis("x", x, 1.0),), {"loss": x[None, None] ** 2},
        ...     {"loss": [0.0]}, errors={"loss": 0.01 * x[None, None] ** 2},
        ... )
        >>> found = measures.estimate(measures.curvature, bowl)
        >>> round(found.value, 6), round(found.error, 3), found.method
        (2.0, 0.026, 'bound')
        >>> height = lambda slice_: slice_.losses[0, 0, -1]  # a measure of your own
        >>> round(measures.estimate(height, bowl).error, 4)
        0.01
    """

    def measured(of: Slice) -> float:
        return _number(measure(of, **arguments))

    value = measured(slice_)
    if not math.isfinite(value):
        return Estimate(value, math.nan, "none")
    read = [name for name in slice_.channels if _reads(measured, slice_, name, value)]
    if read and all(name in slice_.replicates for name in read):
        return Estimate(value, _jackknife(measured, slice_, read), "jackknife")
    if read and all(name in slice_.errors for name in read):
        return Estimate(value, sum(_bound(measured, slice_, n, value) for n in read), "bound")
    return Estimate(value, math.nan, "none")


def barrier(
    slice_: Slice, *, channel: str | None = None, focus_point: int = 0, line: int = 0
) -> Barrier:
    """How far the loss rises on the way from coordinate 0 to coordinate 1, and where.

    The largest ``L(a) - [(1 - a) L(0) + a L(1)]`` over 0 <= a <= 1, for an interpolation whose
    coordinate 1 is the other model. Entezari et al. 2022, arXiv:2110.06296, section 2; Frankle et
    al. 2020, arXiv:1912.05671, section 2, subtract the mean of both ends instead, which is the same
    where the ends are equally low. Garipov et al. 2018, arXiv:1802.10026, look for paths without.

    Raises:
        ValueError: not lines, coordinates 0 to 1 not on the axis, or a loss that is not finite at
            one of the ends.

    Example:
        >>> x = np.linspace(0, 1, 5)  # 1 + x, and a bump of height 3 above this straight line
        >>> losses = 1 + x + 12 * x * (1 - x)
        >>> path = ps.Slice(
        ...     "lines", "example", (ps.Axis("x", x),), {"loss": losses[None, None]}, {"loss": [1]}
        ... )
        >>> measures.barrier(path)
        Barrier(value=3.0, where=0.5)
    """
    x, losses = _line(slice_, "A barrier", channel, focus_point, line)
    x, losses = _with_focus(slice_, x, losses, channel, focus_point)
    if x[-1] < 1:
        raise ValueError(
            f"A barrier is measured from coordinate 0 to 1, but this axis ends at {x[-1]:g}. Take "
            "the line towards the other model with a span that holds 1."
        )
    x, losses = _with_samples(x, losses, 1.0)
    start, end = float(losses[x == 0][0]), float(losses[x == 1][0])
    if not math.isfinite(end):
        raise ValueError("The loss at coordinate 1 is not finite: a barrier needs two finite ends.")
    on_path = (x >= 0) & (x <= 1)
    a = x[on_path]
    rises = losses[on_path] - ((1 - a) * start + a * end)
    highest = int(np.argmax(rises))
    return Barrier(value=max(0.0, float(rises[highest])), where=float(a[highest]))


def curvature(
    slice_: Slice, *, channel: str | None = None, focus_point: int = 0, line: int = 0
) -> Curvature:
    """The second derivative of the loss at the focus point along the direction.

    ``2 c / axis.length**2`` for the least-squares parabola ``a + b x + c x**2`` through the samples
    near 0; along a unit eigenvector of the Hessian it is the eigenvalue.

    Which samples are near: the windows ``|x| <= r`` are tried from the five nearest samples on
    outward, as far as the losses are finite, and the one whose ``c`` has the smallest standard
    error wins. A small window drowns in rounding and noise, and a large one leaves the region where
    the loss is a parabola; both show in the residuals, so that no threshold has to be chosen.
    Residuals count as no smaller than the rounding of float32, or a chance fit of few samples would
    win. The choice of window is this library's own.

    Raises:
        ValueError: not lines, the focus point is not on the axis, or fewer than five finite samples
            around it.

    Example:
        >>> top = surface.slice(ps.Line(ps.HessianEigenvector(0), span=(-0.01, 0.01)))
        >>> found = measures.curvature(top)
        >>> noted = next(iter(top.notes.values()))["eigenvalue"]
        >>> abs(found.value - noted) < 0.01 * noted and found.r_squared > 0.999
        True
    """
    x, losses = _line(slice_, "A curvature", channel, focus_point, line)
    _check_on_axis(x)
    distances = np.abs(x)
    walls = distances[~np.isfinite(losses)]
    reach = float(walls.min()) if walls.size else math.inf
    radii = np.unique(distances[distances < reach])
    best: tuple[float, Curvature] | None = None
    length = slice_.axes[line].length
    unit = length**2 if math.isfinite(length) and length > 0 else math.nan
    for radius in radii.tolist():
        near = distances <= radius
        if np.count_nonzero(near) < 5:
            continue
        error, second, r_squared = _parabola(x[near], losses[near], radius)
        if best is None or error < best[0]:
            samples = int(np.count_nonzero(near))
            best = error, Curvature(second / unit, second, r_squared, samples, radius)
    if best is None:
        raise ValueError(
            "A curvature needs at least five finite samples around the focus point, got "
            f"{np.count_nonzero(distances < reach)}. Take more samples, or a smaller span if the "
            "loss diverges."
        )
    return best[1]


def sharpness(
    slice_: Slice,
    radius: float,
    *,
    channel: str | None = None,
    focus_point: int = 0,
    line: int = 0,
) -> float:
    """How much the loss can rise within a radius of the focus point, in percent.

    ``100 * (max L - L(0)) / (1 + L(0))`` over ``|x| <= radius``; on a plane over the square
    ``|x|, |y| <= radius``. Keskar et al. 2017, arXiv:1609.04836, metric 2.1, with A the direction
    or the two directions of the slice. Their box has, for each direction, the half-width
    ``epsilon * (|p| + 1)`` with p the coordinate of the parameters' own projection on it. For
    random directions p is near 0, so ``radius`` is their epsilon (they use 1e-3 and 5e-4). L(0) is
    compared with 1, so losses of different scale cannot be compared. The maximum is over samples
    and the interpolated border; theirs, found by an optimizer, is higher.

    Raises:
        ValueError: a radius that is not positive or reaches beyond the span, the focus point is not
            on the axes, or ``1 + L(0)`` is not positive.

    Example:
        >>> measures.sharpness(line, 0.5) <= measures.sharpness(line, 1.0)
        True
        >>> round(measures.sharpness(plane, 1e-3), 2) < round(measures.sharpness(plane, 0.1), 2)
        True
    """
    if not radius > 0:
        raise ValueError(f"A sharpness needs a positive radius, got {radius}.")
    if slice_.kind == "plane":
        x, y, losses = _plane(slice_, "A sharpness", channel, focus_point)
        x, y, losses = _plane_with_focus(slice_, x, y, losses, channel, focus_point)
        _check_radius(radius, x)
        _check_radius(radius, y)
        center = float(losses[x == 0, y == 0][0])
        x, losses = _with_samples(x, losses, -radius, radius)
        y, losses = _with_samples(y, losses.T, -radius, radius)
        near = losses.T[np.ix_(np.abs(x) <= radius, np.abs(y) <= radius)]
    else:
        x, losses = _line(slice_, "A sharpness", channel, focus_point, line)
        x, losses = _with_focus(slice_, x, losses, channel, focus_point)
        _check_radius(radius, x)
        center = float(losses[x == 0][0])
        x, losses = _with_samples(x, losses, -radius, radius)
        near = losses[np.abs(x) <= radius]
    if 1 + center <= 0:
        raise ValueError(
            f"A sharpness divides by 1 + L(0), but L(0) is {center:g}: this measure is made for "
            "losses that are not negative."
        )
    return 100 * (float(near.max()) - center) / (1 + center)


def width(
    slice_: Slice,
    rise: float = 0.05,
    *,
    absolute: float | None = None,
    channel: str | None = None,
    focus_point: int = 0,
    line: int = 0,
) -> Width:
    """How far one can walk from the focus point before the loss has risen by a share of itself.

    The connected interval around 0 in which ``L(x) <= (1 + rise) * L(0)``, or, if ``absolute`` is
    given, ``L(x) <= L(0) + absolute``; its ends lie on the straight lines between samples. At a
    wall it ends with the last finite sample. Hochreiter and Schmidhuber 1997, "Flat Minima", call
    a minimum flat if the connected region of nearly constant error around it is large; which rise
    is still nearly constant is a choice.

    Raises:
        ValueError: not lines, the focus point is not on the axis, a negative threshold, or a
            relative one where L(0) is not positive.

    Example:
        >>> x = np.linspace(-2, 2, 9)
        >>> valley = ps.Slice(
        ...     "lines", "example", (ps.Axis("x", x),), {"loss": 1 + abs(x)[None, None]},
        ...     {"loss": [1]},
        ... )
        >>> found = measures.width(valley, 0.75)
        >>> found.left, found.right, found.value
        (-0.75, 0.75, 1.5)
    """
    x, losses = _line(slice_, "A width", channel, focus_point, line)
    x, losses = _with_focus(slice_, x, losses, channel, focus_point)
    center = int(np.flatnonzero(x == 0)[0])
    threshold = _threshold(float(losses[center]), rise, absolute)
    right, right_is_cut = _first_crossing(x[center:], losses[center:], threshold)
    left, left_is_cut = _first_crossing(-x[center::-1], losses[center::-1], threshold)
    # 0.0 - 0.0 and not -0.0, which would be printed.
    return Width(left + right, 0.0 - left, right, left_is_cut, right_is_cut)


def asymmetry(
    slice_: Slice, *, channel: str | None = None, focus_point: int = 0, line: int = 0
) -> float:
    """Which side of the focus point is higher: -1 to 1, 0 for an even function.

    ``integral of L(x) - L(-x)`` over 0 < x < r, divided by the integral of ``|L(x) - L(0)| +
    |L(-x) - L(0)|``, where r reaches to the nearer end of the axis or the last sample before a
    wall. It is 1 where the loss changes on the right only, and upward; 0 where it does not change.
    The definition is the library's own; He et al. 2019, arXiv:1902.00744, show that minima of
    networks are asymmetric and that the mean over training steps lies on the flat side.

    Raises:
        ValueError: not lines, or the focus point is not on the axis with finite samples on both
            sides.

    Example:
        >>> x = np.linspace(-1, 1, 9)
        >>> cliff = ps.Slice(
        ...     "lines", "example", (ps.Axis("x", x),), {"loss": np.maximum(x, 0)[None, None]},
        ...     {"loss": [0]},
        ... )
        >>> measures.asymmetry(cliff)
        1.0
    """
    x, losses = _line(slice_, "An asymmetry", channel, focus_point, line)
    x, losses = _with_focus(slice_, x, losses, channel, focus_point)
    center = int(np.flatnonzero(x == 0)[0])
    walls = np.flatnonzero(~np.isfinite(losses))
    first = int(walls[walls < center].max(initial=-1)) + 1
    last = int(walls[walls > center].min(initial=x.size)) - 1
    if first == center or last == center:
        raise ValueError(
            "An asymmetry needs finite samples on both sides of the focus point; the finite part "
            f"of this line runs from {x[first]:g} to {x[last]:g}."
        )
    x, losses = x[first : last + 1], losses[first : last + 1]
    reach = min(-x[0], x[-1])
    distances = np.unique(np.abs(x[np.abs(x) <= reach]))
    right = np.interp(distances, x, losses) - losses[center - first]
    left = np.interp(-distances, x, losses) - losses[center - first]
    change = _integral(distances, np.abs(right) + np.abs(left))
    return _integral(distances, right - left) / change if change > 0 else 0.0


def roughness(
    slice_: Slice, *, channel: str | None = None, focus_point: int = 0, line: int = 0
) -> float:
    """How much climbing a slice asks for beyond that of a single valley, in units of its range.

    On a line ``excess / (max L - m)`` with ``excess = (V - (L(first) - m) - (L(last) - m)) / 2``,
    the total variation V, the sum of all absolute differences between neighbors, and the minimum
    m of the line. It is 0 exactly if the loss falls to one minimum and rises after it, however
    steeply, and every further hill adds its height: 1 is one hill as high as the whole range.

    On a plane every row and every column of the grid is such a line. The mean excess of the lines
    along ``axes[0]`` and the mean of those along ``axes[1]`` are averaged, and divided by the range
    of the whole plane, so small hills count for little on a steep one. It is 0 exactly if all grid
    lines are single valleys, as they are of a convex loss in any rotation, and half that of a line
    where the loss changes along one axis only.

    Coordinates do not enter, and finer samples change it only by what they newly show; noise is
    such a thing, so compare at equal resolution. Samples that are not finite are left out, and so
    are lines of a plane with fewer than three finite ones. The definition is the library's own.

    Raises:
        ValueError: neither lines nor a plane, or no line has three finite samples.

    Example:
        >>> x = np.linspace(0, 4, 5)
        >>> hill = ps.Slice(
        ...     "lines", "example", (ps.Axis("x", x),), {"loss": [[[4, 0, 1, 0, 4]]]}, {"loss": [4]}
        ... )
        >>> measures.roughness(hill)  # one hill, a quarter as high as the range
        0.25
        >>> both = ps.Slice(
        ...     "plane", "example", (ps.Axis("x", x), ps.Axis("y", x)),
        ...     {"loss": hill.losses + np.square(x)[:, None]}, {"loss": [4]},
        ... )
        >>> round(measures.roughness(both), 3)  # hills of 1 along y only, in a range of 20
        0.025
    """
    if slice_.kind == "plane":
        _, _, losses = _plane(slice_, "A roughness", channel, focus_point)
        directions = [losses.T, losses]
    else:
        _, losses = _line(slice_, "A roughness", channel, focus_point, line)
        directions = [losses[None]]
    means = []
    for lines in directions:
        enough = np.isfinite(lines).sum(1) >= 3
        if enough.any():
            means.append(float(_excess(lines[enough]).mean()))
    if not means:
        most = max(int(np.isfinite(lines).sum(1).max()) for lines in directions)
        raise ValueError(f"A roughness needs at least three finite samples, got {most}.")
    finite = losses[np.isfinite(losses)]
    range_ = float(finite.max() - finite.min())
    return sum(means) / len(means) / range_ if range_ > 0 else 0.0


def nonconvexity(
    slice_: Slice, *, channel: str | None = None, focus_point: int = 0, line: int = 0
) -> float:
    """The share of interior samples at which the loss curves downward: 0 to 1.

    On a line, samples whose second difference is negative; on a plane, samples at which the smaller
    eigenvalue of the Hessian of finite differences is. How the axes are scaled does not matter, nor
    the angle between the directions: by Sylvester's law of inertia the sign stays. Li et al. 2018,
    arXiv:1712.09913, section 6, map the ratio of the extreme eigenvalues of the full Hessian, and
    note that where a slice is not convex, the loss surface is not either.

    Negative means by more than rounding to float32 can cause. Samples with a neighbor that is
    not finite are left out.

    Raises:
        ValueError: no interior sample has finite neighbors all around.

    Example:
        >>> x = np.linspace(-1, 1, 9)
        >>> bowl = ps.Slice(
        ...     "lines", "example", (ps.Axis("x", x),), {"loss": x[None, None] ** 2}, {"loss": [0]}
        ... )
        >>> measures.nonconvexity(bowl)
        0.0
        >>> 0 <= measures.nonconvexity(plane) <= 1
        True
    """
    if slice_.kind == "plane":
        x, y, losses = _plane(slice_, "A nonconvexity", channel, focus_point)
        downward, usable = _saddles(x, y, losses)
    else:
        x, losses = _line(slice_, "A nonconvexity", channel, focus_point, line)
        bends, noise, usable = _bends(x, losses)
        downward = bends < -noise
    if not usable.any():
        raise ValueError(
            "A nonconvexity needs at least one interior sample whose neighbors are all finite."
        )
    return float(np.count_nonzero(downward & usable) / np.count_nonzero(usable))


def basin_volume(
    slice_: Slice,
    rise: float = 0.05,
    *,
    absolute: float | None = None,
    channel: str | None = None,
    focus_point: int = 0,
) -> BasinVolume:
    """The area around the focus point in which the loss has not risen by a share of itself.

    The part of a plane that is connected to the focus point and has ``L <= (1 + rise) * L(0)``, or,
    if ``absolute`` is given, ``L <= L(0) + absolute``. Each rectangle of the grid is cut into two
    triangles on which the loss is taken as linear, so the area and what is connected are exact for
    that surface, and off by the square of the spacing for a smooth one. Walls belong to no
    basin. Huang et al. 2020, arXiv:1906.03291, bound basins by a loss threshold, too, and estimate
    their volume in all dimensions; a plane shows the area of one cross-section.

    Raises:
        ValueError: not a plane, fewer than two samples along an axis, the focus point is not on
            it, a negative threshold, or a relative one where L(0) is not positive.

    Example:
        >>> small, large = (measures.basin_volume(plane, rise).value for rise in (0.05, 0.2))
        >>> 0 < small < large
        True
    """
    x, y, losses = _plane(slice_, "A basin volume", channel, focus_point)
    x, y, losses = _plane_with_focus(slice_, x, y, losses, channel, focus_point)
    center = int(np.flatnonzero(x == 0)[0]), int(np.flatnonzero(y == 0)[0])
    threshold = _threshold(float(losses[center]), rise, absolute)
    basin = _connected(losses <= threshold, center)
    cells = np.diff(x)[:, None] * np.diff(y)[None, :]
    # The lower left, lower right and upper right corner of each rectangle, then the other three.
    area = 0.0
    for corners in (
        (np.s_[:-1, :-1], np.s_[1:, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, 1:]),
    ):
        values = np.stack([losses[corner] for corner in corners])
        touched = np.any([basin[corner] for corner in corners], axis=0)
        shares = _share_below(values[:, touched], threshold)
        area += float((shares * cells[touched] / 2).sum())
    border = np.concatenate([basin[0], basin[-1], basin[:, 0], basin[:, -1]])
    return BasinVolume(value=area, is_cut=bool(border.any()))


def alignment(
    slice_: Slice,
    gradient_norm: float | None = None,
    *,
    channel: str | None = None,
    focus_point: int = 0,
    line: int = 0,
) -> float:
    """The cosine between a line's direction and the gradient at the focus point: -1 to 1.

    ``slope / (axis.length * gradient_norm)``, since the slope of the loss along a direction d is
    the product ``gradient . d``, and ``axis.length`` is the norm of d. 1: straight up the gradient;
    0: along the level set; a random direction among n parameters has about ``1 / sqrt(n)``. The
    slope at 0 is that of the parabola through the samples at 0 and its two nearest, one on each
    side where there is one: exact for a quadratic loss, else off by the square of the spacing. How
    far this can carry a cosine beyond 1 is cut off.

    Args:
        slice_: a slice of kind lines.
        gradient_norm: L2 norm of the channel's gradient at the focus point, in loss per parameter
            unit; ``slice_.notes["gradient_norm"]`` if it is not given.
        channel: the channel; the first one if none is named.
        focus_point: the focus point, counted from 0.
        line: the line, counted from 0.

    Raises:
        ValueError: not lines, no positive gradient norm or length of the axis, fewer than three
            samples, samples around the focus point that are not finite, or a cosine that lies
            beyond 1 by more than a quarter: then the norm is of something else.

    Example:
        >>> gradient = surface.gradient(surface.parameters())
        >>> norm = float(torch.stack([g.square().sum() for g in gradient.values()]).sum().sqrt())
        >>> up = surface.slice(ps.Line(ps.Gradient(), span=(-0.01, 0.01), samples=13))
        >>> round(abs(measures.alignment(up, norm)), 3)
        1.0
        >>> abs(measures.alignment(line, norm)) < 0.5  # a random direction
        True
    """
    x, losses = _line(slice_, "An alignment", channel, focus_point, line)
    x, losses = _with_focus(slice_, x, losses, channel, focus_point)
    slope = _slope(x, losses)
    norm = slice_.notes.get("gradient_norm") if gradient_norm is None else gradient_norm
    if not isinstance(norm, int | float) or not (math.isfinite(norm) and norm > 0):
        raise ValueError(
            f"An alignment needs the norm of the gradient, a positive number; got {norm!r}. Give "
            "gradient_norm=..., or slice with a slicer that notes it."
        )
    length = slice_.axes[line].length
    if not (math.isfinite(length) and length > 0):
        raise ValueError(
            f"An alignment needs the length of the axis, but {slice_.axes[line].name!r} has length "
            f"{length}."
        )
    cosine = slope / (length * norm)
    if abs(cosine) > MOST_COSINE:
        raise ValueError(
            f"The slope {slope:g} along a direction of length {length:g} is too steep for a "
            f"gradient of norm {norm:g}: their cosine would be {cosine:g}. Give the norm of this "
            "channel's gradient at this focus point, or take finer samples around 0."
        )
    return max(-1.0, min(1.0, cosine))


# ---- the error of a measure ------------------------------------------------------------------


def _number(found: object) -> float:
    value: Any = getattr(found, "value", found)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "A measure returns a number or an object with a number as its value, got "
            f"{type(found).__name__}."
        ) from error


def _changed(
    slice_: Slice, values: Mapping[str, Any], center: Mapping[str, Any] | None = None
) -> Slice:
    """The slice with some channels exchanged; replicates stay behind, which are of the old ones."""
    return dataclasses.replace(
        slice_,
        values={**slice_.values, **values},
        center={**slice_.center, **(center or {})},
        replicates={},
        center_replicates={},
    )


def _reads(measured: Callable[[Slice], float], slice_: Slice, name: str, value: float) -> bool:
    """Whether a measure depends on a channel: with NaN everywhere it changes or raises."""
    blank = np.full_like(slice_.values[name], np.nan)
    hidden = _changed(slice_, {name: blank}, {name: np.full(len(slice_.focus_points), np.nan)})
    try:
        return measured(hidden) != value
    except Exception:  # whatever a measure of the user's raises of NaN, it has looked at it
        return True


def _jackknife(measured: Callable[[Slice], float], slice_: Slice, read: Sequence[str]) -> float:
    variance = 0.0
    for groups in sorted({len(slice_.replicates[name]) for name in read}):
        together = [name for name in read if len(slice_.replicates[name]) == groups]
        found = [
            measured(
                _changed(
                    slice_,
                    {name: slice_.replicates[name][group] for name in together},
                    {name: slice_.center_replicates[name][group] for name in together},
                )
            )
            for group in range(groups)
        ]
        if not all(map(math.isfinite, found)):
            return math.nan
        mean = math.fsum(found) / groups
        variance += (groups - 1) / groups * math.fsum((m - mean) ** 2 for m in found)
    return math.sqrt(variance)


def _bound(measured: Callable[[Slice], float], slice_: Slice, name: str, value: float) -> float:
    """The sum over the channel's samples of ``|dm / d value| * error``."""
    values = slice_.values[name].astype(np.float64).ravel()
    errors = slice_.errors[name].astype(np.float64).ravel()
    # Smaller steps would be lost in float32; fmax passes over errors that are NaN.
    steps = np.fmax(errors, 64 * ROUNDING * np.abs(values))
    steps[steps == 0] = 1.0  # of a value 0 with an error that is NaN

    def change(samples: npt.NDArray[np.intp], by: Float64) -> float:
        moved = values.copy()
        moved[samples] += by
        with np.errstate(over="ignore"):  # beyond float32 is infinity, a wall
            changed = _changed(slice_, {name: moved.reshape(slice_.shape)})
        return measured(changed) - value

    # Samples that do not matter, such as those of other lines, are found by moving many at once,
    # by unequal steps that cannot make up for each other, and back, since a maximum may only rise.
    shares = np.random.default_rng(0).uniform(0.5, 1.0, values.size)
    shares[::2] *= -1
    blocks = [np.flatnonzero(np.isfinite(values) & (errors != 0))]
    total = 0.0
    while blocks:
        block = blocks.pop()
        if block.size > 1:
            by = steps[block] * shares[block]
            if change(block, by) or change(block, -by):
                blocks += np.array_split(block, min(8, block.size))
        elif block.size:
            by = steps[block]
            if steepest := max(abs(change(block, by)), abs(change(block, -by))):
                total += steepest / float(by[0]) * float(errors[block[0]])
    return total


# ---- reading a slice -------------------------------------------------------------------------


def _channel(slice_: Slice, channel: str | None, focus_point: int) -> str:
    name = slice_.channels[0] if channel is None else channel
    if name not in slice_.values:
        raise ValueError(
            f"This slice has no channel {name!r}; it has {', '.join(map(repr, slice_.channels))}."
        )
    if not 0 <= focus_point < len(slice_.focus_points):
        raise ValueError(
            f"This slice has {len(slice_.focus_points)} focus points, counted from 0; got "
            f"{focus_point}."
        )
    return name


def _walled(values: npt.NDArray[np.float32]) -> Float64:
    losses = values.astype(np.float64)
    losses[~np.isfinite(losses)] = np.inf
    return losses


def _line(
    slice_: Slice, what: str, channel: str | None, focus_point: int, line: int
) -> tuple[Float64, Float64]:
    """Coordinates and losses of one line, everything that is not finite as infinity."""
    if slice_.kind != "lines":
        raise ValueError(f"{what} is measured on lines, but this slice is a {slice_.kind}.")
    name = _channel(slice_, channel, focus_point)
    if not 0 <= line < len(slice_.axes):
        raise ValueError(f"This slice has {len(slice_.axes)} lines, counted from 0; got {line}.")
    return slice_.axes[line].coordinates, _walled(slice_.values[name][focus_point, line])


def _plane(
    slice_: Slice, what: str, channel: str | None, focus_point: int
) -> tuple[Float64, Float64, Float64]:
    """Both axes' coordinates and losses (axes[0], axes[1]), what is not finite as infinity."""
    if slice_.kind != "plane":
        raise ValueError(f"{what} is measured on a plane, but this slice has kind {slice_.kind!r}.")
    name = _channel(slice_, channel, focus_point)
    x, y = slice_.axes
    if x.samples < 2 or y.samples < 2:
        raise ValueError(f"{what} needs at least two samples along each axis of the plane.")
    return x.coordinates, y.coordinates, _walled(slice_.values[name][focus_point])


def _check_on_axis(x: Float64) -> None:
    if not x[0] <= 0 <= x[-1]:
        raise ValueError(
            f"The focus point, coordinate 0, is not on this axis, which runs from {x[0]:g} to "
            f"{x[-1]:g}. Take a slice whose span holds 0."
        )


def _check_radius(radius: float, x: Float64) -> None:
    if not (x[0] <= -radius and radius <= x[-1]):
        raise ValueError(
            f"A radius of {radius:g} reaches beyond this axis, which runs from {x[0]:g} to "
            f"{x[-1]:g}. Take a wider span or a smaller radius."
        )


def _with_samples(x: Float64, losses: Float64, *places: float) -> tuple[Float64, Float64]:
    """Coordinates and losses (samples, ...) with samples at these places on the axis, too."""
    for place in places:
        after = int(np.searchsorted(x, place))
        if x[after] == place:
            continue
        share = (place - x[after - 1]) / (x[after] - x[after - 1])
        between = (1 - share) * losses[after - 1] + share * losses[after]
        x, losses = np.insert(x, after, place), np.insert(losses, after, between, axis=0)
    return x, losses


def _with_focus(
    slice_: Slice, x: Float64, losses: Float64, channel: str | None, focus_point: int
) -> tuple[Float64, Float64]:
    """A line with a sample at 0, where the grid has none the value measured at the focus point."""
    _check_on_axis(x)
    if not np.any(x == 0):
        x, losses = _with_samples(x, losses, 0.0)
        losses[x == 0] = slice_.center[_channel(slice_, channel, focus_point)][focus_point]
    _check_finite(float(losses[x == 0][0]))
    return x, losses


def _plane_with_focus(
    slice_: Slice, x: Float64, y: Float64, losses: Float64, channel: str | None, focus_point: int
) -> tuple[Float64, Float64, Float64]:
    """A plane with a sample at (0, 0), the same way."""
    _check_on_axis(x)
    _check_on_axis(y)
    if not (np.any(x == 0) and np.any(y == 0)):
        x, losses = _with_samples(x, losses, 0.0)
        y, transposed = _with_samples(y, losses.T, 0.0)
        losses = transposed.T.copy()
        center = slice_.center[_channel(slice_, channel, focus_point)][focus_point]
        losses[np.ix_(x == 0, y == 0)] = center
    _check_finite(float(losses[x == 0, y == 0][0]))
    return x, y, losses


def _check_finite(center: float) -> None:
    if not math.isfinite(center):
        raise ValueError(
            "The loss at the focus point is not finite, so there is nothing to compare with."
        )


def _threshold(center: float, rise: float, absolute: float | None) -> float:
    if absolute is not None:
        if not absolute >= 0:
            raise ValueError(f"The rise that ends a basin cannot be negative, got {absolute}.")
        return center + absolute
    if not rise >= 0:
        raise ValueError(f"The rise that ends a basin cannot be negative, got {rise}.")
    if center <= 0:
        raise ValueError(
            f"A rise relative to L(0) needs a positive L(0), but it is {center:g}. Give the rise "
            "in the unit of the channel: absolute=..."
        )
    return (1 + rise) * center


# ---- arithmetic ------------------------------------------------------------------------------


def _integral(x: Float64, values: Float64) -> float:
    """Trapezoidal rule; ``np.trapezoid`` is new in NumPy 2."""
    return float((np.diff(x) * (values[1:] + values[:-1])).sum() / 2)


def _parabola(x: Float64, losses: Float64, radius: float) -> tuple[float, float, float]:
    """Standard error and value of the second derivative at 0, and R squared of the fit."""
    scaled = x / radius  # keeps the columns of the fit comparable
    columns = np.stack([np.ones_like(scaled), scaled, scaled**2], axis=1)
    mean = float(losses.mean())
    # Without the mean, a large constant does not swallow the digits of a small bowl.
    coefficients = np.linalg.lstsq(columns, losses - mean, rcond=None)[0]
    residuals = losses - mean - columns @ coefficients
    unexplained = float((residuals**2).sum())
    total = float(((losses - mean) ** 2).sum())
    rounding = ROUNDING * float(np.abs(losses).max())
    variance = max(unexplained / (x.size - 3), rounding**2) if x.size > 3 else math.inf
    spread = float(np.linalg.pinv(columns.T @ columns)[2, 2])
    error = 2 * math.sqrt(variance * spread) / radius**2
    r_squared = 1 - unexplained / total if total > 0 else 1.0
    return error, 2 * float(coefficients[2]) / radius**2, r_squared


def _slope(x: Float64, losses: Float64) -> float:
    """The derivative at 0 of the parabola through the samples at 0 and its two nearest."""
    center = int(np.flatnonzero(x == 0)[0])
    if x.size < 3:
        raise ValueError(f"A slope needs at least three samples, got {x.size}.")
    # At an end of the axis the next two on the one side.
    first = min(max(center - 1, 0), x.size - 3)
    a, b = (i for i in range(first, first + 3) if i != center)
    if not np.all(np.isfinite(losses[[a, b]])):
        raise ValueError("The samples nearest to the focus point are not finite: no slope there.")
    rise_a, rise_b = losses[[a, b]] - losses[center]
    return float((rise_a * x[b] / x[a] - rise_b * x[a] / x[b]) / (x[b] - x[a]))


def _excess(losses: Float64) -> Float64:
    """The climbing along lines (lines, samples) beyond that of single valleys, as a loss."""
    finite = np.isfinite(losses)
    # What is not finite repeats the finite sample before it, or the first, and adds no climb.
    source = np.where(finite, np.arange(losses.shape[1]), 0)
    source = np.maximum(np.maximum.accumulate(source, axis=1), finite.argmax(1)[:, None])
    filled = np.take_along_axis(losses, source, axis=1)
    valley = filled[:, 0] + filled[:, -1] - 2 * filled.min(1)
    excess: Float64 = (np.abs(np.diff(filled, axis=1)).sum(1) - valley) / 2
    return np.maximum(0.0, excess)


def _first_crossing(x: Float64, losses: Float64, threshold: float) -> tuple[float, bool]:
    """Where losses (from x[0] = 0 outward) first exceed the threshold; whether they never do."""
    above = np.flatnonzero(losses > threshold)
    if not above.size:
        return float(x[-1]), True
    after = int(above[0])
    low, high = float(losses[after - 1]), float(losses[after])
    share = (threshold - low) / (high - low)  # 0 at a wall
    return float(x[after - 1] + share * (x[after] - x[after - 1])), False


def _bends(x: Float64, losses: Float64) -> tuple[Float64, Float64, Mask]:
    """Second differences of the interior samples along the first dimension.

    In units of the loss, as though the spacing were one; with it what rounding can cause, and which
    of them are of finite samples.
    """
    left, right = np.diff(x)[:-1], np.diff(x)[1:]
    shape = (-1,) + (1,) * (losses.ndim - 1)
    left, right = left.reshape(shape), right.reshape(shape)
    before, here, after = losses[:-2], losses[1:-1], losses[2:]
    usable = np.isfinite(before) & np.isfinite(here) & np.isfinite(after)
    before, here, after = (np.where(usable, part, 0.0) for part in (before, here, after))
    step = (left + right) / 2
    bends = step * ((after - here) / right - (here - before) / left)
    largest = np.maximum(np.abs(here), np.maximum(np.abs(before), np.abs(after)))
    noise = 2 * ROUNDING * largest * step * (1 / left + 1 / right)
    return bends, noise, usable


def _saddles(x: Float64, y: Float64, losses: Float64) -> tuple[Mask, Mask]:
    """Interior samples whose Hessian has a negative eigenvalue, and which have finite neighbors."""
    if x.size < 3 or y.size < 3:
        return np.zeros((0, 0), dtype=np.bool_), np.zeros((0, 0), dtype=np.bool_)
    finite = np.isfinite(losses)
    losses = np.where(finite, losses, 0.0)
    # Steps as units: they rescale the Hessian, which keeps the signs of its eigenvalues.
    along_x, noise_x, _ = _bends(x, losses[:, 1:-1])
    along_y, noise_y, _ = (part.T for part in _bends(y, losses[1:-1].T))
    mixed = (losses[2:, 2:] - losses[2:, :-2] - losses[:-2, 2:] + losses[:-2, :-2]) / 4
    smaller: Float64 = (along_x + along_y) / 2 - np.hypot((along_x - along_y) / 2, mixed)
    near = [
        (slice(i, i + x.size - 2), slice(j, j + y.size - 2)) for i in range(3) for j in range(3)
    ]
    largest = np.max([np.abs(losses[part]) for part in near], axis=0)
    usable: Mask = np.all([finite[part] for part in near], axis=0)
    downward: Mask = smaller < -(noise_x + noise_y + ROUNDING * largest)
    return downward, usable


def _connected(low: Mask, start: tuple[int, int]) -> Mask:
    """What is low and reached from the start along the edges of the triangles."""
    reached = np.zeros_like(low)
    reached[start] = True
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown[1:, 1:] |= reached[:-1, :-1]
        grown[:-1, :-1] |= reached[1:, 1:]
        grown &= low
        if np.array_equal(grown, reached):
            return reached
        reached = grown


def _share_below(values: Float64, threshold: float) -> Float64:
    """The share of each triangle (3, triangles) below the threshold; linear inside."""
    lowest, middle, highest = np.sort(values, axis=0)
    share: Float64 = np.zeros_like(lowest)
    share[highest <= threshold] = 1.0
    # Cut off by the line that crosses two edges: a small triangle at the lowest corner, ...
    one = (lowest <= threshold) & (middle > threshold)
    rest = threshold - lowest[one]
    share[one] = rest / (middle[one] - lowest[one]) * rest / (highest[one] - lowest[one])
    # ... or all but a small triangle at the highest; at a wall the rest has no area.
    two = (middle <= threshold) & (highest > threshold) & np.isfinite(highest)
    rest = highest[two] - threshold
    share[two] = 1 - rest / (highest[two] - lowest[two]) * rest / (highest[two] - middle[two])
    return share
