"""What the view of a plane adds where the slice has a trajectory: the path over training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pysclice.slices import Float64, Slice
from pysclice.visualization.data import evenly, sentences

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DOTS = 16


@dataclass(frozen=True, eq=False)
class Path:
    """A trajectory as it is drawn.

    Attributes:
        x: (points,) along ``axes[0]``, horizontal.
        y: (points,) along ``axes[1]``.
        dots: which points get a dot, evenly chosen.
        first, last: the steps at both ends.
        ends_here: the last point is the focus point.
    """

    x: Float64
    y: Float64
    dots: tuple[int, ...]
    first: int
    last: int
    ends_here: bool


def prepare_trajectory(slice_: Slice) -> tuple[Path | None, str]:
    """The path on a plane, from the view of its first focus point, and sentences about it."""
    trajectory = slice_.trajectory
    if trajectory is None:
        return None, ""
    x, y = trajectory.coordinates.astype(np.float64)
    steps = trajectory.steps
    path = Path(
        x=x,
        y=y,
        dots=tuple(evenly(range(steps.size), MOST_DOTS)),
        first=int(steps[0]),
        last=int(steps[-1]),
        ends_here=bool(np.hypot(x[-1], y[-1]) <= 1e-6 * max(np.ptp(x), np.ptp(y))),
    )
    explained = trajectory.explained
    ends = [axis.coordinates[[0, -1]] for axis in slice_.axes]
    outside = sum(
        not (ends[0][0] <= a <= ends[0][1] and ends[1][0] <= b <= ends[1][1])
        for a, b in zip(x, y, strict=True)
    )
    return path, sentences(
        f"The plane explains {_percent(explained)} of the path's motion."
        if math.isfinite(explained)
        else "The path of the parameters.",
        f"{outside} of its {steps.size} points lie outside." if outside else "",
    )


def _percent(share: float) -> str:
    # Rounded down, so that 100 % is said of nothing less.
    percent = math.floor(100 * share + 1e-9)
    return "less than 1 %" if percent == 0 and share > 0 else f"{percent} %"


def draw_trajectory(axes: Axes, path: Path, *, labels: bool = True) -> None:
    """A white line with dots in a black halo; a larger dot, and a word, at both ends."""
    from pysclice.visualization.figure import backed, with_halo

    # The plane stays the frame: what lies outside is cut off.
    axes.autoscale(False)
    (line,) = axes.plot(path.x, path.y, color="white", linewidth=1.2, zorder=3)
    with_halo(line, "black", 2.6)
    dots = list(path.dots)
    style: Any = {"color": "white", "markeredgecolor": "black", "linestyle": "", "zorder": 3.5}
    axes.plot(path.x[dots], path.y[dots], "o", markersize=2.6, markeredgewidth=0.6, **style)
    axes.plot(path.x[[0]], path.y[[0]], "o", markersize=5, markeredgewidth=0.8, **style)
    axes.plot(path.x[[-1]], path.y[[-1]], "s", markersize=5, markeredgewidth=0.8, **style)
    if not labels or path.first == path.last:
        return
    for at, step, other in ((0, path.first, -1), (-1, path.last, 0)):
        above = path.y[at] >= path.y[other]  # away from the other end
        label = axes.annotate(
            f"step {step}",
            (path.x[at], path.y[at]),
            (0, 7 if above else -7),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=7,
            color="white",
            annotation_clip=True,
            zorder=4,
            bbox=backed("black"),
        )
        label.set_in_layout(False)
