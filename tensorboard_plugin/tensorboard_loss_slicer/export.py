"""Slices as files for other programs: CSV, JSON and NumPy."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from pysclice.slices import ProjectedTrajectory, Slice

# A value takes 4 bytes in a record and up to 100 in a text.
MAX_TEXT_VALUES = 1_000_000


class Found(NamedTuple):
    """A slice, and the run and the attempt that it belongs to."""

    run: str
    attempt: str
    slice_: Slice


def to_csv(found: Sequence[Found]) -> bytes:
    """One line a value, with the columns that ``http_api.md`` lists.

    Raises:
        ValueError: too many values for a text.
    """
    _check_size(found)
    channels = list(dict.fromkeys(name for f in found for name in f.slice_.channels))
    coordinates = ["x", "y"] if any(f.slice_.kind == "plane" for f in found) else ["x"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    estimated = [name for name in channels if any(name in f.slice_.errors for f in found)]
    measured = [*channels, *(f"{name} standard error" for name in estimated)]
    columns = ["run", "series", "step", "focus_point", "line", *coordinates, *measured]
    sparse = any(f.slice_.evaluated is not None for f in found)
    columns += ["evaluated"] if sparse else []
    writer.writerow(map(_cell, columns))
    for f in found:
        arrays = [f.slice_.values.get(name) for name in channels]
        arrays += [f.slice_.errors.get(name) for name in estimated]
        arrays += [_evaluated(f.slice_)] if sparse else []
        writer.writerows(_rows(f, len(coordinates), arrays))
    return text.getvalue().encode("utf-8", errors="replace")


def _evaluated(slice_: Slice) -> Any:
    """1 where a value was evaluated, 0 where it was interpolated."""
    mask = slice_.evaluated
    return np.ones(slice_.shape, np.uint8) if mask is None else mask.astype(np.uint8)


def _rows(found: Found, dimensions: int, columns: Sequence[Any]) -> Iterator[list[Any]]:
    slice_ = found.slice_
    where = [_cell(found.run), _cell(slice_.series), slice_.step]
    for f, i, j in itertools.product(*map(range, slice_.shape)):
        if slice_.kind == "plane":
            line = ""
            place: list[Any] = [float(slice_.axes[0].coordinates[i])]
            place.append(float(slice_.axes[1].coordinates[j]))
        else:
            line = _cell(slice_.axes[i].name)
            place = [float(slice_.axes[i].coordinates[j]), ""][:dimensions]
        # As float32 prints itself, the fewest digits that give back the same bits.
        values = ["" if column is None else str(column[f, i, j]) for column in columns]
        yield [*where, _cell(slice_.focus_points[f]), line, *place, *values]


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula; names may come from a stranger's files."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def to_json(found: Sequence[Found]) -> bytes:
    """A list of records with their values, ``null`` where not finite.

    Raises:
        ValueError: too many values for a text.
    """
    _check_size(found)
    records = [_record(f) for f in found]
    return json.dumps(records, separators=(",", ":"), allow_nan=False).encode("ascii")


def _record(found: Found) -> dict[str, Any]:
    slice_ = found.slice_
    return {
        "run": found.run,
        "series": slice_.series,
        "step": slice_.step,
        "attempt": found.attempt,
        "kind": slice_.kind,
        "method": slice_.method,
        "epoch": _finite(slice_.epoch),
        "wall_time": _finite(slice_.wall_time),
        "focus_points": slice_.focus_points,
        "axes": [
            {
                "name": axis.name,
                "description": axis.description,
                "fingerprint": axis.fingerprint,
                "length": _finite(axis.length),
                "coordinates": axis.coordinates.tolist(),
            }
            for axis in slice_.axes
        ],
        "shape": slice_.shape,
        "center": {name: _finite(center.tolist()) for name, center in slice_.center.items()},
        "values": {name: _finite(channel.tolist()) for name, channel in slice_.values.items()},
        "errors": {name: _finite(errors.tolist()) for name, errors in slice_.errors.items()},
        "trajectory": _trajectory(slice_.trajectory),
        "evaluated": None if slice_.evaluated is None else slice_.evaluated.tolist(),
        "notes": _finite(dict(slice_.notes)),
    }


def _trajectory(trajectory: ProjectedTrajectory | None) -> dict[str, Any] | None:
    if trajectory is None:
        return None
    return {
        "steps": trajectory.steps.tolist(),
        "coordinates": _finite(trajectory.coordinates.tolist()),
        "distances": _finite(trajectory.distances.tolist()),
        "explained": _finite(trajectory.explained),
    }


def _finite(value: Any) -> Any:
    """The JSON value with ``None`` for every number in it that is not finite."""
    if isinstance(value, list):
        return [_finite(part) for part in value]
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_npy(found: Sequence[Found]) -> bytes:
    """One slice as a NumPy file: float32 of shape (channels + channels with errors, *shape).

    The values of all channels, then the standard errors of those that have them.

    Raises:
        ValueError: more than one slice.
    """
    if len(found) != 1:
        raise ValueError(
            f"A .npy file holds one slice, asked for {len(found)}. Ask for one key, or for "
            "format=csv or format=json."
        )
    file = io.BytesIO()
    slice_ = found[0].slice_
    arrays = [*slice_.values.values(), *slice_.errors.values()]
    np.save(file, np.stack(arrays), allow_pickle=False)
    return file.getvalue()


def to_npz(found: Sequence[Found]) -> bytes:
    """Slices as a NumPy archive, with the arrays that ``http_api.md`` lists.

    One layout a group: where slices differ in kind, shape or channels, the names of the arrays
    begin with the number of their group.
    """
    groups: dict[tuple[Any, ...], list[Found]] = {}
    for f in found:
        slice_ = f.slice_
        layout = (slice_.kind, slice_.shape, slice_.channels, tuple(slice_.errors))
        groups.setdefault(layout, []).append(f)
    arrays: dict[str, Any] = {}
    for number, group in enumerate(groups.values()):
        prefix = f"{number}/" if len(groups) > 1 else ""
        arrays |= {prefix + name: array for name, array in _stacked(group).items()}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _stacked(group: Sequence[Found]) -> dict[str, Any]:
    """Arrays over slices of one layout; the first dimension counts the slices."""
    slices = [f.slice_ for f in group]
    first = slices[0]
    channels, estimated = list(first.channels), list(first.errors)
    arrays = {
        "runs": np.array([_writable(f.run) for f in group]),
        "series": np.array([_writable(slice_.series) for slice_ in slices]),
        "steps": np.array([slice_.step for slice_ in slices], dtype=np.int64),
        "channels": np.array([_writable(name) for name in channels]),
        "values": np.stack([[s.values[name] for name in channels] for s in slices]),
        "centers": np.stack([[s.center[name] for name in channels] for s in slices]),
        "axes": np.array([[_writable(axis.name) for axis in s.axes] for s in slices]),
    }
    if first.kind == "plane":
        arrays["x"] = np.stack([slice_.axes[0].coordinates for slice_ in slices])
        arrays["y"] = np.stack([slice_.axes[1].coordinates for slice_ in slices])
    else:
        arrays["x"] = np.stack([[axis.coordinates for axis in s.axes] for s in slices])
    if estimated:
        arrays["errors"] = np.stack([[s.errors[name] for name in estimated] for s in slices])
        arrays["error_channels"] = np.array([_writable(name) for name in estimated])
    if any(slice_.evaluated is not None for slice_ in slices):
        arrays["evaluated"] = np.stack([_evaluated(slice_).astype(np.bool_) for slice_ in slices])
    return arrays


def _writable(text: str) -> str:
    """Text for an array of texts, which takes trailing zeros for padding and no half surrogates."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _check_size(found: Sequence[Found]) -> None:
    values = sum(
        math.prod(f.slice_.shape) * (len(f.slice_.channels) + len(f.slice_.errors)) for f in found
    )
    if values > MAX_TEXT_VALUES:
        raise ValueError(
            f"These slices have {values} values, more than the {MAX_TEXT_VALUES} that fit a text. "
            "Ask for fewer slices, or with format=npz."
        )


FORMATS: dict[str, tuple[Callable[[Sequence[Found]], bytes], str]] = {
    "csv": (to_csv, "text/csv"),
    "json": (to_json, "application/json"),
    "npy": (to_npy, "application/octet-stream"),
    "npz": (to_npz, "application/zip"),
}
