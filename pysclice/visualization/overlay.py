"""The view of many lines at once: all of them over each other, their median and a band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pysclice.slices import Float64, Slice
from pysclice.visualization.data import (
    Scale,
    axis_label,
    axis_unit,
    caption,
    channel_of,
    check_number,
    chosen_focus_points,
    sentences,
    showable,
    title_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More have no color of their own, and are one crowd.
MOST_CROWDS = 7
MOST_VECTORS = 300
UNIT = "in multiples of each direction"


@dataclass(frozen=True, eq=False)
class Crowd:
    """Lines that are drawn in one color.

    Attributes:
        name: what a legend calls it; empty if it is the only one.
        coordinates: (samples,) for each line.
        values: (lines, samples); NaN where there is nothing to show.
        quantiles: (3, samples) at 10 %, 50 % and 90 % of the lines, infinite where those are; None
            if the lines do not share their coordinates.
    """

    name: str
    coordinates: tuple[Float64, ...]
    values: Float64
    quantiles: Float64 | None


@dataclass(frozen=True, eq=False)
class OverlayData:
    """What the view shows; ``crowds`` and words around them."""

    crowds: tuple[Crowd, ...]
    x_label: str
    y_label: str
    title: str
    note: str


def is_crowded(slice_: Slice, focus_point: int | None, line: int | None, most: int) -> bool:
    """Whether there are more lines than small figures, or than colors for one line."""
    points = len(chosen_focus_points(slice_, focus_point))
    one_line = line is not None or len(slice_.axes) == 1
    return points > MOST_CROWDS if one_line else len(slice_.axes) > most


def prepare_overlay(
    slice_: Slice,
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int | None = None,
    line: int | None = None,
) -> OverlayData:
    """Lines of each focus point as a crowd; or one line at all focus points as a single crowd."""
    name = channel_of(slice_, channel)
    points = chosen_focus_points(slice_, focus_point)
    lines = range(len(slice_.axes))
    if line is not None:
        lines = range(check_number("line", line, len(slice_.axes)), line + 1)
    if len(points) == 1 or len(lines) == 1 or len(points) > MOST_CROWDS:
        together = {"": [(point, which) for point in points for which in lines]}
    else:
        together = {
            slice_.focus_points[point]: [(point, which) for which in lines] for point in points
        }
    crowds = tuple(_crowd(slice_, name, scale, pairs, of) for of, pairs in together.items())
    count = f"{len(lines)} lines" if len(lines) > 1 else "One line"
    if len(points) > 1:
        count += f" at {len(points)} focus points"
    drawn = [slice_.values[name][pair] for pairs in together.values() for pair in pairs]
    first = slice_.axes[lines[0]]
    units = {axis_unit(slice_.axes[which]) for which in lines}
    return OverlayData(
        crowds=crowds,
        x_label=(
            axis_label(first)
            if len(lines) == 1
            else f"coordinate\n{units.pop() if len(units) == 1 else UNIT}"
        ),
        y_label=name,
        title=title_of(slice_),
        note=sentences(
            f"{count}: median and 10 to 90 % band."
            if crowds[0].quantiles is not None
            else f"{count}. They have different coordinates, and so no median.",
            caption(drawn, scale, "left out"),
        ),
    )


def _crowd(
    slice_: Slice, channel: str, scale: Scale, pairs: list[tuple[int, int]], name: str
) -> Crowd:
    coordinates = tuple(slice_.axes[line].coordinates for _, line in pairs)
    raw = np.stack([slice_.values[channel][pair] for pair in pairs]).astype(np.float64)
    alike = all(np.array_equal(x, coordinates[0]) for x in coordinates)
    return Crowd(
        name=name,
        coordinates=coordinates,
        values=showable(raw, scale),
        quantiles=_quantiles(raw, scale) if alike else None,
    )


def _quantiles(raw: Float64, scale: Scale) -> Float64:
    """Of all lines, where a value that is not finite stands above everything, as a wall does."""
    walled = np.where(np.isfinite(raw), raw, np.inf)
    # Values that are there: nothing is interpolated towards infinity.
    found = np.quantile(walled, [0.1, 0.5, 0.9], axis=0, method="nearest")
    return showable(found, scale)


def draw_overlay(axes: Axes, data: OverlayData, scale: Scale) -> None:
    """Thin lines, the band, and the median on top."""
    from matplotlib.collections import LineCollection

    from pysclice.visualization.figure import plain, set_log, with_halo

    if scale == "log":
        set_log(axes)
    for crowd in data.crowds:
        x = crowd.coordinates[0]
        low, median, high = (x * np.nan,) * 3 if crowd.quantiles is None else crowd.quantiles
        (drawn,) = axes.plot(x, median, linewidth=1.8, label=plain(crowd.name), zorder=2.5)
        with_halo(drawn, "white", 3)
        color = drawn.get_color()
        axes.fill_between(x, low, high, color=color, alpha=0.22, linewidth=0)
        lines = [
            np.stack(pair, axis=1) for pair in zip(crowd.coordinates, crowd.values, strict=True)
        ]
        axes.add_collection(
            LineCollection(
                lines,
                colors=color,
                alpha=float(np.clip(8 / len(lines), 0.05, 0.5)),
                linewidths=0.6,
                rasterized=len(lines) > MOST_VECTORS,  # or a file of vectors grows large
            )
        )
    axes.autoscale_view()
    axes.set_xlabel(plain(data.x_label))
    axes.set_ylabel(plain(data.y_label))
    if len(data.crowds) > 1:
        axes.legend()


def plot_overlay(
    slice_: Slice,
    channel: str | None,
    ax: Axes | None,
    scale: Scale,
    focus_point: int | None,
    line: int | None,
) -> Figure:
    """The figure of many lines."""
    from pysclice.visualization.figure import single

    data = prepare_overlay(slice_, channel, scale, focus_point, line)
    with single(ax, (4.2, 2.9), data.title, data.note) as (figure, axes):
        draw_overlay(axes, data, scale)
    return figure
