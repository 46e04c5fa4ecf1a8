"""The record: what a slicer found, as a value that explains itself, and its bytes.

The logger writes these bytes into events, the TensorBoard plugin passes them on and the
page decodes them; this module therefore needs NumPy and the standard library only.

Layout, all little-endian::

    b"PSL1" | u32 header length | UTF-8 JSON header, padded with spaces | float32 values

The header is padded so that the values start at a multiple of eight. The values stand
channel after channel, each in C order of the record's shape. NaN and infinity travel as
bits: a diverged loss is a finding. Numbers in the header that JSON cannot say are the
strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.

Version 2 adds, after the values of all channels and in this order: the standard errors of
each channel that has them (``"errors": true`` in its header entry), its replicates
(``"replicates": count``), and the trajectory's coordinates and distances. Where values were
interpolated, the header's ``"evaluated"`` says which were not: one bit a point, in C order from the
highest bit of the first byte on, in base64. Readers that do not know it show the same values.
"""

from __future__ import annotations

import base64
import dataclasses
import importlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

MAGIC = b"PSL1"
VERSION = 2
KINDS = ("lines", "plane", "spectrum")

# A header describes axes and channels; even a bundle of ten thousand lines stays below this.
MAX_HEADER_BYTES = 16 * 2**20
MAX_VALUE_BYTES = 256 * 2**20  # TensorBoard's own limit for one message

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class SliceFormatError(ValueError):
    """The bytes are not a slice that this version can read; the message says why.

    Example:
        >>> try:
        ...     ps.Slice.from_bytes(b"<html>")
        ... except ps.SliceFormatError as error:
        ...     print(error)
        Not a slice: expected bytes that begin with b'PSL1', got b'<htm'.
    """


@dataclass(frozen=True, eq=False)
class Axis:
    """One direction through parameter space and the coordinates sampled along it.

    Attributes:
        name: short label of the direction, e.g. ``"random 0"``.
        coordinates: (samples,) float64, strictly increasing, in multiples of the
            direction; 0 is the focus point.
        length: L2 norm of what coordinate 1 covers, in parameter units.
        description: a sentence about the direction and its normalization.
        fingerprint: hexadecimal; equal fingerprints mean comparable axes.

    Raises:
        ValueError: coordinates that are not one-dimensional, finite and increasing.

    Example:
        >>> axis = ps.Axis("towards other", np.linspace(0, 1, 5), length=3.5)
        >>> axis.samples
        5
    """

    name: str
    coordinates: Float64
    length: float = math.nan
    description: str = ""
    fingerprint: str = ""

    def __post_init__(self) -> None:
        coordinates = np.asarray(self.coordinates, dtype=np.float64)
        if coordinates.ndim != 1 or coordinates.size == 0:
            raise ValueError(
                f"Axis {self.name!r} needs a one-dimensional, non-empty array of coordinates, "
                f"got shape {coordinates.shape}."
            )
        if not np.all(np.isfinite(coordinates)) or np.any(np.diff(coordinates) <= 0):
            raise ValueError(f"Coordinates of axis {self.name!r} must be finite and increasing.")
        coordinates.setflags(write=False)
        object.__setattr__(self, "coordinates", coordinates)

    @property
    def samples(self) -> int:
        """Number of coordinates."""
        return int(self.coordinates.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Axis):
            return NotImplemented
        return _axis_to_json(self) == _axis_to_json(other)

    __hash__ = None  # type: ignore[assignment]  # holds an array


@dataclass(frozen=True, eq=False)
class ProjectedTrajectory:
    """The path of the parameters over training, seen from a slice's axes.

    Attributes:
        steps: (points,) int64, increasing: the training steps that were recorded.
        coordinates: (axes, points) float32: where each step falls on each axis, by orthogonal
            projection onto all axes together.
        distances: (points,) float32: L2 distance from the step's parameters to their projection,
            in parameter units; NaN where it is not known.
        explained: share of the path's motion that the axes explain, 0 to 1: squared distances
            from the focus point along the axes, summed over the steps, by those in the whole
            space. NaN where it is not known.
    """

    steps: Int64
    coordinates: Float32
    distances: Float32
    explained: float = math.nan

    def __post_init__(self) -> None:
        steps = np.array(self.steps, dtype=np.int64)
        coordinates = np.array(self.coordinates, dtype=np.float32, order="C")
        distances = np.array(self.distances, dtype=np.float32)
        if steps.ndim != 1 or not steps.size or np.any(np.diff(steps) <= 0):
            raise ValueError("A trajectory needs one step or more, in increasing order.")
        if coordinates.ndim != 2 or coordinates.shape[1] != steps.size:
            raise ValueError(
                f"A trajectory of {steps.size} steps needs coordinates of shape (axes, "
                f"{steps.size}), got {coordinates.shape}."
            )
        if distances.shape != steps.shape:
            raise ValueError(
                f"A trajectory of {steps.size} steps needs as many distances, got "
                f"{distances.shape}."
            )
        for array in (steps, coordinates, distances):
            array.setflags(write=False)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "coordinates", coordinates)
        object.__setattr__(self, "distances", distances)


@dataclass(frozen=True, eq=False)
class Slice:
    """Values on lines or on a plane through parameter space, or the spectrum of its curvature.

    Attributes:
        kind: ``"lines"``, ``"plane"`` or ``"spectrum"``.
        method: the family the slicer belongs to, e.g. ``"random direction"``.
        axes: a line has one axis, a bundle one per line, a plane two. The axis of a spectrum holds
            eigenvalues and no coordinates along a direction.
        values: channel name -> float32. Lines: (focus points, lines, samples); plane:
            (focus points, samples of axes[0], samples of axes[1]), ``axes[0]`` drawn horizontally;
            spectrum: (focus points, 1, samples), the density of the eigenvalues of the channel's
            Hessian.
        center: channel name -> (focus points,) float64, measured at the focus points themselves.
        series, step, epoch, wall_time: where in a training run the slice belongs; ``wall_time``
            in seconds since 1970.
        focus_points: a name for each focus point.
        mode: ``"eval"`` or ``"train"``, the mode of the model while it was sliced.
        examples: number of examples that each value averages over.
        evaluations: how often the model was run over these examples.
        seconds: wall time that the slice took.
        notes: anything else the slicer has to say; JSON values by name.
        errors: channel name -> float32 in the shape of the values, for channels with values per
            example: the standard error of the difference from the center. Paired, since all
            points see the same examples; 0 at the center itself. Of a spectrum: of the density.
        replicates: channel name -> (groups, *shape of the values) float32, where they were asked
            for: the values without one group of examples each, for the jackknife (``measures``).
        center_replicates: channel name -> (groups, focus points) float64, for the same channels.
        trajectory: the path of the parameters on these axes, if it was recorded.
        evaluated: bool, in the shape of the values: which of them were measured, where others were
            interpolated. None where all of them were measured.

    Raises:
        ValueError: the parts do not fit together; the message says which and what was expected.

    Example:
        >>> x = np.linspace(-1, 1, 5)
        >>> bowl = ps.Slice(
        ...     kind="lines",
        ...     method="by hand",
        ...     axes=(ps.Axis("x", x, length=2.0),),
        ...     values={"loss": 0.5 + x[None, None] ** 2},  # (focus points, lines, samples)
        ...     center={"loss": [0.5]},
        ... )
        >>> bowl.losses.tolist()
        [[[1.5, 0.75, 0.5, 0.75, 1.5]]]
        >>> ps.Slice.from_bytes(bowl.to_bytes()) == bowl
        True
        >>> bowl
        <Slice 'by hand', lines 1 x 1 x 5, channels loss, step 0>
    """

    kind: str
    method: str
    axes: tuple[Axis, ...]
    values: Mapping[str, Float32]
    center: Mapping[str, Float64]
    series: str = ""
    step: int = 0
    epoch: float | None = None
    wall_time: float = 0.0
    focus_points: tuple[str, ...] = ("current parameters",)
    mode: str = "eval"
    examples: int = 0
    evaluations: int = 0
    seconds: float = 0.0
    notes: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, Float32] = field(default_factory=dict)
    replicates: Mapping[str, Float32] = field(default_factory=dict)
    center_replicates: Mapping[str, Float64] = field(default_factory=dict)
    trajectory: ProjectedTrajectory | None = None
    evaluated: Mask | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown kind of slice {self.kind!r}; expected one of {KINDS}.")
        if not self.values:
            raise ValueError("A slice needs at least one channel of values.")
        shape = self._expected_shape()
        frozen = {
            name: _frozen(channel, shape, f"Channel {name!r} of this {self.kind!r} slice")
            for name, channel in self.values.items()
        }
        centers: dict[str, Float64] = {}
        for name in frozen:
            if name not in self.center:
                raise ValueError(f"Channel {name!r} has values but no center value.")
            center = np.atleast_1d(np.asarray(self.center[name], dtype=np.float64))
            if center.shape != (shape[0],):
                raise ValueError(
                    f"Channel {name!r} has {center.shape} center values for {shape[0]} focus "
                    f"points."
                )
            center.setflags(write=False)
            centers[name] = center
        object.__setattr__(self, "axes", tuple(self.axes))
        object.__setattr__(self, "focus_points", tuple(self.focus_points))
        object.__setattr__(self, "values", frozen)
        object.__setattr__(self, "center", centers)
        self._freeze_uncertainty(shape)
        if self.trajectory is not None and len(self.trajectory.coordinates) != len(self.axes):
            raise ValueError(
                f"The trajectory has coordinates for {len(self.trajectory.coordinates)} axes, the "
                f"slice has {len(self.axes)}."
            )
        if self.evaluated is not None:
            evaluated = np.array(self.evaluated, dtype=np.bool_, order="C")
            if evaluated.shape != shape:
                raise ValueError(
                    f"evaluated has shape {evaluated.shape}, but the axes and focus points make it "
                    f"{shape}."
                )
            evaluated.setflags(write=False)
            object.__setattr__(self, "evaluated", None if evaluated.all() else evaluated)

    def _freeze_uncertainty(self, shape: tuple[int, ...]) -> None:
        errors: dict[str, Float32] = {}
        replicates: dict[str, Float32] = {}
        centers: dict[str, Float64] = {}
        for label, given in (("Standard errors", self.errors), ("Replicates", self.replicates)):
            for name in given:
                if name not in self.values:
                    raise ValueError(f"{label} are given for {name!r}, which is no channel.")
        # In the order of the channels, as they are written.
        for name in self.values:
            if name in self.errors:
                errors[name] = _frozen(self.errors[name], shape, f"Standard errors of {name!r}")
            if name in self.replicates:
                groups = len(self.replicates[name])
                label = f"Replicates of {name!r}"
                replicates[name] = _frozen(self.replicates[name], (groups, *shape), label)
                if groups < 2 or name not in self.center_replicates:
                    raise ValueError(f"{label} need two groups or more and their centers.")
                center = np.array(self.center_replicates[name], dtype=np.float64)
                if center.shape != (groups, shape[0]):
                    raise ValueError(
                        f"{label} have centers of shape {center.shape}, expected "
                        f"{(groups, shape[0])}."
                    )
                center.setflags(write=False)
                centers[name] = center
        object.__setattr__(self, "errors", errors)
        object.__setattr__(self, "replicates", replicates)
        object.__setattr__(self, "center_replicates", centers)

    def _expected_shape(self) -> tuple[int, int, int]:
        axes = tuple(self.axes)
        if self.kind == "plane":
            if len(axes) != 2:
                raise ValueError(f"A plane has two axes, got {len(axes)}.")
            return (len(self.focus_points), axes[0].samples, axes[1].samples)
        if self.kind == "spectrum" and len(axes) != 1:
            raise ValueError(f"A spectrum has one axis, got {len(axes)}.")
        if not axes or len({axis.samples for axis in axes}) != 1:
            raise ValueError(
                "Lines need one axis or more, all with the same number of samples; got "
                f"{[axis.samples for axis in axes]}."
            )
        return (len(self.focus_points), len(axes), axes[0].samples)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of every channel; see ``values``."""
        return cast(tuple[int, int, int], next(iter(self.values.values())).shape)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the measured quantities; the first is the loss."""
        return tuple(self.values)

    @property
    def losses(self) -> Float32:
        """Values of the first channel."""
        return next(iter(self.values.values()))

    @property
    def fingerprint(self) -> str:
        """Fingerprints of all axes in one word; equal words mean comparable slices."""
        return "+".join(axis.fingerprint for axis in self.axes)

    def resolutions(self) -> tuple[int, ...]:
        """Samples per axis of this slice and of every coarser one that is a stride of it.

        The first and the last coordinate stay, so a stride s is possible where s divides
        samples - 1 on every axis: 49 gives (49, 25, 13, 7, 4).
        """
        intervals = math.gcd(*(axis.samples - 1 for axis in self.axes))
        first = self.axes[0].samples - 1
        result = [first + 1]
        stride = 2
        while intervals and intervals % stride == 0 and first // stride >= 3:
            result.append(first // stride + 1)
            stride *= 2
        return tuple(result)

    def coarsen(self, stride: int) -> Slice:
        """The slice at every ``stride``-th sample of each axis; values are taken, not averaged.

        Raises:
            ValueError: ``stride`` is below 1 or does not divide samples - 1 of some axis.
        """
        if stride == 1:
            return self
        if stride < 1 or any(
            (axis.samples - 1) % stride or axis.samples == 1 for axis in self.axes
        ):
            raise ValueError(
                f"Stride {stride} does not fit axes of {[axis.samples for axis in self.axes]} "
                "samples: it must divide samples - 1."
            )
        axes = tuple(
            dataclasses.replace(axis, coordinates=axis.coordinates[::stride]) for axis in self.axes
        )
        every = slice(None, None, stride)
        pick = (..., every, every) if self.kind == "plane" else (..., every)

        def picked(channels: Mapping[str, Float32]) -> dict[str, Float32]:
            return {name: channel[pick] for name, channel in channels.items()}

        return dataclasses.replace(
            self,
            axes=axes,
            values=picked(self.values),
            errors=picked(self.errors),
            replicates=picked(self.replicates),
            evaluated=None if self.evaluated is None else self.evaluated[pick],
        )

    def to_bytes(self) -> bytes:
        """The record's bytes; ``from_bytes`` gives back an equal slice, bit for bit."""
        header: dict[str, Any] = {
            "version": VERSION,
            "kind": self.kind,
            "method": self.method,
            "series": self.series,
            "step": int(self.step),
            "epoch": None if self.epoch is None else _to_json_number(self.epoch),
            "wall_time": _to_json_number(self.wall_time),
            "shape": list(self.shape),
            "channels": [
                {"name": name, "center": [_to_json_number(v) for v in self.center[name]]}
                | _summary_to_json(channel)
                | self._uncertainty_to_json(name)
                for name, channel in self.values.items()
            ],
            "axes": [_axis_to_json(axis) for axis in self.axes],
            "focus_points": list(self.focus_points),
            "mode": self.mode,
            "examples": int(self.examples),
            "evaluations": int(self.evaluations),
            "seconds": _to_json_number(self.seconds),
            "notes": dict(self.notes),
        }
        if self.trajectory is not None:
            header["trajectory"] = {
                "steps": self.trajectory.steps.tolist(),
                "explained": _to_json_number(self.trajectory.explained),
            }
        if self.evaluated is not None:
            header["evaluated"] = base64.b64encode(np.packbits(self.evaluated).tobytes()).decode(
                "ascii"
            )
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # Lone surrogates can stand in a file's name but not in UTF-8.
        encoded = text.encode("utf-8", errors="replace")
        encoded += b" " * (-(len(MAGIC) + 4 + len(encoded)) % 8)
        parts = [MAGIC, len(encoded).to_bytes(4, "little"), encoded]
        arrays = [*self.values.values(), *self.errors.values(), *self.replicates.values()]
        if self.trajectory is not None:
            arrays += [self.trajectory.coordinates, self.trajectory.distances]
        parts += [array.astype("<f4", copy=False).tobytes() for array in arrays]
        return b"".join(parts)

    def _uncertainty_to_json(self, name: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if name in self.errors:
            result["errors"] = True
        if name in self.replicates:
            result["replicates"] = len(self.replicates[name])
            result["center_replicates"] = [
                [_to_json_number(v) for v in row] for row in self.center_replicates[name]
            ]
        return result

    @classmethod
    def from_bytes(cls, data: bytes) -> Slice:
        """The slice that ``to_bytes`` wrote.

        Raises:
            SliceFormatError: not a slice, damaged, or written by a newer pysclice.
        """
        header, start = _read_header(data)
        try:
            return _from_header(header, data, start)
        except SliceFormatError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SliceFormatError(
                f"The header of this slice is damaged ({type(error).__name__}: {error}). "
                "Log or save the slice again."
            ) from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record's bytes to a file, by custom named ``*.slice``."""
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        partial.write_bytes(self.to_bytes())
        partial.replace(target)  # a crash leaves the old file or the new one, never half of one

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Slice):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    def __repr__(self) -> str:
        size = " x ".join(str(n) for n in self.shape)
        names = ", ".join(self.channels)
        return f"<Slice {self.method!r}, {self.kind} {size}, channels {names}, step {self.step}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the slice's figure, or its text where there is no matplotlib."""
        shown = {"text/plain": repr(self)}
        if _asked_for("image/png", include, exclude):
            try:
                # By name, since this floor knows nothing of the one that draws.
                figure = importlib.import_module("pysclice.visualization").plot(self)
                shown["image/png"] = base64.b64encode(figure._repr_png_()).decode("ascii")
            except Exception:  # a cell shows its text, whatever keeps its figure from being drawn
                pass
        return {kind: data for kind, data in shown.items() if _asked_for(kind, include, exclude)}


def _asked_for(kind: str, include: Any, exclude: Any) -> bool:
    return (not include or kind in include) and not (exclude and kind in exclude)


def load(path: str | os.PathLike[str]) -> Slice:
    """Read a slice that ``Slice.save`` wrote.

    Raises:
        SliceFormatError: the file is not a slice, is damaged, or is from a newer pysclice.

    Example:
        >>> line.save("line.slice")
        >>> ps.load("line.slice") == line
        True
    """
    return Slice.from_bytes(Path(path).read_bytes())


def index_entry(slice_: Slice) -> dict[str, Any]:
    """What a table of contents needs to know of a slice: a few hundred bytes of JSON values."""
    return {
        "v": VERSION,
        "kind": slice_.kind,
        "method": slice_.method,
        "epoch": None if slice_.epoch is None else _to_json_number(slice_.epoch),
        "wall": _to_json_number(slice_.wall_time),
        "shape": list(slice_.shape),
        "channels": list(slice_.channels),
        "axes": [axis.name for axis in slice_.axes[:2]],
        "fingerprint": _short(slice_.fingerprint),
        "center": [_to_json_number(_rounded(slice_.center[n][0])) for n in slice_.channels],
        "range": [list(_finite_summary(channel)) for channel in slice_.values.values()],
    }


def finite_number(value: object) -> float:
    """The float behind a header number, ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``.

    Raises:
        SliceFormatError: anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if value in ("NaN", "Infinity", "-Infinity"):
            return float(value)
        raise SliceFormatError(f"Expected a number in the header, got {value!r:.80}.")
    return float(value)


def _short(fingerprint: str) -> str:
    """Fingerprints of a large bundle folded into one of the usual length."""
    if len(fingerprint) <= 48:
        return fingerprint
    import hashlib

    return hashlib.blake2b(fingerprint.encode(), digest_size=8).hexdigest()


def _rounded(value: float) -> float:
    """A value as float32 would print it, since an index need not carry seventeen digits."""
    return float(f"{value:.8g}") if math.isfinite(value) else value


def _to_json_number(value: float) -> float | int | str:
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def _finite_summary(channel: Float32) -> tuple[float | None, float | None, int]:
    """Smallest and largest finite value, and how many are not finite."""
    finite = channel[np.isfinite(channel)]
    missing = int(channel.size - finite.size)
    if not finite.size:
        return None, None, missing
    return _rounded(float(finite.min())), _rounded(float(finite.max())), missing


def _summary_to_json(channel: Float32) -> dict[str, Any]:
    minimum, maximum, missing = _finite_summary(channel)
    return {"minimum": minimum, "maximum": maximum, "nonfinite": missing}


def _axis_to_json(axis: Axis) -> dict[str, Any]:
    result: dict[str, Any] = {"name": axis.name}
    coordinates = axis.coordinates
    start, stop, samples = float(coordinates[0]), float(coordinates[-1]), axis.samples
    # Most grids are regular: three numbers say it, if they give back the very same bits.
    if np.array_equal(regular_coordinates(start, stop, samples), coordinates):
        result |= {"start": start, "stop": stop, "samples": samples}
    else:
        result["coordinates"] = coordinates.tolist()
    return result | {
        "length": _to_json_number(axis.length),
        "description": axis.description,
        "fingerprint": axis.fingerprint,
    }


def regular_coordinates(start: float, stop: float, samples: int) -> Float64:
    """Evenly spaced coordinates, (samples,), that hit 0 exactly where a sample falls on it.

    Every second sample of 2n - 1 is a sample of n, to the bit.

    Raises:
        ValueError: fewer than one sample, or ``start`` not below ``stop``.
    """
    if samples < 1:
        raise ValueError(f"An axis needs at least one sample, got {samples}.")
    if samples == 1:
        return np.array([start], dtype=np.float64)
    if not (math.isfinite(start) and math.isfinite(stop) and start < stop):
        raise ValueError(f"A span runs from a lower to a higher number, got ({start}, {stop}).")
    # Whole multiples of both ends, divided once: symmetric about the middle of (-a, a), and the
    # same bits at the samples that a finer grid shares.
    step = np.arange(samples, dtype=np.float64)
    coordinates = (start * step[::-1] + stop * step) / (samples - 1)
    coordinates[0], coordinates[-1] = start, stop
    coordinates[np.abs(coordinates) < 1e-12 * (stop - start)] = 0.0
    return coordinates


def _read_header(data: bytes) -> tuple[dict[str, Any], int]:
    if len(data) < 8 or data[:4] != MAGIC:
        raise SliceFormatError(
            f"Not a slice: expected bytes that begin with {MAGIC!r}, got {bytes(data[:4])!r}."
        )
    length = int.from_bytes(data[4:8], "little")
    if length > MAX_HEADER_BYTES or 8 + length > len(data):
        raise SliceFormatError(
            f"This slice announces a header of {length} bytes but has {len(data) - 8} bytes in "
            f"all: "
            "it was cut short or damaged."
        )
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise SliceFormatError(f"The header of this slice is not JSON ({error}).") from error
    if not isinstance(header, dict):
        raise SliceFormatError("The header of this slice is not a JSON object.")
    version = header.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SliceFormatError(f"The header names no version that makes sense: {version!r:.80}.")
    if version > VERSION:
        raise SliceFormatError(
            f"This slice was written by a newer pysclice (format {version}, this one reads up to "
            f"{VERSION}). Upgrade pysclice to read it."
        )
    return header, 8 + length


def _from_header(header: dict[str, Any], data: bytes, start: int) -> Slice:
    shape = tuple(_count(n) for n in _list(header["shape"]))
    channels = _list(header["channels"])
    axes_json = _list(header["axes"])
    expected_axes = 2 if header["kind"] == "plane" else (shape[1] if len(shape) == 3 else -1)
    if len(shape) != 3 or len(axes_json) != expected_axes:
        raise SliceFormatError(f"Shape {shape} does not go with {len(axes_json)} axes.")
    names = [_text(channel["name"]) for channel in channels]
    if len(set(names)) != len(names):
        raise SliceFormatError(f"Two channels have the same name: {names!r:.200}.")
    entries = dict(zip(names, channels, strict=True))
    with_errors = [name for name in names if entries[name].get("errors")]
    groups = {n: _count(e["replicates"]) for n, e in entries.items() if e.get("replicates")}
    path = header.get("trajectory")
    steps = [] if path is None else [_integer(step) for step in _list(path["steps"])]

    size = math.prod(shape)
    blocks = [size] * (len(names) + len(with_errors)) + [n * size for n in groups.values()]
    blocks += [] if path is None else [len(axes_json) * len(steps), len(steps)]
    expected = sum(blocks) * 4
    # Checked before anything is allocated: the header may lie.
    if expected > MAX_VALUE_BYTES or len(data) - start != expected:
        raise SliceFormatError(
            f"This slice announces {len(channels)} channels of shape {shape}, {expected} bytes, "
            f"but carries {len(data) - start}: it was cut short or damaged."
        )
    floats = np.frombuffer(data, dtype="<f4", offset=start).astype(np.float32, copy=False)
    arrays = iter(np.split(floats, np.cumsum(blocks)[:-1]))
    values = {name: next(arrays).reshape(shape) for name in names}
    errors = {name: next(arrays).reshape(shape) for name in with_errors}
    replicates = {name: next(arrays).reshape(n, *shape) for name, n in groups.items()}
    trajectory = None
    if path is not None:
        trajectory = ProjectedTrajectory(
            steps=np.array(steps, dtype=np.int64),
            coordinates=next(arrays).reshape(len(axes_json), len(steps)),
            distances=next(arrays),
            explained=finite_number(path.get("explained", "NaN")),
        )
    lengths = shape[1:] if header["kind"] == "plane" else (shape[2],) * len(axes_json)
    epoch = header.get("epoch")
    notes = header.get("notes", {})
    if not isinstance(notes, dict):
        raise SliceFormatError("The notes of this slice are not a JSON object.")
    return Slice(
        kind=_text(header["kind"]),
        method=_text(header["method"]),
        axes=tuple(_axis_from_json(a, n) for a, n in zip(axes_json, lengths, strict=True)),
        values=values,
        center={name: _numbers(entry["center"]) for name, entry in entries.items()},
        series=_text(header.get("series", "")),
        step=_integer(header.get("step", 0)),
        epoch=None if epoch is None else finite_number(epoch),
        wall_time=finite_number(header.get("wall_time", 0.0)),
        focus_points=tuple(_text(name) for name in _list(header["focus_points"])),
        mode=_text(header.get("mode", "eval")),
        examples=_count(header.get("examples", 0)),
        evaluations=_count(header.get("evaluations", 0)),
        seconds=finite_number(header.get("seconds", 0.0)),
        notes=notes,
        errors=errors,
        replicates=replicates,
        center_replicates={
            name: np.array([_numbers(row) for row in _list(entries[name]["center_replicates"])])
            for name in groups
        },
        trajectory=trajectory,
        evaluated=_evaluated(header.get("evaluated"), shape),
    )


def _evaluated(value: object, shape: tuple[int, ...]) -> Mask | None:
    if value is None:
        return None
    size = math.prod(shape)
    packed = np.frombuffer(base64.b64decode(_text(value), validate=True), dtype=np.uint8)
    if packed.size != -(-size // 8):
        raise SliceFormatError(
            f"This slice says of {8 * packed.size} points whether they were evaluated, but has "
            f"{size}."
        )
    return np.unpackbits(packed, count=size).astype(np.bool_).reshape(shape)


def _numbers(value: object) -> Float64:
    return np.array([finite_number(v) for v in _list(value)], dtype=np.float64)


def _frozen(array: Any, shape: tuple[int, ...], label: str) -> Float32:
    """The array as read-only float32.

    Raises:
        ValueError: another shape than the axes and focus points make it.
    """
    result = np.ascontiguousarray(array, dtype=np.float32)
    if result.shape != shape:
        raise ValueError(
            f"{label}: shape {result.shape}, but the axes and focus points make it {shape}."
        )
    result.setflags(write=False)
    return result


def _axis_from_json(value: Any, samples: int) -> Axis:
    if "coordinates" in value:
        listed: Sequence[Any] = _list(value["coordinates"])
        coordinates = np.array([finite_number(v) for v in listed], dtype=np.float64)
    else:
        # The values that came along bound the number of samples; the axis alone does not.
        if _count(value["samples"]) != samples:
            raise SliceFormatError(
                f"An axis announces {value['samples']} samples where the shape has {samples}."
            )
        coordinates = regular_coordinates(
            finite_number(value["start"]), finite_number(value["stop"]), samples
        )
    return Axis(
        name=_text(value["name"]),
        coordinates=coordinates,
        length=finite_number(value.get("length", "NaN")),
        description=_text(value.get("description", "")),
        fingerprint=_text(value.get("fingerprint", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise SliceFormatError(f"Expected a text in the header, got {value!r:.80}.")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise SliceFormatError(f"Expected a list in the header, got {value!r:.80}.")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SliceFormatError(f"Expected a whole number in the header, got {value!r:.80}.")
    return value


def _count(value: object) -> int:
    number = _integer(value)
    if number < 0:
        raise SliceFormatError(f"Expected a count in the header, got {number}.")
    return number
