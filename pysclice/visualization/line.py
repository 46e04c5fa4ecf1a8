"""The view of a line: losses over the coordinate, and over coordinate and step for a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pysclice.slices import Float64, Mask, Slice
from pysclice.visualization.barrier import BarrierMark, draw_barrier, prepare_barrier
from pysclice.visualization.data import (
    Heatmap,
    Scale,
    allowed_error,
    axis_label,
    band,
    caption,
    channel_of,
    check_number,
    chosen_focus_points,
    interpolation,
    limits,
    missing_spans,
    sentences,
    showable,
    title_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


INTERVAL = "95 % interval of the difference from the focus point."
BAND = f"Band: {INTERVAL}"
BARS = f"Bars: {INTERVAL}"
DOTS = "Dots: "


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of a slice.

    Attributes:
        name: what a legend calls it.
        values: (samples,); NaN where there is nothing to show.
        center: the value measured at the focus point, NaN if 0 is not on the axis.
        shown: (samples,) the values without those that interpolation cannot tell on a log scale.
        band: (samples,) low and high end of 95 % intervals, where errors were measured.
        evaluated: (samples,): which values were, if others were interpolated.
    """

    name: str
    values: Float64
    center: float
    shown: Float64
    band: tuple[Float64, Float64] | None = None
    evaluated: Mask | None = None


@dataclass(frozen=True, eq=False)
class LineData:
    """What the view of a line shows.

    Attributes:
        coordinates: (samples,).
        curves: one for each focus point.
        missing: intervals of the coordinate in which a value cannot be shown.
        barrier: that of the only curve, if the slice notes one.
        x_label, y_label, title, note: words around it.
    """

    coordinates: Float64
    curves: tuple[Curve, ...]
    missing: tuple[tuple[float, float], ...]
    barrier: BarrierMark | None
    x_label: str
    y_label: str
    title: str
    note: str


def prepare_line(
    slice_: Slice,
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int | None = None,
    line: int = 0,
) -> LineData:
    """One line of a slice, a curve for each focus point."""
    name = channel_of(slice_, channel)
    axis = slice_.axes[check_number("line", line, len(slice_.axes))]
    points = chosen_focus_points(slice_, focus_point)
    several = len(points) > 1
    x = axis.coordinates
    errors = slice_.errors.get(name)
    evaluated = None if slice_.evaluated is None else slice_.evaluated[points, line]
    curves = []
    for point in points:
        values = showable(slice_.values[name][point, line], scale)
        shown = values
        if slice_.evaluated is not None and scale == "log":
            # A logarithm would blow up what is within the tolerance.
            known = slice_.evaluated[point, line] | (values >= allowed_error(slice_, name))
            shown = np.where(known, values, np.nan)
        center = float(showable(slice_.center[name][point], scale))
        curves.append(
            Curve(
                name=slice_.focus_points[point] if several else title_of(slice_),
                values=values,
                center=center if x[0] <= 0 <= x[-1] else float("nan"),
                shown=shown,
                band=band(values, None if errors is None else errors[point, line], scale),
                evaluated=None if evaluated is None else evaluated[points.index(point)],
            )
        )
    barrier, said = prepare_barrier(slice_, name, scale) if points == (0,) else (None, "")
    # NaN is contagious: the sum is missing where any curve is.
    missing = missing_spans(x, np.sum([curve.values for curve in curves], axis=0))
    return LineData(
        coordinates=x,
        curves=tuple(curves),
        missing=tuple(missing),
        barrier=barrier,
        x_label=axis_label(axis),
        y_label=name,
        title=title_of(slice_),
        note=sentences(
            said,
            "" if errors is None else (BAND if evaluated is None else BARS),
            interpolation(slice_, name, scale, evaluated, DOTS),
            caption([slice_.values[name][point, line] for point in points], scale),
        ),
    )


def prepare_line_series(
    series: Mapping[int, Slice],
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int = 0,
    line: int | None = None,
) -> tuple[Heatmap, str]:
    """The same line of every step as a row of a heatmap, and a caption.

    Raises:
        ValueError: several lines and none chosen, or steps with other coordinates.
    """
    first = next(iter(series.values()))
    name = channel_of(first, channel)
    if line is None and len(first.axes) > 1:
        raise ValueError(
            f"The slices of this series have {len(first.axes)} lines: choose one with line=0, or "
            "plot the slice of a single step."
        )
    line = line or 0
    raw = []
    for step, slice_ in series.items():
        check_number("line", line, len(slice_.axes))
        check_number("focus point", focus_point, len(slice_.focus_points))
        if not np.array_equal(slice_.axes[line].coordinates, first.axes[line].coordinates):
            raise ValueError(
                f"Step {step} has other coordinates than step {first.step}, so they do not fit "
                "into one heatmap. Plot the steps that were sliced alike."
            )
        raw.append(slice_.values[channel_of(slice_, name)][focus_point, line])
    note = caption(raw, scale)
    if len({slice_.axes[line].fingerprint for slice_ in series.values()}) > 1:
        note = sentences("The direction is not the same at all steps.", note)
    heatmap = Heatmap(
        x=first.axes[line].coordinates,
        y=np.array(list(series), dtype=np.float64),
        values=showable(np.stack(raw), scale),
        x_label=axis_label(first.axes[line]),
        y_label="step",
        title=first.series or first.method,
    )
    return heatmap, note


def draw_line(axes: Axes, data: LineData, scale: Scale) -> None:
    """Curves with their bands and a dot at the focus point; missing samples are hatched."""
    from pysclice.visualization.figure import GRAY, HATCH, PALE, plain, set_log

    if scale == "log":
        set_log(axes)
    for left, right in data.missing:
        axes.axvspan(left, right, facecolor=PALE, edgecolor=GRAY, hatch=HATCH, lw=0, zorder=0)
    for curve in data.curves:
        # Points where a gap on both sides would leave a sample without any line.
        marker = "." if np.isnan(curve.values).any() else ""
        (drawn,) = axes.plot(
            data.coordinates, curve.shown, marker=marker, markersize=3, label=plain(curve.name)
        )
        color = drawn.get_color()
        if curve.evaluated is not None:
            # Where values are interpolated nothing is known of their errors, so there is no band.
            x, y = data.coordinates[curve.evaluated], curve.values[curve.evaluated]
            (dots,) = axes.plot(x, y, "o", markersize=3, color=color)
            dots.set(markeredgecolor="white", markeredgewidth=0.5)
            if curve.band is not None:
                low, high = (end[curve.evaluated] for end in curve.band)
                axes.vlines(x, low, high, color=color, linewidth=0.6, alpha=0.7)
        elif curve.band is not None:
            axes.fill_between(data.coordinates, *curve.band, color=color, alpha=0.2, linewidth=0)
        axes.plot([0.0], [curve.center], "o", markersize=4.5, color=color, zorder=3)
    if data.barrier is not None:
        draw_barrier(axes, data.barrier)
    axes.set_xlabel(plain(data.x_label))
    axes.set_ylabel(plain(data.y_label))
    if len(data.curves) > 1:
        axes.legend()


def plot_line(
    slice_: Slice,
    channel: str | None,
    ax: Axes | None,
    scale: Scale,
    focus_point: int | None,
    line: int,
) -> Figure:
    """The figure of one line."""
    from pysclice.visualization.figure import single

    data = prepare_line(slice_, channel, scale, focus_point, line)
    with single(ax, (4.2, 2.9), data.title, data.note) as (figure, axes):
        draw_line(axes, data, scale)
    return figure


def plot_line_series(
    series: Mapping[int, Slice],
    channel: str | None,
    ax: Axes | None,
    scale: Scale,
    focus_point: int,
    line: int | None,
) -> Figure:
    """The heatmap of one line over the steps."""
    from pysclice.visualization.figure import draw_colorbar, draw_heatmap, single

    heatmap, note = prepare_line_series(series, channel, scale, focus_point, line)
    name = channel_of(next(iter(series.values())), channel)
    with single(ax, (4.6, 3.4), heatmap.title, note) as (figure, axes):
        mesh = draw_heatmap(axes, heatmap, limits([heatmap.values], scale), scale)
        if heatmap.x[0] <= 0 <= heatmap.x[-1]:
            axes.axvline(0.0, color="white", linewidth=0.6, linestyle=":")
        draw_colorbar(figure, mesh, axes, name)
    return figure
