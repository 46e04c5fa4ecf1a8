"""The view of a spectrum: the density of eigenvalues, and the largest ones over steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pysclice.slices import Float64, Slice
from pysclice.visualization.data import (
    Scale,
    band,
    caption,
    channel_of,
    chosen_focus_points,
    evenly,
    missing_spans,
    sentences,
    showable,
    title_of,
    with_error,
)
from pysclice.visualization.line import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 7
# A density falls to nothing between eigenvalues; what is so much below its peak is not drawn.
LOWEST_SHARE = 1e-8


@dataclass(frozen=True, eq=False)
class SpectrumData:
    """What the view of a spectrum shows.

    Attributes:
        eigenvalues: (samples,) where the density is known.
        densities: one for each focus point.
        bottom: the lowest density that is drawn.
        ticks: eigenvalues that are known one by one.
        missing: intervals in which a density is not finite.
        x_label, title, note: words around it.
    """

    eigenvalues: Float64
    densities: tuple[Curve, ...]
    bottom: float
    ticks: tuple[float, ...]
    missing: tuple[tuple[float, float], ...]
    x_label: str
    title: str
    note: str


def prepare_spectrum(
    slice_: Slice,
    channel: str | None = None,
    scale: Scale = "log",
    focus_point: int | None = None,
) -> SpectrumData:
    """The density at each focus point, and the eigenvalues and the trace that the slice notes."""
    name = channel_of(slice_, channel)
    points = chosen_focus_points(slice_, focus_point)
    shown = evenly(points, MOST_CURVES)
    x = slice_.axes[0].coordinates
    errors = slice_.errors.get(name)
    densities = []
    for point in shown:
        # Zero is no missing value, but below everything that is drawn.
        values = showable(slice_.values[name][point, 0], "linear")
        densities.append(
            Curve(
                name=slice_.focus_points[point] if len(points) > 1 else title_of(slice_),
                values=values,
                center=math.nan,
                band=band(values, None if errors is None else errors[point, 0], "linear"),
            )
        )
    everything = np.concatenate([curve.values for curve in densities])
    positive = everything[everything > 0]
    bottom = 0.0
    if scale == "log":
        peak = float(positive.max()) if positive.size else 1.0
        lowest = float(positive.min()) if positive.size else 0.1
        bottom = max(lowest, LOWEST_SHARE * peak) if lowest < peak else peak / 10
    ticks = noted_eigenvalues(slice_) if 0 in shown else ()
    trace = slice_.notes.get("trace")
    return SpectrumData(
        eigenvalues=x,
        densities=tuple(densities),
        bottom=bottom,
        ticks=ticks,
        missing=tuple(missing_spans(x, np.sum([curve.values for curve in densities], axis=0))),
        x_label=x_label_of(slice_),
        title=title_of(slice_),
        note=sentences(
            f"{len(shown)} of {len(points)} focus points." if len(shown) < len(points) else "",
            f"Trace {with_error(float(trace), slice_.notes.get('trace_error'))}."
            if isinstance(trace, int | float) and 0 in shown
            else "",
            f"Ticks: {_count(len(ticks), 'eigenvalue')}, from {min(ticks):.3g} to {max(ticks):.3g}."
            if ticks
            else "",
            "" if errors is None else "Band: 95 % interval.",
            caption([slice_.values[name][shown, 0]], "linear"),
        ),
    )


def x_label_of(slice_: Slice) -> str:
    """The axis's name, and of which matrix the eigenvalues are."""
    matrix = slice_.notes.get("matrix")
    name = slice_.axes[0].name
    return f"{name} ({matrix})" if isinstance(matrix, str) else name


def noted_eigenvalues(slice_: Slice) -> tuple[float, ...]:
    """The finite eigenvalues that a slice notes, largest first."""
    noted = slice_.notes.get("eigenvalues")
    found = noted if isinstance(noted, list | tuple) else ()
    return tuple(
        sorted(float(e) for e in found if isinstance(e, int | float) and math.isfinite(e))[::-1]
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@dataclass(frozen=True, eq=False)
class EigenvaluesData:
    """What the view of a series of spectra shows.

    Attributes:
        steps: (steps,).
        eigenvalues: (ranks, steps), largest first; NaN where fewer were found.
        linear_below: the scale of values is linear up to this magnitude, 0 for a log scale, and
            NaN for a linear one.
        y_label, title, note: words around it.
    """

    steps: Float64
    eigenvalues: Float64
    linear_below: float
    y_label: str
    title: str
    note: str


def prepare_spectrum_series(series: Mapping[int, Slice], scale: Scale = "log") -> EigenvaluesData:
    """The eigenvalues that the slices note, over the steps.

    Raises:
        ValueError: no slice notes any.
    """
    found = {step: noted_eigenvalues(slice_) for step, slice_ in series.items()}
    ranks = max(map(len, found.values()))
    if not ranks:
        raise ValueError(
            "The spectra of this series note no eigenvalues, which would be drawn over the steps. "
            "Plot the spectrum of a single step."
        )
    table = np.full((ranks, len(found)), np.nan)
    for column, eigenvalues in enumerate(found.values()):
        table[: len(eigenvalues), column] = eigenvalues
    first = next(iter(series.values()))
    magnitudes = np.abs(table[np.isfinite(table) & (table != 0)])
    linear_below = math.nan
    if scale == "log" and magnitudes.size:
        everywhere_positive = not np.any(table <= 0)
        largest, smallest = float(magnitudes.max()), float(magnitudes.min())
        linear_below = 0.0 if everywhere_positive else max(smallest, 1e-2 * largest)
    return EigenvaluesData(
        steps=np.array(list(found), dtype=np.float64),
        eigenvalues=table,
        linear_below=linear_below,
        y_label=x_label_of(first),
        title=first.series or first.method,
        note=f"{ranks} eigenvalues at each step, the largest is the darkest." if ranks > 1 else "",
    )


def draw_spectrum(axes: Axes, data: SpectrumData, scale: Scale) -> None:
    """Filled densities, and a tick above the axis at each known eigenvalue."""
    from pysclice.visualization.figure import GRAY, HATCH, PALE, plain, set_log

    if scale == "log":
        set_log(axes)
    for left, right in data.missing:
        axes.axvspan(left, right, facecolor=PALE, edgecolor=GRAY, hatch=HATCH, lw=0, zorder=0)
    several = len(data.densities) > 1
    top = data.bottom
    for density in data.densities:
        shown = np.fmax(density.values, data.bottom)
        (drawn,) = axes.plot(data.eigenvalues, shown, linewidth=1.1, label=plain(density.name))
        color, faint = drawn.get_color(), 0.12 if several else 0.3
        axes.fill_between(
            data.eigenvalues, data.bottom, shown, color=color, alpha=faint, linewidth=0
        )
        if density.band is not None:
            low, high = (np.fmax(end, data.bottom) for end in density.band)
            axes.fill_between(data.eigenvalues, low, high, color=color, alpha=0.25, linewidth=0)
            top = max(top, float(np.nanmax(high, initial=data.bottom)))
        top = max(top, float(np.nanmax(shown, initial=data.bottom)))
    axes.plot(
        data.ticks,
        [0.025] * len(data.ticks),
        "|",
        transform=axes.get_xaxis_transform(),
        color="#D55E00",
        markersize=8,
        markeredgewidth=1.3,
        zorder=3,
    )
    if top > data.bottom:
        axes.set_ylim(data.bottom, 2 * top if scale == "log" else 1.05 * top)
    axes.set_xlabel(plain(data.x_label))
    axes.set_ylabel("density")
    if several:
        axes.legend()


def draw_eigenvalues(axes: Axes, data: EigenvaluesData) -> None:
    """A line for each rank, from dark for the largest to light."""
    from matplotlib import colormaps

    from pysclice.visualization.figure import plain, set_log

    if data.linear_below == 0:
        set_log(axes)
    elif data.linear_below > 0:
        axes.set_yscale("symlog", linthresh=data.linear_below)
        axes.axhline(0.0, color="0.6", linewidth=0.7, zorder=0)
    ranks = len(data.eigenvalues)
    for rank, eigenvalues in enumerate(data.eigenvalues):
        axes.plot(
            data.steps,
            eigenvalues,
            marker=".",
            markersize=4,
            color=colormaps["viridis"](0.85 * rank / max(1, ranks - 1)),
        )
    axes.set_xlabel("step")
    axes.set_ylabel(plain(data.y_label))


def plot_spectrum(
    slice_: Slice, channel: str | None, ax: Axes | None, scale: Scale, focus_point: int | None
) -> Figure:
    """The figure of one spectrum."""
    from pysclice.visualization.figure import single

    data = prepare_spectrum(slice_, channel, scale, focus_point)
    with single(ax, (4.2, 2.9), data.title, data.note) as (figure, axes):
        draw_spectrum(axes, data, scale)
    return figure


def plot_spectrum_series(series: Mapping[int, Slice], ax: Axes | None, scale: Scale) -> Figure:
    """The figure of the eigenvalues over the steps."""
    from pysclice.visualization.figure import single

    data = prepare_spectrum_series(series, scale)
    with single(ax, (4.2, 2.9), data.title, data.note) as (figure, axes):
        draw_eigenvalues(axes, data)
    return figure
