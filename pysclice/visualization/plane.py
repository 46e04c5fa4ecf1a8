"""The view of a plane: a heatmap with contours, alone or side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pysclice.slices import Float64, Slice
from pysclice.visualization.data import (
    Heatmap,
    Scale,
    allowed_error,
    axis_label,
    caption,
    channel_of,
    check_number,
    chosen_focus_points,
    evenly,
    interpolation,
    limits,
    sentences,
    showable,
    title_of,
)
from pysclice.visualization.trajectory import Path, draw_trajectory, prepare_trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

MOST_PANELS = 6
DOTS = "Dots: "
# Coordinates are drawn in equal units unless a strip would come out of it.
MOST_ELONGATED = 4.0


@dataclass(frozen=True, eq=False)
class Panel:
    """One plane of a figure.

    Attributes:
        heatmap: its values.
        path: the path of the parameters, if it is known there.
        evaluated: (points, 2) where values were evaluated, if others were interpolated.
        allowed: how far off the others may be.
    """

    heatmap: Heatmap
    path: Path | None = None
    evaluated: Float64 | None = None
    allowed: float = 0.0


def prepare_planes(
    slice_: Slice,
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int | None = None,
    *,
    relief: bool = False,
) -> tuple[list[Panel], str]:
    """A panel for each focus point, ``axes[0]`` horizontal, and a caption.

    A relief shows no path, which hills would hide.
    """
    name = channel_of(slice_, channel)
    points = chosen_focus_points(slice_, focus_point)
    shown = evenly(points, MOST_PANELS)
    path, said = prepare_trajectory(slice_) if 0 in shown and not relief else (None, "")
    panels = [
        Panel(
            _heatmap(
                slice_,
                name,
                point,
                scale,
                slice_.focus_points[point] if len(shown) > 1 else title_of(slice_),
            ),
            path if point == 0 else None,
            _evaluated(slice_, point),
            allowed_error(slice_, name),
        )
        for point in shown
    ]
    thinned = len(shown) < len(points)
    evaluated = None if slice_.evaluated is None else slice_.evaluated[shown]
    return panels, sentences(
        f"{len(shown)} of {len(points)} focus points." if thinned else "",
        said,
        interpolation(slice_, name, scale, evaluated, "" if relief else DOTS),
        caption([slice_.values[name][point] for point in shown], scale, _shown_as(relief)),
    )


def prepare_plane_series(
    series: Mapping[int, Slice],
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int = 0,
    *,
    relief: bool = False,
) -> tuple[list[Panel], str]:
    """A panel for each of up to six steps, evenly chosen, and a caption."""
    steps = evenly(list(series), MOST_PANELS)
    name = channel_of(series[next(iter(series))], channel)
    raw, panels = [], []
    for step in steps:
        slice_ = series[step]
        check_number("focus point", focus_point, len(slice_.focus_points))
        raw.append(slice_.values[channel_of(slice_, name)][focus_point])
        path = prepare_trajectory(slice_)[0] if focus_point == 0 and not relief else None
        heatmap = _heatmap(slice_, name, focus_point, scale, f"step {step}")
        known = _evaluated(slice_, focus_point), allowed_error(slice_, name)
        panels.append(Panel(heatmap, path, *known))
    sparse = any(panel.evaluated is not None for panel in panels)
    moved = len({series[step].fingerprint for step in steps}) > 1
    return panels, sentences(
        "The directions are not the same at all steps." if moved else "",
        f"{'' if relief else DOTS}evaluated; between them values are interpolated."
        if sparse
        else "",
        caption(raw, scale, _shown_as(relief)),
    )


def _evaluated(slice_: Slice, focus_point: int) -> Float64 | None:
    if slice_.evaluated is None or slice_.evaluated[focus_point].all():
        return None
    where = np.nonzero(slice_.evaluated[focus_point])
    pairs = zip(slice_.axes, where, strict=True)
    return np.stack([axis.coordinates[which] for axis, which in pairs], axis=1)


def _shown_as(relief: bool) -> str:
    return "left out" if relief else "hatched"


def _heatmap(slice_: Slice, channel: str, focus_point: int, scale: Scale, title: str) -> Heatmap:
    horizontal, vertical = slice_.axes
    values = slice_.values[channel][focus_point]
    if slice_.evaluated is not None and scale == "log":
        # A logarithm would blow up what is within the tolerance.
        values = np.maximum(values, allowed_error(slice_, channel))
    return Heatmap(
        x=horizontal.coordinates,
        y=vertical.coordinates,
        values=showable(values.T, scale),
        x_label=axis_label(horizontal),
        y_label=axis_label(vertical),
        title=title,
    )


def aspect(heatmap: Heatmap) -> Literal["equal", "auto"]:
    """``"equal"``, or ``"auto"`` where one axis is so much longer that nothing could be seen."""
    spans = float(np.ptp(heatmap.x)), float(np.ptp(heatmap.y))
    return "equal" if max(spans) <= MOST_ELONGATED * min(spans) else "auto"


def plot_plane(
    slice_: Slice, channel: str | None, ax: Axes | None, scale: Scale, focus_point: int | None
) -> Figure:
    """The figure of one plane, or of the planes at several focus points."""
    panels, note = prepare_planes(slice_, channel, scale, focus_point)
    several = title_of(slice_) if len(panels) > 1 else ""
    return _draw(panels, several, note, channel_of(slice_, channel), ax, scale)


def plot_plane_series(
    series: Mapping[int, Slice],
    channel: str | None,
    ax: Axes | None,
    scale: Scale,
    focus_point: int,
) -> Figure:
    """The figure of up to six steps."""
    panels, note = prepare_plane_series(series, channel, scale, focus_point)
    first = next(iter(series.values()))
    title = first.series or first.method
    return _draw(panels, title, note, channel_of(first, channel), ax, scale)


def check_ax(ax: Axes | None, panels: Sequence[Panel]) -> None:
    """Nothing, unless several panels should go into one pair of axes.

    Raises:
        ValueError: they should.
    """
    if ax is not None and len(panels) > 1:
        raise ValueError(
            f"This view has {len(panels)} panels and cannot be drawn into one ax. Choose a step "
            "or focus_point=0, or leave ax out."
        )


def _draw(
    panels: Sequence[Panel],
    title: str,
    note: str,
    channel: str,
    ax: Axes | None,
    scale: Scale,
) -> Figure:
    from pysclice.visualization.figure import (
        draw_colorbar,
        plain,
        single,
        subplots,
        write_caption,
    )

    heatmaps = [panel.heatmap for panel in panels]
    shared = limits([heatmap.values for heatmap in heatmaps], scale)
    check_ax(ax, panels)
    if len(panels) == 1:
        with single(ax, (4.4, 3.6), heatmaps[0].title, note) as (figure, axes):
            mesh = _draw_panel(axes, panels[0], shared, scale)
            draw_colorbar(figure, mesh, axes, channel)
        return figure
    with subplots(1, len(panels), (2.4, 2.6), sharey=_same_rows(heatmaps)) as (figure, grid):
        for axes, panel in zip(grid[0], panels, strict=True):
            mesh = _draw_panel(axes, panel, shared, scale, labels=False)
            axes.xaxis.label.set_fontsize(6)
            axes.yaxis.label.set_fontsize(6)
        for axes in grid[0][1:]:
            axes.set_ylabel("")
        draw_colorbar(figure, mesh, grid[0].tolist(), channel)
        if title:
            figure.suptitle(plain(title), fontsize=9)
        write_caption(figure, note)
    return figure


def _same_rows(heatmaps: Sequence[Heatmap]) -> bool:
    return all(np.array_equal(heatmap.y, heatmaps[0].y) for heatmap in heatmaps)


def _draw_panel(
    axes: Axes,
    panel: Panel,
    limits_: tuple[float, float],
    scale: Scale,
    *,
    labels: bool = True,
) -> ScalarMappable:
    from pysclice.visualization.figure import draw_contours, draw_heatmap

    heatmap = panel.heatmap
    mesh = draw_heatmap(axes, heatmap, limits_, scale)
    low, high = limits_
    # Contours at values below the tolerance would be drawings of the interpolation.
    lowest = max(low, panel.allowed) if scale == "log" else low
    if lowest < high:
        draw_contours(axes, heatmap, (lowest, high), scale)
    path = panel.path
    on_plane = heatmap.x[0] <= 0 <= heatmap.x[-1] and heatmap.y[0] <= 0 <= heatmap.y[-1]
    if on_plane and (path is None or not path.ends_here):
        for color, width in (("black", 2.4), ("white", 1.2)):
            axes.plot([0.0], [0.0], "+", color=color, markersize=8, markeredgewidth=width)
    if path is not None:
        draw_trajectory(axes, path, labels=labels)
    if panel.evaluated is not None:
        x, y = panel.evaluated.T
        (dots,) = axes.plot(x, y, "o", color="white", markersize=1.7)
        dots.set(markeredgecolor="black", markeredgewidth=0.35)
    axes.set_aspect(aspect(heatmap))
    return mesh
