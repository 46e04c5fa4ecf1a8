"""The view of a plane as a surface in three dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pysclice.slices import Float64, Slice
from pysclice.visualization.data import (
    Heatmap,
    Scale,
    channel_of,
    levels,
    limits,
    title_of,
)
from pysclice.visualization.plane import Panel, check_ax, prepare_plane_series, prepare_planes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX = (4, 4, 3)


def prepare_cells(heatmap: Heatmap, scale: Scale) -> tuple[Float64, Float64]:
    """Corners (cells, 4, 3) of all cells whose four samples can be shown; their mean heights.

    Heights are values, or their decimal logarithms on a log scale.
    """
    heights = np.log10(heatmap.values) if scale == "log" else heatmap.values
    x, y = np.meshgrid(heatmap.x, heatmap.y)
    points = np.stack([x, y, heights], axis=-1)  # (rows, columns, 3)
    corners = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    cells: Float64 = corners.reshape(-1, 4, 3)
    cells = cells[np.isfinite(cells).all(axis=(1, 2))]
    return cells, cells[:, :, 2].mean(axis=1)


def plot_relief(
    slice_: Slice, channel: str | None, ax: Axes | None, scale: Scale, focus_point: int | None
) -> Figure:
    """The figure of one plane, or of the planes at several focus points."""
    panels, note = prepare_planes(slice_, channel, scale, focus_point, relief=True)
    return _draw(panels, title_of(slice_), note, channel_of(slice_, channel), ax, scale)


def plot_relief_series(
    series: Mapping[int, Slice],
    channel: str | None,
    ax: Axes | None,
    scale: Scale,
    focus_point: int,
) -> Figure:
    """The figure of up to six steps."""
    panels, note = prepare_plane_series(series, channel, scale, focus_point, relief=True)
    first = next(iter(series.values()))
    return _draw(panels, first.series or first.method, note, channel_of(first, channel), ax, scale)


def _draw(
    panels: Sequence[Panel],
    title: str,
    note: str,
    channel: str,
    ax: Axes | None,
    scale: Scale,
) -> Figure:
    from pysclice.visualization.figure import plain, single, subplots, write_caption

    shared = limits([panel.heatmap.values for panel in panels], scale)
    check_ax(ax, panels)
    if ax is not None and ax.name != "3d":
        raise ValueError(
            "A relief needs axes in three dimensions; these have two. Make them with "
            "figure.add_subplot(projection='3d'), or leave ax out."
        )
    options = {"subplot_kw": {"projection": "3d"}}
    if len(panels) == 1:
        axes: Any  # those in three dimensions carry no types
        with single(ax, (4.6, 3.9), title, note, **options) as (figure, axes):
            draw_relief(axes, panels[0].heatmap, shared, scale, zoom=0.95)
            axes.set_zlabel(plain(channel), labelpad=1)
        return figure
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    with subplots(rows, columns, (3.0, 2.7), **options) as (figure, grid):
        for axes, panel in zip(grid.flat, panels, strict=False):
            draw_relief(axes, panel.heatmap, shared, scale, zoom=0.86)
            axes.set_title(plain(panel.heatmap.title), pad=0)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        # Beside small axes there is no room for the name of the heights.
        figure.suptitle(plain(f"{title}: {channel}"), fontsize=9)
        write_caption(figure, note)
    return figure


def draw_relief(
    axes: Any, heatmap: Heatmap, limits_: tuple[float, float], scale: Scale, *, zoom: float
) -> None:
    """Colored and shaded cells; a cell with a sample that cannot be shown is left out."""
    from matplotlib import colormaps
    from matplotlib.colors import LightSource, Normalize
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    from pysclice.visualization.figure import plain

    cells, heights = prepare_cells(heatmap, scale)
    low, high = (math.log10(end) if scale == "log" else end for end in limits_)
    if len(cells):
        x, y = np.ptp(heatmap.x), np.ptp(heatmap.y)
        # Shaded as it is seen: in a box, whatever the units.
        seen = cells / np.array([x, y, high - low]) * BOX
        shade = LightSource(azdeg=225, altdeg=50).shade_normals(_normals(seen), fraction=0.7)
        colors = colormaps["viridis"](Normalize(low, high)(heights))
        colors[:, :3] *= (0.75 + 0.25 * shade)[:, None]
        faces = Poly3DCollection(cells, facecolors=colors, edgecolors=colors, linewidths=0.15)
        axes.add_collection3d(faces)
    axes.set(
        xlim=heatmap.x[[0, -1]] if heatmap.x.size > 1 else None,
        ylim=heatmap.y[[0, -1]] if heatmap.y.size > 1 else None,
        zlim=(low, high),
    )
    if scale == "log":
        ticks = levels(*limits_, scale, count=6)
        labels = [f"{level:.4g}".replace("e+0", "e").replace("e-0", "e-") for level in ticks]
        axes.set_zticks([math.log10(level) for level in ticks], labels)
    axes.set_xlabel(plain(heatmap.x_label.partition("\n")[0]), labelpad=-3)
    axes.set_ylabel(plain(heatmap.y_label.partition("\n")[0]), labelpad=-3)
    axes.view_init(elev=32, azim=-55)
    axes.set_box_aspect(BOX, zoom=zoom)
    # Where both axes meet there is room for one number.
    axes.locator_params(axis="x", nbins=4, prune="upper")
    axes.locator_params(axis="y", nbins=4)
    axes.tick_params(axis="x", pad=-2)
    axes.tick_params(axis="y", pad=-2)
    axes.tick_params(axis="z", pad=2)


def _normals(cells: Float64) -> Float64:
    """(cells, 3), pointing up, from both diagonals."""
    found: Float64 = np.cross(cells[:, 2] - cells[:, 0], cells[:, 3] - cells[:, 1])
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found
