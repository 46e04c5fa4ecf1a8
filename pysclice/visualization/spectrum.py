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
    check_number,
    chosen_focus_points,
    evenly,
    missing_spans,
    sentences,
    showable,
    title_of,
    with_error,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 7
# A density falls to nothing between eigenvalues; what is so much below its peak is not drawn.
LOWEST_SHARE = 1e-8


@dataclass(frozen=True, eq=False)
class Density:
    """The spectrum at one focus point.

    Attributes:
        name: what a legend calls it.
        values: (samples,); NaN where there is nothing to show.
        band: (samples,) low and high end of 95 % intervals, where errors were measured.
        ticks: eigenvalues that are known one by one.
    """

    name: str
    values: Float64
    band: tuple[Float64, Float64] | None
    ticks: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class SpectrumData:
    """What the view of a spectrum shows.

    Attributes:
        eigenvalues: (samples,) where the density is known.
        densities: one for each focus point.
        bottom: the lowest density that is drawn.
        missing: intervals in which a density is not finite.
        x_label, title, note: words around it.
    """

    eigenvalues: Float64
    densities: tuple[Density, ...]
    bottom: float
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
    """The density at each focus point, and the eigenvalues and traces that the slice notes."""
    name = channel_of(slice_, channel)
    points = chosen_focus_points(slice_, focus_point)
    shown = evenly(points, MOST_CURVES)
    several = len(shown) > 1
    x = slice_.axes[0].coordinates
    errors = slice_.errors.get(name)
    densities = []
    for point in shown:
        # Zero is no missing value, but below everything that is drawn.
        values = showable(slice_.values[name][point, 0], "linear")
        known = (slice_.focus_points[point], trace_of(slice_, point)) if several else ()
        densities.append(
            Density(
                name=": ".join(part for part in known if part) or title_of(slice_),
                values=values,
                band=band(values, None if errors is None else errors[point, 0], "linear"),
                ticks=eigenvalues_of(slice_, point),
            )
        )
    ticks = [tick for density in densities for tick in density.ticks]
    trace = "" if several else trace_of(slice_, shown[0])
    return SpectrumData(
        eigenvalues=x,
        densities=tuple(densities),
        bottom=_bottom(np.concatenate([d.values for d in densities])) if scale == "log" else 0.0,
        missing=tuple(missing_spans(x, np.sum([d.values for d in densities], axis=0))),
        x_label=x_label_of(slice_),
        title=title_of(slice_),
        note=sentences(
            f"{len(shown)} of {len(points)} focus points." if len(shown) < len(points) else "",
            f"{trace[:1].upper()}{trace[1:]}." if trace else "",
            f"Ticks: {_count(len(ticks), 'eigenvalue')}, from {min(ticks):.3g} to {max(ticks):.3g}."
            if ticks
            else "",
            "" if errors is None else "Band: 95 % interval.",
            caption([slice_.values[name][shown, 0]], "linear"),
        ),
    )


def _bottom(densities: Float64) -> float:
    """Where a log scale begins: at the lowest density, but not too far below the peak."""
    positive = densities[densities > 0]
    if not positive.size:
        return 0.1
    lowest, peak = float(positive.min()), float(positive.max())
    return max(lowest, LOWEST_SHARE * peak) if lowest < peak else peak / 10


def _noted(slice_: Slice, what: str, point: int) -> object:
    """What a slice notes of one focus point: a list has an entry for each if there are several."""
    noted = slice_.notes.get(what)
    if len(slice_.focus_points) == 1:
        return noted
    return noted[point] if isinstance(noted, list | tuple) and point < len(noted) else None


def trace_of(slice_: Slice, point: int) -> str:
    """The noted trace at a focus point with its error, in words; empty if there is none."""
    trace = _noted(slice_, "trace", point)
    if not isinstance(trace, int | float):
        return ""
    return f"trace {with_error(float(trace), _noted(slice_, 'trace_error', point))}"


def eigenvalues_of(slice_: Slice, point: int) -> tuple[float, ...]:
    """The finite eigenvalues that a slice notes of a focus point, largest first."""
    noted = _noted(slice_, "eigenvalues", point)
    found = noted if isinstance(noted, list | tuple) else ()
    return tuple(
        sorted(float(e) for e in found if isinstance(e, int | float) and math.isfinite(e))[::-1]
    )


def x_label_of(slice_: Slice) -> str:
    """The axis's name, and of which matrix the eigenvalues are."""
    matrix = slice_.notes.get("matrix")
    name = slice_.axes[0].name
    return f"{name} ({matrix})" if isinstance(matrix, str) else name


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


def prepare_spectrum_series(
    series: Mapping[int, Slice], scale: Scale = "log", focus_point: int = 0
) -> EigenvaluesData:
    """The eigenvalues that the slices note of a focus point, over the steps.

    Raises:
        ValueError: no slice notes any.
    """
    found = {}
    for step, slice_ in series.items():
        check_number("focus point", focus_point, len(slice_.focus_points))
        found[step] = eigenvalues_of(slice_, focus_point)
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
    """Filled densities, and ticks above the axis at the known eigenvalues."""
    from pysclice.visualization.figure import COLORS, GRAY, HATCH, PALE, plain, set_log

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
            density.ticks,
            [0.025] * len(density.ticks),
            "|",
            transform=axes.get_xaxis_transform(),
            color=color if several else COLORS[1],
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


def plot_spectrum_series(
    series: Mapping[int, Slice], ax: Axes | None, scale: Scale, focus_point: int
) -> Figure:
    """The figure of the eigenvalues over the steps."""
    from pysclice.visualization.figure import single

    data = prepare_spectrum_series(series, scale, focus_point)
    with single(ax, (4.2, 2.9), data.title, data.note) as (figure, axes):
        draw_eigenvalues(axes, data)
    return figure
