"""The view of a bundle: a small figure for each line, all with the same loss axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pysclice.slices import Slice
from pysclice.visualization.data import (
    Scale,
    caption,
    channel_of,
    evenly,
    sentences,
    title_of,
)
from pysclice.visualization.line import BAND, LineData, draw_line, prepare_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES = 24
MOST_COLUMNS = 4


def prepare_bundle(
    slice_: Slice,
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int | None = None,
) -> tuple[list[LineData], str]:
    """Up to 24 lines, evenly chosen, and a caption."""
    name = channel_of(slice_, channel)
    shown = evenly(range(len(slice_.axes)), MOST_LINES)
    lines = [prepare_line(slice_, name, scale, focus_point, line) for line in shown]
    points = slice(None) if focus_point is None else focus_point
    thinned = len(shown) < len(slice_.axes)
    return lines, sentences(
        f"{len(shown)} of {len(slice_.axes)} lines, evenly chosen." if thinned else "",
        BAND if name in slice_.errors else "",
        caption([slice_.values[name][points][..., shown, :]], scale),
    )


def grid(count: int) -> tuple[int, int]:
    """Rows and columns for so many panels, as even as they come."""
    rows = math.ceil(count / MOST_COLUMNS)
    return rows, math.ceil(count / rows)


def plot_bundle(
    slice_: Slice, channel: str | None, ax: Axes | None, scale: Scale, focus_point: int | None
) -> Figure:
    """The figure of a bundle."""
    from pysclice.visualization.figure import plain, subplots, write_caption

    lines, note = prepare_bundle(slice_, channel, scale, focus_point)
    if ax is not None:
        raise ValueError(
            f"This view has {len(lines)} panels and cannot be drawn into one ax. Choose a line "
            "with line=0, or leave ax out."
        )
    rows, columns = grid(len(lines))
    with subplots(rows, columns, (2.3, 2.1), sharey=True) as (figure, panels):
        for axes, data in zip(panels.flat, lines, strict=False):
            draw_line(axes, data, scale)
            axes.xaxis.label.set_fontsize(6)
            axes.set_ylabel("")
            if axes is not panels[0, 0] and axes.get_legend() is not None:
                axes.get_legend().remove()
        for axes in panels.flat[len(lines) :]:
            axes.set_visible(False)
        figure.supylabel(plain(lines[0].y_label), fontsize=8)
        figure.suptitle(plain(title_of(slice_)), fontsize=9)
        write_caption(figure, note)
    return figure
