"""Figures of slices for notebooks and papers: ``plot``.

Each view has a file: what it shows is prepared as plain numbers and words, and then drawn. Only
drawing needs matplotlib, which is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pysclice.slices import Slice
from pysclice.visualization.bundle import plot_bundle
from pysclice.visualization.data import SCALES, Scale, check_series
from pysclice.visualization.line import plot_line, plot_line_series
from pysclice.visualization.plane import plot_plane, plot_plane_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot"]


def plot(
    slice_or_series: Slice | Mapping[int, Slice],
    channel: str | None = None,
    *,
    ax: Axes | None = None,
    scale: Scale = "linear",
    focus_point: int | None = None,
    line: int | None = None,
) -> Figure:
    """A figure of one slice, or of a series over the steps of a run.

    ====================  ==========================================================
    a line                the loss over the coordinate, a dot at the focus point
    a bundle of lines     a small figure for each line, all with the same loss axis
    a plane               a heatmap with contours, a cross at the focus point
    a series of lines     a heatmap of coordinate and step
    a series of planes    up to six steps side by side with the same colors
    ====================  ==========================================================

    Several focus points are drawn over each other on lines and side by side on planes. Values that
    are not finite, or that a log scale cannot show, are hatched, and a caption counts them.

    The figure is no part of pyplot's state: there is nothing to close, and it shows itself as the
    result of a notebook's cell. Save it with ``plot(...).savefig("slice.pdf")``.

    Args:
        slice_or_series: a ``Slice``, or slices by step, as in ``read_slices(logdir)[run][series]``.
        channel: which measured quantity; the first one, the loss, if it is not named.
        ax: axes to draw into, in your own style; possible for views with a single one.
        scale: ``"linear"`` or ``"log"``, of the values.
        focus_point: show only this one, counted from 0.
        line: show only this line of a bundle, counted from 0.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: neither a slice nor slices by step.
        ValueError: a name or number that the slice does not have, steps that do not fit together,
            or ``ax`` for a view with several axes.
    """
    if scale not in SCALES:
        raise ValueError(f"Unknown scale {scale!r}; expected one of {SCALES}.")
    if isinstance(slice_or_series, Slice):
        slice_ = slice_or_series
        if slice_.kind == "plane":
            return plot_plane(slice_, channel, ax, scale, focus_point)
        if len(slice_.axes) > 1 and line is None:
            return plot_bundle(slice_, channel, ax, scale, focus_point)
        return plot_line(slice_, channel, ax, scale, focus_point, line or 0)
    series = check_series(slice_or_series)
    if next(iter(series.values())).kind == "plane":
        return plot_plane_series(series, channel, ax, scale, focus_point or 0)
    return plot_line_series(series, channel, ax, scale, focus_point or 0, line)
