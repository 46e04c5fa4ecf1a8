"""What the view of a line adds where the slice notes a barrier: its chord and its height."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pysclice.slices import Float64, Slice
from pysclice.visualization.data import Scale, showable, with_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class BarrierMark:
    """A barrier as it is drawn.

    Attributes:
        chord: (2, points) coordinates and values of the straight line between both ends.
        where: coordinate of the highest rise.
        foot: value of the chord there.
        middle: the value that is drawn halfway up.
        top: value of the curve there.
        label: the height in words.
    """

    chord: Float64
    where: float
    foot: float
    middle: float
    top: float
    label: str


def prepare_barrier(slice_: Slice, channel: str, scale: Scale) -> tuple[BarrierMark | None, str]:
    """The barrier that the slice notes for a channel of its only line, and a sentence about it."""
    noted = slice_.notes.get("barrier")
    found = noted.get(channel) if isinstance(noted, Mapping) else None
    axis, values = slice_.axes[0], slice_.values[channel][0, 0]
    x = axis.coordinates
    if not isinstance(found, Mapping) or len(slice_.axes) > 1 or not x[0] <= 0 < 1 <= x[-1]:
        return None, ""
    value, where = found.get("value"), found.get("where")
    if not isinstance(value, int | float):
        return None, "The barrier is infinite." if value == "Infinity" else ""
    if value == 0 or not isinstance(where, int | float):
        return None, "There is no barrier."
    label = f"barrier {with_error(float(value), found.get('error'))}"
    start = float(slice_.center[channel][0])
    end = float(np.interp(1.0, x, values))
    along = np.linspace(0.0, 1.0, 65)  # a curve, where the scale is not linear
    foot = (1 - where) * start + where * end
    top = foot + value
    if not math.isfinite(top) or (scale == "log" and min(foot, top) <= 0):
        return None, f"There is a {label}."
    mark = BarrierMark(
        chord=np.stack([along, showable((1 - along) * start + along * end, scale)]),
        where=float(where),
        foot=float(foot),
        middle=math.sqrt(foot * top) if scale == "log" else float(foot + top) / 2,
        top=float(top),
        label=label,
    )
    return mark, ""


def draw_barrier(axes: Axes, mark: BarrierMark) -> None:
    """The chord, dashed, and a bracket from it to the curve."""
    from pysclice.visualization.figure import backed, plain

    axes.plot(*mark.chord, linestyle=(0, (4, 2)), linewidth=0.9, color="0.35", zorder=1.8)
    axes.annotate(
        "",
        (mark.where, mark.top),
        (mark.where, mark.foot),
        arrowprops={
            "arrowstyle": "|-|,widthA=0.25,widthB=0.25",
            "color": "0.15",
            "linewidth": 0.9,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    label = axes.annotate(
        plain(mark.label),
        (mark.where, mark.middle),
        (5, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize="x-small",
        color="0.15",
        bbox=backed("white"),
    )
    label.set_in_layout(False)
