"""Slices made of slices: several joined into one, and one at other coordinates.

Nothing is measured anew. What is interpolated says so in its notes, and what slices disagree about
is an error, never a silent choice.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pysclice.slices import Axis, Float32, Float64, Mask, Slice, regular_coordinates

Along = Literal["lines", "focus points", "samples"]
DIMENSIONS: Mapping[str, int] = {"focus points": 0, "lines": 1, "samples": 2}

# Coordinates closer than this share of the span are one sample, reached by different roundings.
SAME_PLACE = 1e-9


def concatenate(slices: Iterable[Slice], along: Along = "lines") -> Slice:
    """One slice of several: their lines side by side, their focus points, or their samples.

    ==================  ====================================================================
    ``"lines"``         a bundle of all lines; same focus points and number of samples
    ``"focus points"``  the same axes at all focus points; lines, planes or spectra
    ``"samples"``       one line of all coordinates, in order; one line each along the same
                        direction; a coordinate that several have is kept once
    ==================  ====================================================================

    All need the same channels, mode and number of examples. Values at the same place, at a focus
    point that all have or at a coordinate that several have, must agree to 1e-5 of their size, as
    two measurements of one point do; the first one's stay. An evaluated value stays rather than
    an interpolated one.

    Standard errors are kept for channels of which all slices have them, and replicates where all
    have equally many groups and the same centers. A trajectory is kept where all slices and the
    result have the same axes and all have the same one. Evaluations and seconds are added up;
    step, epoch and wall time are those of the latest slice. Focus points of the same name from
    different steps get their step as part of the name.

    Notes that all slices have alike stay as they are. All others are kept for each slice, below the
    name of its axis (its focus point, its span), "first to last" where it has several, with a
    number where the name is taken. Only what a slice has noted below its axis's name already
    stays there.

    Args:
        slices: one slice or more, in the order of the result; for ``"samples"`` in any order.
        along: what is put one after the other.

    Raises:
        TypeError: something else than slices.
        ValueError: no slices, or slices that do not fit together; the message says which and why.

    Example:
        >>> one = surface.slice(ps.Line(ps.Random(seed=0), samples=13))
        >>> two = surface.slice(ps.Line(ps.Random(seed=1), samples=13))
        >>> ps.concatenate([one, two]).shape
        (1, 2, 13)
        >>> beyond = surface.slice(ps.Line(ps.Random(seed=0), span=(1, 2), samples=7))
        >>> longer = ps.concatenate([one, beyond], along="samples")
        >>> longer.axes[0].coordinates[-3:].round(2).tolist(), longer.shape
        ([1.67, 1.83, 2.0], (1, 1, 19))
    """
    parts = _check(slices, along)
    if len(parts) == 1:
        return parts[0]
    first, dimension = parts[0], DIMENSIONS[along]
    axes, order = first.axes, None
    if along == "lines":
        axes = tuple(axis for part in parts for axis in part.axes)
    elif along == "samples":
        coordinates, order = _merged_coordinates(parts)
        axes = (dataclasses.replace(first.axes[0], coordinates=coordinates),)

    def joined(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        # Replicates have the groups in front.
        whole = np.concatenate(arrays, axis=arrays[0].ndim - 3 + dimension)
        return whole if order is None else whole[..., order]

    evaluated = None
    if any(part.evaluated is not None for part in parts):
        evaluated = joined([_evaluated(part) for part in parts])

    def centers(arrays: Sequence[Float64]) -> Float64:
        return np.concatenate(arrays, axis=-1) if along == "focus points" else arrays[0]

    with_errors = [n for n in first.channels if all(n in part.errors for part in parts)]
    with_replicates = [n for n in first.channels if _same_groups(parts, n, along)]
    names = _focus_points(parts, along)
    latest = max(parts, key=lambda part: (part.step, part.wall_time))
    trajectory = first.trajectory
    if along == "lines" or any(not _same_trajectory(part, first) for part in parts):
        trajectory = None
    return dataclasses.replace(
        first,
        method=" + ".join(dict.fromkeys(part.method for part in parts)),
        axes=axes,
        values={n: joined([part.values[n] for part in parts]) for n in first.channels},
        center={n: centers([part.center[n] for part in parts]) for n in first.channels},
        series=first.series if len({part.series for part in parts}) == 1 else "",
        step=latest.step,
        epoch=latest.epoch,
        wall_time=latest.wall_time,
        focus_points=tuple(n for part in names for n in part) if dimension == 0 else names[0],
        evaluations=sum(part.evaluations for part in parts),
        seconds=sum(part.seconds for part in parts),
        notes=_merged_notes(parts, _labels(parts, names, along), along),
        errors={n: joined([part.errors[n] for part in parts]) for n in with_errors},
        replicates={n: joined([part.replicates[n] for part in parts]) for n in with_replicates},
        center_replicates={
            n: centers([part.center_replicates[n] for part in parts]) for n in with_replicates
        },
        trajectory=trajectory,
        evaluated=evaluated,
    )


def resample(
    slice_: Slice,
    samples: int | Sequence[int] | None = None,
    coordinates: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
) -> Slice:
    """The slice at other coordinates inside its span, on straight lines between its samples.

    On a plane the interpolation is bilinear. At a coordinate that the slice has, the value is taken
    to the bit; a grid that is a stride of the slice's own is ``slice_.coarsen``. Where a neighbor
    that has a part in it is not finite, the value is not either. Replicates are interpolated as
    the values are, so that the jackknife stays right. Standard errors are interpolated, too,
    which is no less than the standard error of the interpolated value, whatever the
    correlation of its neighbors (Minkowski's inequality). What the straight lines miss between
    samples is in none of them: ``notes["resampled"]`` says what was done. Of a slice that was
    sampled adaptively, what stood at a coordinate that was evaluated stays evaluated.

    Args:
        slice_: lines, a plane or a spectrum.
        samples: so many on each axis, evenly spaced from its first coordinate to its last; for a
            plane also a pair.
        coordinates: in multiples of the direction, increasing; for all lines of a bundle, for a
            plane a pair, one array for each axis.

    Raises:
        ValueError: neither samples nor coordinates or both, no pair for a plane, or coordinates
            that are not increasing or lie beyond the span.

    Example:
        >>> finer = ps.resample(line, samples=25)
        >>> finer.shape, finer.notes["resampled"]
        ((1, 1, 25), 'linear interpolation from 13 samples')
        >>> bool(finer.losses[0, 0, 0] == line.losses[0, 0, 0])
        True
        >>> ps.resample(plane, coordinates=([-0.5, 0, 0.5], [0, 1])).shape
        (1, 3, 2)
    """
    axes = _new_axes(slice_, samples, coordinates)
    pairs = list(zip(slice_.axes, axes, strict=True))
    if all(np.array_equal(old.coordinates, new.coordinates) for old, new in pairs):
        return slice_
    stride = _stride(slice_, axes)
    if stride is not None:
        result = slice_.coarsen(stride)
    else:

        def between(channels: Mapping[str, Float32]) -> dict[str, Float32]:
            return {name: _interpolated(slice_, axes, array) for name, array in channels.items()}

        result = dataclasses.replace(
            slice_,
            axes=axes,
            values=between(slice_.values),
            errors=between(slice_.errors),
            replicates=between(slice_.replicates),
            evaluated=None if slice_.evaluated is None else _kept_evaluated(slice_, axes),
        )
    said = _sentence(slice_, axes)
    if "resampled" in slice_.notes:
        said = f"{slice_.notes['resampled']}; then {said}"
    return dataclasses.replace(result, notes={**slice_.notes, "resampled": said})


# ---- concatenation ---------------------------------------------------------------------------


def _check(slices: Iterable[object], along: str) -> list[Slice]:
    """The slices, if they fit together."""
    parts = []
    for part in slices:
        if not isinstance(part, Slice):
            raise TypeError(f"Only slices can be concatenated, got {type(part).__name__}.")
        parts.append(part)
    if along not in DIMENSIONS:
        raise ValueError(
            f"Slices are concatenated along one of {tuple(DIMENSIONS)}, got {along!r}."
        )
    if not parts:
        raise ValueError("There is nothing to concatenate: give one slice or more.")
    first = parts[0]
    if along != "focus points" and first.kind != "lines":
        raise ValueError(
            f"Only lines are concatenated along {along}, but this slice is a {first.kind}. A "
            f"{first.kind} can be concatenated with others along 'focus points'."
        )
    for number, part in enumerate(parts):
        where = f"Slice {number} cannot be concatenated with slice 0 along {along}: it has"
        for what in ("kind", "channels", "mode", "examples"):
            ours, theirs = getattr(first, what), getattr(part, what)
            if ours != theirs:
                raise ValueError(f"{where} {what} {theirs!r}, slice 0 has {ours!r}.")
        if along == "focus points":
            _check_axes(first, part, where)
            continue
        if part.focus_points != first.focus_points:
            raise ValueError(
                f"{where} the focus points {part.focus_points}, slice 0 has {first.focus_points}."
            )
        for name in first.channels:
            if not np.isclose(part.center[name], first.center[name], equal_nan=True).all():
                raise ValueError(
                    f"{where} center values {part.center[name]} of {name!r}, slice 0 has "
                    f"{first.center[name]}: they were measured at other parameters or on other "
                    "examples. Slices of several parameters are concatenated along 'focus points'."
                )
        if along == "lines" and part.shape[2] != first.shape[2]:
            raise ValueError(
                f"{where} {part.shape[2]} samples, slice 0 has {first.shape[2]}. Bring them to "
                f"one number with resample(slice_, samples={first.shape[2]})."
            )
        if along == "samples":
            if len(part.axes) != 1:
                raise ValueError(f"{where} {len(part.axes)} lines instead of one.")
            _check_direction(first.axes[0], part.axes[0], where)
    return parts


def _check_axes(first: Slice, part: Slice, where: str) -> None:
    if len(part.axes) != len(first.axes):
        raise ValueError(f"{where} {len(part.axes)} axes, slice 0 has {len(first.axes)}.")
    for ours, theirs in zip(first.axes, part.axes, strict=True):
        _check_direction(ours, theirs, where)
        if not np.array_equal(ours.coordinates, theirs.coordinates):
            raise ValueError(
                f"{where} other coordinates on axis {theirs.name!r}: {theirs.samples} from "
                f"{theirs.coordinates[0]:g} to {theirs.coordinates[-1]:g}, slice 0 has "
                f"{ours.samples} from {ours.coordinates[0]:g} to {ours.coordinates[-1]:g}. Bring "
                "them to the same with resample."
            )


def _check_direction(ours: Axis, theirs: Axis, where: str) -> None:
    for what in ("name", "fingerprint"):
        if getattr(ours, what) != getattr(theirs, what):
            raise ValueError(
                f"{where} an axis with {what} {getattr(theirs, what)!r} where slice 0 has "
                f"{getattr(ours, what)!r}: the directions are not the same."
            )
    both_unknown = math.isnan(ours.length) and math.isnan(theirs.length)
    if not both_unknown and not math.isclose(ours.length, theirs.length, rel_tol=1e-6):
        raise ValueError(
            f"{where} axis {theirs.name!r} with length {theirs.length:g} where slice 0 has length "
            f"{ours.length:g}: their coordinates do not cover the same. Give the direction a "
            "normalization that does not depend on the focus point."
        )


def _merged_coordinates(parts: Sequence[Slice]) -> tuple[Float64, npt.NDArray[np.intp]]:
    """All coordinates in order, each once, and where they stand one slice after the other."""
    everything = np.concatenate([part.axes[0].coordinates for part in parts])
    order = np.argsort(everything, kind="stable")
    evaluated = np.concatenate([_evaluated(part) for part in parts], axis=-1)
    near = SAME_PLACE * float(np.ptp(everything))
    kept = [int(order[0])]
    for sample in order[1:].tolist():
        if everything[sample] - everything[kept[-1]] > near:
            kept.append(sample)
            continue
        both = evaluated[..., kept[-1]] & evaluated[..., sample]
        for name in parts[0].channels:
            values = np.concatenate([part.values[name] for part in parts], axis=-1)
            one, other = values[..., kept[-1]], values[..., sample]
            if not np.isclose(one, other, equal_nan=True)[both].all():
                raise ValueError(
                    f"The slices disagree about channel {name!r} at coordinate "
                    f"{everything[sample]:g}: {one.ravel()} and {other.ravel()}. They were "
                    "measured at other parameters, on other examples or along other directions."
                )
        if evaluated[..., sample].sum() > evaluated[..., kept[-1]].sum():
            kept[-1] = sample  # not the interpolated one
    where = np.array(kept)
    return everything[where], where


def _same_groups(parts: Sequence[Slice], name: str, along: Along) -> bool:
    if any(name not in part.replicates for part in parts):
        return False
    centers = [part.center_replicates[name] for part in parts]
    if len({len(center) for center in centers}) > 1:
        return False
    return along == "focus points" or all(
        np.isclose(center, centers[0], equal_nan=True).all() for center in centers
    )


def _same_trajectory(part: Slice, first: Slice) -> bool:
    one, other = part.trajectory, first.trajectory
    if one is None or other is None:
        return False
    return all(
        np.array_equal(getattr(one, what), getattr(other, what), equal_nan=True)
        for what in ("steps", "coordinates", "distances", "explained")
    )


def _focus_points(parts: Sequence[Slice], along: Along) -> list[tuple[str, ...]]:
    """Their names, with the step where names from different steps are the same."""
    names = [part.focus_points for part in parts]
    everything = [name for part in names for name in part]
    if along != "focus points" or len({part.step for part in parts}) == 1:
        return names
    return [
        tuple(
            f"{name}, step {part.step}" if everything.count(name) > 1 else name
            for name in part.focus_points
        )
        for part in parts
    ]


def _labels(
    parts: Sequence[Slice], focus_points: Sequence[tuple[str, ...]], along: Along
) -> list[str]:
    """A name for what each slice brings, every name once."""
    labels: list[str] = []
    for part, points in zip(parts, focus_points, strict=True):
        ends = {
            "lines": [part.axes[0].name, part.axes[-1].name],
            "focus points": [points[0], points[-1]],
            "samples": [f"{x:g}" for x in part.axes[0].coordinates[[0, -1]]],
        }[along]
        labels.append(_unused(ends[0] if ends[0] == ends[1] else " to ".join(ends), labels))
    return labels


def _unused(name: str, taken: Iterable[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


def _merged_notes(parts: Sequence[Slice], labels: Sequence[str], along: Along) -> dict[str, Any]:
    alike = {
        key: note
        for key, note in parts[0].notes.items()
        if all(key in part.notes and part.notes[key] == note for part in parts)
    }
    merged = dict(alike)
    axes = [axis.name for part in parts for axis in part.axes]
    for part, label in zip(parts, labels, strict=True):
        own = {key: note for key, note in part.notes.items() if key not in alike}
        # What a direction noted stands below its axis's name already.
        here = [
            axis.name
            for axis in part.axes
            if along == "lines" and axes.count(axis.name) == 1 and axis.name not in merged
        ]
        merged |= {name: own.pop(name) for name in here if name in own}
        if not own:
            continue
        there = merged.get(label)
        if label in here and isinstance(there, dict) and not own.keys() & there.keys():
            merged[label] = {**there, **own}
        else:
            merged[_unused(label, merged)] = own
    return merged


# ---- resampling ------------------------------------------------------------------------------


def _new_axes(
    slice_: Slice,
    samples: int | Sequence[int] | None,
    coordinates: npt.ArrayLike | Sequence[npt.ArrayLike] | None,
) -> tuple[Axis, ...]:
    if (samples is None) == (coordinates is None):
        raise ValueError("Give either samples=..., a number, or coordinates=..., an array.")
    given: Any = samples if coordinates is None else coordinates
    count = len(slice_.axes)
    if slice_.kind == "plane":
        if coordinates is None and np.ndim(given) == 0:
            given = (given, given)
        if not isinstance(given, Sequence | np.ndarray) or len(given) != 2:
            raise ValueError(
                f"A plane has two axes and needs a pair, one for each; got {given!r:.80}."
            )
    else:
        given = [given] * count
    if coordinates is None:
        new = [
            regular_coordinates(axis.coordinates[0], axis.coordinates[-1], number)
            for axis, number in zip(slice_.axes, given, strict=True)
        ]
    else:
        new = [np.asarray(wanted, dtype=np.float64) for wanted in given]
    axes = []
    for axis, wanted in zip(slice_.axes, new, strict=True):
        axes.append(dataclasses.replace(axis, coordinates=wanted))
        first, last = axis.coordinates[[0, -1]]
        if wanted[0] < first or wanted[-1] > last:
            raise ValueError(
                f"Axis {axis.name!r} was measured from {first:g} to {last:g}, but coordinates "
                f"from {wanted[0]:g} to {wanted[-1]:g} are asked for, and nothing is known "
                "beyond. Slice again with a wider span."
            )
    return tuple(axes)


def _stride(slice_: Slice, axes: Sequence[Axis]) -> int | None:
    """The stride of ``coarsen`` that gives these axes; None if there is none."""
    for samples in slice_.resolutions()[1:]:
        stride = (slice_.axes[0].samples - 1) // (samples - 1)
        if all(
            np.array_equal(old.coordinates[::stride], new.coordinates)
            for old, new in zip(slice_.axes, axes, strict=True)
        ):
            return stride
    return None


def _interpolated(slice_: Slice, axes: Sequence[Axis], array: Float32) -> Float32:
    """Values (..., the slice's shape) at the coordinates of other axes."""
    pairs = [(old.coordinates, new.coordinates) for old, new in zip(slice_.axes, axes, strict=True)]
    values = array.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # infinity minus infinity is NaN
        if slice_.kind == "plane":
            along_y = _between(values, *pairs[1])
            found = _between(along_y.swapaxes(-1, -2), *pairs[0]).swapaxes(-1, -2)
        else:
            lines = [_between(values[..., k, :], *pair) for k, pair in enumerate(pairs)]
            found = np.stack(lines, axis=-2)
        result: Float32 = found.astype(np.float32)
    return result


def _between(values: Float64, old: Float64, new: Float64) -> Float64:
    """Values (..., samples) at new coordinates of the last dimension."""
    right = np.searchsorted(old, new)
    left = np.maximum(right - 1, 0)
    # Not a weight of 1: the other neighbor may be infinite.
    measured = old[right] == new
    share = np.where(measured, 0.0, new - old[left]) / np.where(
        measured, 1.0, old[right] - old[left]
    )
    mixed = (1 - share) * values[..., left] + share * values[..., right]
    found: Float64 = np.where(measured, values[..., right], mixed)
    return found


def _evaluated(slice_: Slice) -> Mask:
    return np.ones(slice_.shape, np.bool_) if slice_.evaluated is None else slice_.evaluated


def _kept_evaluated(slice_: Slice, axes: Sequence[Axis]) -> Mask:
    """Which values at the coordinates of other axes are taken from evaluated samples."""
    places = [
        (
            np.searchsorted(old.coordinates, new.coordinates),
            np.isin(new.coordinates, old.coordinates),
        )
        for old, new in zip(slice_.axes, axes, strict=True)
    ]
    evaluated = _evaluated(slice_)
    if slice_.kind == "plane":
        (i, same_i), (j, same_j) = places
        kept: Mask = evaluated[:, i][:, :, j] & same_i[:, None] & same_j
        return kept
    return np.stack([evaluated[:, k, i] & same for k, (i, same) in enumerate(places)], axis=1)


def _sentence(slice_: Slice, axes: Sequence[Axis]) -> str:
    shown = slice(None) if slice_.kind == "plane" else slice(1)
    before = " x ".join(str(axis.samples) for axis in slice_.axes[shown])
    after = " x ".join(str(axis.samples) for axis in axes[shown])
    if all(
        np.isin(new.coordinates, old.coordinates).all()
        for old, new in zip(slice_.axes, axes, strict=True)
    ):
        return f"{after} of {before} samples"
    how = "bilinear" if slice_.kind == "plane" else "linear"
    return f"{how} interpolation from {before} samples"
