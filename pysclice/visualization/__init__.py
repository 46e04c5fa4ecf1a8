"""Figures of slices for notebooks and papers: ``plot``.

Each view has a file: what it shows is prepared as plain numbers and words, and then drawn. Only
drawing needs matplotlib, which is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pysclice.slices import Slice
from pysclice.visualization.bundle import MOST_LINES, plot_bundle
from pysclice.visualization.data import SCALES, Scale, check_series
from pysclice.visualization.line import plot_line, plot_line_series
from pysclice.visualization.overlay import is_crowded, plot_overlay
from pysclice.visualization.plane import plot_plane, plot_plane_series
from pysclice.visualization.relief import plot_relief, plot_relief_series
from pysclice.visualization.spectrum import plot_spectrum, plot_spectrum_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot"]


def plot(
    slice_or_series: Slice | Mapping[int, Slice],
    channel: str | None = None,
    *,
    ax: Axes | None = None,
    scale: Scale | None = None,
    focus_point: int | None = None,
    line: int | None = None,
    overlay: bool | None = None,
    relief: bool = False,
) -> Figure:
    """A figure of one slice, or of a series over the steps of a run.

    =====================  =====================================================================
    a line                 the loss over the coordinate, a dot at the focus point, a band of 95 %
                           where errors were measured; the barrier, where the slice notes one
    a bundle of lines      a small figure for each line, all with the same loss axis
    many lines             all over each other with their median and 10 to 90 % band: of a
                           bundle of more than 24, or of one line at more than 7 focus points
    a plane                a heatmap with contours, a cross at the focus point; in its place the
                           path of the parameters, where the slice has a trajectory
    a spectrum             the density of eigenvalues, a tick at each that the slice notes
    a series of lines      a heatmap of coordinate and step
    a series of planes     up to six steps side by side with the same colors
    a series of spectra    the noted eigenvalues over the steps
    =====================  =====================================================================

    Several focus points are drawn over each other on lines and side by side on planes. Values that
    are not finite, or that a log scale cannot show, are hatched or left out, and a caption counts
    them.

    The figure is no part of pyplot's state: there is nothing to close, and it shows itself as the
    result of a notebook's cell, as a slice does. Save it with ``plot(...).savefig("slice.pdf")``.

    Args:
        slice_or_series: a ``Slice``, or slices by step, as in ``read_slices(logdir)[run][series]``.
        channel: which measured quantity; the first one, the loss, if it is not named.
        ax: axes to draw into, in your own style; possible for views with a single one.
        scale: ``"linear"`` or ``"log"``, of the values; log for spectra unless it is given, linear
            for everything else.
        focus_point: show only this one, counted from 0.
        line: show only this line of a bundle, counted from 0.
        overlay: whether to draw lines over each other with their median; only if they are many,
            unless it is given.
        relief: draw planes as surfaces in three dimensions. ``ax`` then needs three, too.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: neither a slice nor slices by step.
        ValueError: a name or number that the slice does not have, steps that do not fit together,
            a view that this kind of slice does not have, or ``ax`` for a view with several axes.

    Example:
        >>> ps.plot(line, scale="log").savefig("line.pdf")
        >>> figure = ps.plot(plane, relief=True)
        >>> figure.axes[0].get_zlabel()
        'train/loss'
    """
    if scale is not None and scale not in SCALES:
        raise ValueError(f"Unknown scale {scale!r}; expected one of {SCALES}.")
    series = None
    if isinstance(slice_or_series, Slice):
        slice_ = slice_or_series
    else:
        series = check_series(slice_or_series)
        slice_ = next(iter(series.values()))
    kind = slice_.kind
    if relief and kind != "plane":
        raise ValueError(f"Only planes are drawn as a relief; this slice has kind {kind!r}.")
    if overlay and (kind != "lines" or series is not None):
        what = "a series" if series is not None else f"a slice of kind {kind!r}"
        raise ValueError(f"An overlay draws the lines of one slice, but this is {what}.")
    if kind == "spectrum":
        if series is not None:
            return plot_spectrum_series(series, ax, scale or "log", focus_point or 0)
        return plot_spectrum(slice_, channel, ax, scale or "log", focus_point)
    scale = scale or "linear"
    if series is not None:
        if kind == "plane":
            draw_series = plot_relief_series if relief else plot_plane_series
            return draw_series(series, channel, ax, scale, focus_point or 0)
        return plot_line_series(series, channel, ax, scale, focus_point or 0, line)
    if kind == "plane":
        draw = plot_relief if relief else plot_plane
        return draw(slice_, channel, ax, scale, focus_point)
    if overlay or (overlay is None and is_crowded(slice_, focus_point, line, MOST_LINES)):
        return plot_overlay(slice_, channel, ax, scale, focus_point, line)
    if len(slice_.axes) > 1 and line is None:
        return plot_bundle(slice_, channel, ax, scale, focus_point)
    return plot_line(slice_, channel, ax, scale, focus_point, line or 0)
