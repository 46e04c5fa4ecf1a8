"""What the views have in common before anything is drawn: plain numbers and words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from pysclice.slices import Axis, Float64, Mask, Slice

Scale = Literal["linear", "log"]
SCALES = ("linear", "log")
# By kind: how values are shown on a log scale that lie below what interpolation can tell.
BELOW_ALLOWED = {
    "lines": "Below that, interpolated values are not drawn on a log scale.",
    "plane": "Below that, a log scale shows one color.",
}
Z95 = 1.96  # standard errors to each side of an interval of 95 %

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Values over two axes.

    Attributes:
        x: (columns,) coordinates of the samples.
        y: (rows,) the same, upward.
        values: (rows, columns); NaN where there is nothing to show.
        x_label, y_label, title: words around it.
    """

    x: Float64
    y: Float64
    values: Float64
    x_label: str
    y_label: str
    title: str


def check_series(series: object) -> dict[int, Slice]:
    """Slices by step, in the order of the steps, all of one kind.

    Raises:
        TypeError: not a mapping from steps to slices.
        ValueError: it is empty, or holds slices of several kinds.
    """
    if not isinstance(series, Mapping) or not all(isinstance(s, Slice) for s in series.values()):
        raise TypeError(
            f"Expected a Slice or slices by step, got {type(series).__name__}. A series of a run "
            "is read_slices(logdir)[run][series]."
        )
    if not series:
        raise ValueError("This series holds no slices yet: there is nothing to plot.")
    ordered = {step: series[step] for step in sorted(series)}
    kinds = {slice_.kind for slice_ in ordered.values()}
    if len(kinds) > 1:
        raise ValueError(f"A series has slices of one kind, but this one has {sorted(kinds)}.")
    return ordered


def channel_of(slice_: Slice, channel: str | None) -> str:
    """The channel's name, the first one's if none is given."""
    if channel is None:
        return slice_.channels[0]
    if channel not in slice_.values:
        raise ValueError(
            f"The slice of step {slice_.step} has no channel {channel!r}; it has "
            f"{', '.join(map(repr, slice_.channels))}."
        )
    return channel


def check_number(what: str, number: int, count: int) -> int:
    """The number, if there are more than that many.

    Raises:
        ValueError: there are not.
    """
    if not 0 <= number < count:
        raise ValueError(f"This slice has {count} {what}s, counted from 0; got {number}.")
    return number


def chosen_focus_points(slice_: Slice, focus_point: int | None) -> tuple[int, ...]:
    """The one that was asked for, or all."""
    count = len(slice_.focus_points)
    if focus_point is None:
        return tuple(range(count))
    return (check_number("focus point", focus_point, count),)


def axis_unit(axis: Axis) -> str:
    """What a step of 1 along the axis means."""
    length = axis.length
    return f"in multiples of L2 length {length:.4g}" if math.isfinite(length) else "in multiples"


def axis_label(axis: Axis) -> str:
    """The direction's name and the unit of its coordinates, on two lines."""
    return f"{axis.name}\n{axis_unit(axis)}"


def title_of(slice_: Slice) -> str:
    """Which series and step this is; the method for a slice that was never logged."""
    return f"{slice_.series}, step {slice_.step}" if slice_.series else slice_.method


def showable(values: object, scale: Scale) -> Float64:
    """The values in float64, NaN where they are not finite or have no place on a log scale."""
    shown = np.array(values, dtype=np.float64)
    shown[~np.isfinite(shown)] = np.nan
    if scale == "log":
        shown[shown <= 0] = np.nan
    return shown


def band(values: Float64, errors: object, scale: Scale) -> tuple[Float64, Float64] | None:
    """The 95 % interval around showable values, both ends in their shape; None without errors.

    NaN where there is no value or no error. What would be zero or less on a log scale, which has no
    place for it, ends far below.
    """
    if errors is None:
        return None
    half = Z95 * np.asarray(errors, dtype=np.float64)
    low, high = values - half, values + half
    if scale == "log":
        low = np.where(low > 0, low, 1e-3 * values)
    return np.where(np.isfinite(half), low, np.nan), np.where(np.isfinite(half), high, np.nan)


def interpolation(
    slice_: Slice, channel: str, scale: Scale, evaluated: Mask | None, marked: str = ""
) -> str:
    """What is to be said about the values that were interpolated; empty if none were.

    Args:
        slice_: whose notes may say how well they are known.
        channel: which values.
        scale: how they are shown.
        evaluated: which of the values on the picture were evaluated.
        marked: how the picture shows these.
    """
    if evaluated is None or evaluated.all():
        return ""
    said = (
        f"{marked}{np.count_nonzero(evaluated):,} of {evaluated.size:,} points were evaluated, the "
        "others interpolated"
    )
    sampling: Any = slice_.notes.get("sampling")
    if not isinstance(sampling, Mapping) or "hold_outs" not in sampling:
        return f"{said}."
    if sampling["channel"] != channel:
        tested = sampling["hold_outs"]
        worst = 100 * tested["channels"][channel]["largest"]
        return f"{said}; the worst of {tested['count']} tested ones by {worst:.2g} % of the range."
    said += f" to {100 * sampling['tolerance']:g} % of the range (± {sampling['allowed']:.2g})."
    unknown = scale == "log" and np.any(slice_.values[channel] < sampling["allowed"])
    return sentences(said, BELOW_ALLOWED.get(slice_.kind, "") if unknown else "")


def allowed_error(slice_: Slice, channel: str) -> float:
    """How far off interpolated values of a channel may be, as noted; 0 where that is not known."""
    sampling: Any = slice_.notes.get("sampling")
    if slice_.evaluated is None or not isinstance(sampling, Mapping):
        return 0.0
    return float(sampling.get("allowed", 0.0)) if sampling.get("channel") == channel else 0.0


def sentences(*parts: str) -> str:
    """The sentences that say something, one after the other."""
    return " ".join(part for part in parts if part)


def with_error(value: float, error: object) -> str:
    """A number and its standard error, to two digits of the error: ``0.42 ± 0.13``."""
    if not isinstance(error, int | float) or not math.isfinite(error):
        return f"{value:.3g}"
    decimals = 1 - math.floor(math.log10(error)) if error > 0 else 3
    if abs(value) >= 1e6 or decimals > 6:
        return f"{value:.3g} ± {error:.2g}"
    decimals = max(0, decimals)
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def caption(values: Iterable[object], scale: Scale, shown_as: str = "hatched") -> str:
    """A sentence about the values that cannot be shown; empty if all can."""
    everything = np.concatenate([np.ravel(np.asarray(part, dtype=np.float64)) for part in values])
    finite = everything[np.isfinite(everything)]
    said = []
    if missing := everything.size - finite.size:
        said.append(f"{_of(missing, everything.size)} not finite ({shown_as}).")
    if scale == "log" and (below := int(np.count_nonzero(finite <= 0))):
        said.append(
            f"{_of(below, everything.size)} zero or negative, which a log scale cannot show "
            f"({shown_as})."
        )
    return sentences(*said)


def _of(count: int, total: int) -> str:
    return f"{count} of {total} values {'is' if count == 1 else 'are'}"


def limits(values: Iterable[Float64], scale: Scale) -> tuple[float, float]:
    """A range of colors that holds all showable values and is never empty."""
    everything = np.concatenate([np.ravel(part) for part in values])
    shown = everything[np.isfinite(everything)]
    if not shown.size:
        return (0.1, 1.0) if scale == "log" else (0.0, 1.0)
    low, high = float(shown.min()), float(shown.max())
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    if scale == "log":
        return low / 1.1, high * 1.1
    half = 0.1 * abs(low) or 1.0
    return low - half, high + half


def levels(low: float, high: float, scale: Scale, count: int = 8) -> list[float]:
    """Round numbers strictly inside a range, about ``count`` of them, to draw contours at."""
    if scale == "log" and high / low >= 30:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        digits: Sequence[int] = (1, 2, 5) if 3 * len(decades) <= 2 * count else (1,)
        stride = max(1, len(decades) * len(digits) // count) if digits == (1,) else 1
        found = [d * 10.0**power for power in decades[::stride] for d in digits]
    else:
        rough = (high - low) / count
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(d for d in (1, 2, 5, 10) if d * power >= 0.999 * rough)
        first, last = math.floor(low / step), math.ceil(high / step)
        found = [n * step for n in range(first, last + 1)]
    return [level for level in found if low < level < high]


def cell_edges(positions: Float64) -> Float64:
    """Borders (n + 1,) halfway between samples (n,); the outer cells are as wide as inside."""
    if positions.size == 1:
        return np.array([positions[0] - 0.5, positions[0] + 0.5])
    middle = (positions[1:] + positions[:-1]) / 2
    first, last = 2 * positions[0] - middle[0], 2 * positions[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]])


def missing_spans(coordinates: Float64, values: Float64) -> list[tuple[float, float]]:
    """Intervals around the samples that are NaN, joined where they touch."""
    edges = cell_edges(coordinates)
    spans: list[tuple[float, float]] = []
    for index in np.flatnonzero(np.isnan(values)).tolist():
        left, right = float(edges[index]), float(edges[index + 1])
        if spans and spans[-1][1] == left:
            spans[-1] = spans[-1][0], right
        else:
            spans.append((left, right))
    return spans


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, evenly chosen, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]
