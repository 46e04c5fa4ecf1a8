"""The view of a plane: a heatmap with contours, alone or side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from pysclice.slices import Slice
from pysclice.visualization.data import (
    Heatmap,
    Scale,
    axis_label,
    caption,
    channel_of,
    check_number,
    chosen_focus_points,
    evenly,
    limits,
    showable,
    title_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

MOST_PANELS = 6
# Coordinates are drawn in equal units unless a strip would come out of it.
MOST_ELONGATED = 4.0


def prepare_planes(
    slice_: Slice,
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int | None = None,
) -> tuple[list[Heatmap], str]:
    """A heatmap for each focus point, ``axes[0]`` horizontal, and a caption."""
    name = channel_of(slice_, channel)
    points = chosen_focus_points(slice_, focus_point)
    shown = evenly(points, MOST_PANELS)
    heatmaps = [_heatmap(slice_, name, point, scale, slice_.focus_points[point]) for point in shown]
    note = caption([slice_.values[name][point] for point in shown], scale)
    if len(shown) == 1:
        heatmaps = [_heatmap(slice_, name, shown[0], scale, title_of(slice_))]
    if len(shown) < len(points):
        note = f"{len(shown)} of {len(points)} focus points. {note}".strip()
    return heatmaps, note


def prepare_plane_series(
    series: Mapping[int, Slice],
    channel: str | None = None,
    scale: Scale = "linear",
    focus_point: int = 0,
) -> tuple[list[Heatmap], str]:
    """A heatmap for each of up to six steps, evenly chosen, and a caption."""
    steps = evenly(list(series), MOST_PANELS)
    name = channel_of(series[next(iter(series))], channel)
    raw, heatmaps = [], []
    for step in steps:
        slice_ = series[step]
        check_number("focus point", focus_point, len(slice_.focus_points))
        raw.append(slice_.values[channel_of(slice_, name)][focus_point])
        heatmaps.append(_heatmap(slice_, name, focus_point, scale, f"step {step}"))
    note = caption(raw, scale)
    if len({series[step].fingerprint for step in steps}) > 1:
        note = f"The directions are not the same at all steps. {note}".strip()
    return heatmaps, note


def _heatmap(slice_: Slice, channel: str, focus_point: int, scale: Scale, title: str) -> Heatmap:
    horizontal, vertical = slice_.axes
    return Heatmap(
        x=horizontal.coordinates,
        y=vertical.coordinates,
        values=showable(slice_.values[channel][focus_point].T, scale),
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
    heatmaps, note = prepare_planes(slice_, channel, scale, focus_point)
    several = title_of(slice_) if len(heatmaps) > 1 else ""
    return _draw(heatmaps, several, note, channel_of(slice_, channel), ax, scale)


def plot_plane_series(
    series: Mapping[int, Slice],
    channel: str | None,
    ax: Axes | None,
    scale: Scale,
    focus_point: int,
) -> Figure:
    """The figure of up to six steps."""
    heatmaps, note = prepare_plane_series(series, channel, scale, focus_point)
    first = next(iter(series.values()))
    title = first.series or first.method
    return _draw(heatmaps, title, note, channel_of(first, channel), ax, scale)


def _draw(
    heatmaps: Sequence[Heatmap],
    title: str,
    note: str,
    channel: str,
    ax: Axes | None,
    scale: Scale,
) -> Figure:
    from pysclice.visualization.figure import plain, root_figure, subplots, write_caption

    shared = limits([heatmap.values for heatmap in heatmaps], scale)
    if ax is not None:
        if len(heatmaps) > 1:
            raise ValueError(
                f"This view has {len(heatmaps)} panels and cannot be drawn into one ax. Choose a "
                "step or focus_point=0, or leave ax out."
            )
        mesh = _draw_panel(ax, heatmaps[0], shared, scale)
        root_figure(ax).colorbar(mesh, ax=ax, label=plain(channel))
        write_caption(ax, note)
        return root_figure(ax)
    size = (4.4, 3.6) if len(heatmaps) == 1 else (2.4, 2.6)
    with subplots(1, len(heatmaps), size, sharey=_same_rows(heatmaps)) as (figure, panels):
        for axes, heatmap in zip(panels[0], heatmaps, strict=True):
            mesh = _draw_panel(axes, heatmap, shared, scale)
        if len(heatmaps) > 1:
            for axes in panels[0]:
                axes.xaxis.label.set_fontsize(6)
                axes.yaxis.label.set_fontsize(6)
        for axes in panels[0][1:]:
            axes.set_ylabel("")
        figure.colorbar(mesh, ax=panels[0].tolist(), label=plain(channel))
        if title:
            figure.suptitle(plain(title), fontsize=9)
        write_caption(figure, note)
    return figure


def _same_rows(heatmaps: Sequence[Heatmap]) -> bool:
    return all(np.array_equal(heatmap.y, heatmaps[0].y) for heatmap in heatmaps)


def _draw_panel(
    axes: Axes, heatmap: Heatmap, limits_: tuple[float, float], scale: Scale
) -> ScalarMappable:
    from pysclice.visualization.figure import draw_contours, draw_heatmap

    mesh = draw_heatmap(axes, heatmap, limits_, scale)
    draw_contours(axes, heatmap, limits_, scale)
    if heatmap.x[0] <= 0 <= heatmap.x[-1] and heatmap.y[0] <= 0 <= heatmap.y[-1]:
        for color, width in (("black", 2.4), ("white", 1.2)):
            axes.plot([0.0], [0.0], "+", color=color, markersize=8, markeredgewidth=width)
    axes.set_aspect(aspect(heatmap))
    return mesh
