"""Slices as TensorBoard events: how they are written, and how they are read back.

Every slice gets a tag of its own, ``<series>/<step>/<attempt>``: TensorBoard samples the steps
of a tag, forgets later ones when an earlier one arrives, and keeps only a tag's first metadata.
With one tag a slice none of this can lose anything. The event's tensor is a string scalar that
holds the record (``pysclice.slices``); its metadata holds the record's index entry, so a table of
contents needs no tensor at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import struct
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from tensorboard.compat.proto import (
    event_pb2,
    summary_pb2,
    tensor_pb2,
    tensor_shape_pb2,
    types_pb2,
)
from tensorboard.compat.tensorflow_stub.io import gfile
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.summary.writer.record_writer import masked_crc32c

from pysclice.slices import Slice, SliceFormatError, index_entry

PLUGIN_NAME = "loss_slicer"
CHILD_RUN = "slices"
MAX_STEP = 9_999_999_999  # ten digits, so that tags sort by step

_TAG = re.compile(r"(.*)/([0-9]{10})/([0-9a-f]{4})", re.DOTALL)
_ATTEMPT = re.compile(r"[0-9a-f]{4}")
_CHILD = re.compile(r"(?:^|[/\\])" + CHILD_RUN + r"\Z")


def tag(series: str, step: int, attempt: str) -> str:
    """The tag of one slice, e.g. ``random plane/0000000500/3fa2``; ``split_tag`` undoes it.

    Raises:
        ValueError: the step is negative or has more than ten digits, the attempt is not four
            hexadecimal digits, or the series cannot be written as UTF-8.
    """
    if isinstance(step, bool) or int(step) != step or not 0 <= step <= MAX_STEP:
        raise ValueError(
            f"A slice of series {series!r} has step {step!r}; a step is a whole number from 0 to "
            f"{MAX_STEP}. Log it with the number of optimizer steps so far."
        )
    if not _ATTEMPT.fullmatch(attempt):
        raise ValueError(f"An attempt is four digits of 0-9a-f, such as '3fa2'; got {attempt!r}.")
    try:
        series.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"The series {series!r} holds characters that UTF-8 cannot write. Rename the series."
        ) from error
    return f"{series}/{int(step):010d}/{attempt}"


def split_tag(text: str) -> tuple[str, int, str]:
    """Series, step and attempt of a tag that ``tag`` made.

    Read from the right, since a series may hold slashes itself.

    Raises:
        ValueError: not such a tag.
    """
    match = _TAG.fullmatch(text)
    if match is None:
        raise ValueError(
            f"The tag {text!r:.200} is not <series>/<step of ten digits>/<attempt of four digits>."
        )
    return match[1], int(match[2]), match[3]


def shown_run(run: str) -> str:
    """The run with which a run is shown: a child ``slices`` belongs to its parent."""
    while match := _CHILD.search(run):
        run = run[: match.start()] or "."
    return run


def to_summary(slice_: Slice, attempt: str) -> summary_pb2.Summary:
    """The summary of one slice: its record in a string scalar, its index entry in the metadata.

    Raises:
        ValueError: as ``tag``.
    """
    entry = json.dumps(
        index_entry(slice_), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(
            plugin_name=PLUGIN_NAME, content=entry.encode("utf-8", errors="replace")
        ),
        data_class=summary_pb2.DATA_CLASS_TENSOR,
    )
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING,
        tensor_shape=tensor_shape_pb2.TensorShapeProto(),
        string_val=[slice_.to_bytes()],
    )
    value = summary_pb2.Summary.Value(
        tag=tag(slice_.series, slice_.step, attempt), metadata=metadata, tensor=tensor
    )
    return summary_pb2.Summary(value=[value])


class SliceWriter:
    """Writes slices to where the user's training already writes, or to a log directory.

    Slices go through the user's own ``SummaryWriter``, because TensorBoard's slow loader never
    shows what comes later in the first of two event files of one run. A directory that another
    writer uses is left alone for the same reason: slices then go to its child ``slices``, which
    the plugin and ``read_slices`` show with the parent.

    Args:
        target: a ``SummaryWriter`` of ``torch.utils.tensorboard`` or of ``tensorboardX``, or the
            path of a log directory.

    Raises:
        TypeError: any other target.
        ValueError: a ``SummaryWriter`` that was closed.
    """

    def __init__(self, target: Any) -> None:
        """Open nothing yet: an event file is opened at the first write."""
        self._outlet = _outlet_of(target)
        # One attempt a writer, so that the index, which encodes runs of equal ones, stays small.
        self._attempt = secrets.token_hex(2)
        self._used: dict[tuple[str, int], set[str]] = {}
        self._last_wall_time = 0.0

    def write(self, slice_: Slice) -> str:
        """Add a slice and flush it; the tag that it got.

        The same series and step again get another attempt; readers show the newest.

        Raises:
            ValueError: this writer or the ``SummaryWriter`` behind it was closed; also as ``tag``.
        """
        used = self._used.setdefault((slice_.series, slice_.step), set())
        attempt = self._attempt
        while attempt in used:
            attempt = secrets.token_hex(2)
        summary = to_summary(slice_, attempt)
        # The time of writing, not of slicing: the newest attempt of a step wins. Strictly
        # increasing, since two writes can fall into one tick of the clock.
        wall_time = max(time.time(), self._last_wall_time + 1e-6)
        self._outlet.write(summary, slice_.step, wall_time)
        self._last_wall_time = wall_time
        used.add(attempt)
        return str(summary.value[0].tag)

    def close(self) -> None:
        """Close the event file that this writer opened, if any; the user's writer stays open."""
        self._outlet.close()

    def __enter__(self) -> SliceWriter:
        """This writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close as ``close`` does."""
        self.close()


class _Outlet(Protocol):
    def write(self, summary: summary_pb2.Summary, step: int, wall_time: float) -> None: ...

    def close(self) -> None: ...


def _outlet_of(target: Any) -> _Outlet:
    if isinstance(target, (str, os.PathLike)):
        return _Directory(os.fsdecode(target))
    # Looked at, not imported: neither torch nor tensorboardX need be installed here.
    if hasattr(target, "file_writer") and callable(getattr(target, "flush", None)):
        outlet = _SummaryWriter(target)
        if hasattr(outlet.file_writer(), "add_summary"):
            return outlet
    raise TypeError(
        f"Slices cannot be written to {type(target).__qualname__!r}. Give a SummaryWriter of "
        "torch.utils.tensorboard or of tensorboardX, or the path of a log directory."
    )


@dataclass
class _SummaryWriter:
    """The user's own writer, of torch or of tensorboardX."""

    target: Any

    def file_writer(self) -> Any:
        # Not _get_file_writer(): on a closed writer that opens a second event file.
        if self.target.file_writer is None:
            raise ValueError(
                "This SummaryWriter was closed, so it takes no more slices. Close it after the "
                "last slice, or give the path of its log directory instead."
            )
        return self.target.file_writer

    def write(self, summary: summary_pb2.Summary, step: int, wall_time: float) -> None:
        if any(c.__module__.partition(".")[0] == "tensorboardX" for c in type(self.target).__mro__):
            _write_to_tensorboardx(self.file_writer(), summary, step, wall_time)
        else:
            self.file_writer().add_summary(summary, step, wall_time)
        self.target.flush()

    def close(self) -> None:
        """Nothing: who opened it closes it."""


def _write_to_tensorboardx(
    file_writer: Any, summary: summary_pb2.Summary, step: int, wall_time: float
) -> None:
    # It has protobuf classes of its own, and a foreign message would kill its thread.
    from tensorboardX.proto.event_pb2 import Event

    event = event_pb2.Event(wall_time=wall_time, step=step, summary=summary)
    own = Event.FromString(event.SerializeToString())
    # Its flush does not wait for its queue: what was queued last would show two minutes later.
    direct = getattr(getattr(file_writer, "event_writer", None), "_ev_writer", None)
    if direct is not None:
        direct.write_event(own)
    else:
        file_writer.add_summary(own.summary, step, wall_time)


@dataclass
class _Directory:
    """An event file of our own, opened at the first write."""

    directory: str
    writer: EventFileWriter | None = None
    closed: bool = False
    own_files: set[str] = field(default_factory=set)

    def write(self, summary: summary_pb2.Summary, step: int, wall_time: float) -> None:
        if self.closed:
            raise ValueError(
                f"This writer of {self.directory!r} was closed. Make a new SliceWriter for it."
            )
        event = event_pb2.Event(wall_time=wall_time, step=step, summary=summary)
        writer = self._writer()
        writer.add_event(event)
        writer.flush()

    def _writer(self) -> EventFileWriter:
        in_child = self.writer is not None and self.writer.get_logdir() != self.directory
        if not in_child and _event_files(self.directory) - self.own_files:
            self._close_file()
            self.writer = EventFileWriter(os.path.join(self.directory, CHILD_RUN))  # noqa: PTH118 (may be a URL)
        elif self.writer is None:
            before = _event_files(self.directory)
            self.writer = EventFileWriter(self.directory)
            self.own_files |= _event_files(self.directory) - before
        return self.writer

    def _close_file(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def close(self) -> None:
        self._close_file()
        self.closed = True


def _event_files(directory: str) -> set[str]:
    if not gfile.isdir(directory):
        return set()
    return {name for name in gfile.listdir(directory) if "tfevents" in name}


def read_slices(logdir: str | os.PathLike[str]) -> dict[str, dict[str, dict[int, Slice]]]:
    """All slices below a log directory: run -> series -> step -> slice, steps in order.

    Runs are named as TensorBoard names them, ``"."`` for the directory itself; a child run
    ``slices`` belongs to its parent. Where a step was logged more than once, the newest wins.
    A file that is still being written gives what is complete. Slices that cannot be read are
    left out, and one warning names them.

    Raises:
        FileNotFoundError: there is no such directory.
        NotADirectoryError: it is a file.

    Example:
        >>> slicers = {"random line": ps.Line(ps.Random(seed=0), samples=7)}
        >>> with ps.SliceLogger("runs/mlp", surface, slicers=slicers) as logger:
        ...     for step in (0, 500):
        ...         logged = logger.log(step)
        >>> series = ps.read_slices("runs")["mlp"]["random line"]
        >>> list(series), series[500].shape
        ([0, 500], (1, 1, 7))
    """
    root = _checked_logdir(logdir)
    newest: dict[tuple[str, str, int], tuple[float, Slice]] = {}
    unreadable: list[str] = []
    for found in _events(root, unreadable):
        try:
            series, step, _ = split_tag(found.tag)
            slice_ = Slice.from_bytes(_record(found))
        except (SliceFormatError, ValueError) as error:
            unreadable.append(f"run {found.run!r}, tag {found.tag!r:.200}: {error}")
            continue
        where = (shown_run(found.run), series, step)
        if where not in newest or found.wall_time >= newest[where][0]:
            newest[where] = (found.wall_time, slice_)
    _warn_about(unreadable)
    result: dict[str, dict[str, dict[int, Slice]]] = {}
    for run, series, step in sorted(newest):
        result.setdefault(run, {}).setdefault(series, {})[step] = newest[run, series, step][1]
    return result


def newest_slices(directory: str | os.PathLike[str]) -> dict[str, Slice]:
    """The slice of each series that was logged last in one run, whatever its step.

    Args:
        directory: of the run; its child ``slices`` counts as well, other children do not.

    Returns:
        Series -> slice; empty where there is no such directory. What cannot be read is left out.
    """
    root = Path(directory)
    newest: dict[str, tuple[float, _Event]] = {}
    paths = [path for folder in (root, root / CHILD_RUN) for path in folder.glob("*tfevents*")]
    for found in _events_of(sorted(paths), root, []):
        with contextlib.suppress(SliceFormatError, ValueError):
            series, _, _ = split_tag(found.tag)
            if series not in newest or found.wall_time >= newest[series][0]:
                newest[series] = (found.wall_time, found)
    result = {}
    for series, (_, event) in newest.items():
        with contextlib.suppress(SliceFormatError):
            result[series] = Slice.from_bytes(_record(event))
    return result


def directory_of(target: Any) -> str | None:
    """The log directory that a ``SliceWriter`` of this target writes to; None where none is said.

    Args:
        target: as ``SliceWriter`` takes it.
    """
    if isinstance(target, (str, os.PathLike)):
        return os.fsdecode(target)
    found = getattr(target, "log_dir", None) or getattr(target, "logdir", None)
    return found if isinstance(found, str) else None


@dataclass(frozen=True)
class Logged:
    """What the metadata of one event say of its slice, whose values are not read.

    Attributes:
        run: as it is shown: a child run ``slices`` belongs to its parent.
        series: its name.
        step: training step.
        attempt: four digits that tell apart slices of one step.
        wall_time: seconds since 1970, of writing; the newest attempt of a step counts.
        entry: the index entry; see ``pysclice.slices.index_entry``.
    """

    run: str
    series: str
    step: int
    attempt: str
    wall_time: float
    entry: dict[str, Any]


def read_index(logdir: str | os.PathLike[str]) -> list[Logged]:
    """All slices below a log directory, every attempt of every step, without their values.

    In the order of run, series, step and time of writing. What cannot be read is left out, and one
    warning names it.

    Raises:
        FileNotFoundError: there is no such directory.
        NotADirectoryError: it is a file.
    """
    root = _checked_logdir(logdir)
    found: list[Logged] = []
    unreadable: list[str] = []
    for event in _events(root, unreadable):
        try:
            series, step, attempt = split_tag(event.tag)
            if not event.intact:
                raise SliceFormatError("Its checksum does not fit: the file was damaged.")
            entry = json.loads(event.metadata.decode("utf-8"))
            if not isinstance(entry, dict):
                raise SliceFormatError("Its metadata is not a JSON object.")
        except (SliceFormatError, ValueError, RecursionError) as error:
            unreadable.append(f"run {event.run!r}, tag {event.tag!r:.200}: {error}")
            continue
        where = (shown_run(event.run), series, step, attempt)
        found.append(Logged(*where, event.wall_time, entry))
    _warn_about(unreadable)
    return sorted(found, key=lambda one: (one.run, one.series, one.step, one.wall_time))


def _checked_logdir(logdir: str | os.PathLike[str]) -> Path:
    root = Path(logdir)
    if not root.exists():
        raise FileNotFoundError(
            f"There is no log directory {str(root)!r}. Give the directory that TensorBoard is "
            "started with."
        )
    if not root.is_dir():
        raise NotADirectoryError(f"{str(root)!r} is a file. Give the log directory that holds it.")
    return root


@dataclass(frozen=True)
class _Event:
    """One value that carries our plugin's name, as it stands in a file."""

    run: str
    tag: str
    wall_time: float
    metadata: bytes
    tensor: tensor_pb2.TensorProto
    intact: bool


def _record(event: _Event) -> bytes:
    tensor = event.tensor
    if not event.intact:
        raise SliceFormatError("Its checksum does not fit: the file was damaged.")
    if tensor.dtype != types_pb2.DT_STRING or len(tensor.string_val) != 1:
        raise SliceFormatError("Its tensor is not one string, so pysclice did not write it.")
    return bytes(tensor.string_val[0])


def _events(logdir: Path, unreadable: list[str]) -> Iterator[_Event]:
    return _events_of(_event_paths(logdir), logdir, unreadable)


def _events_of(paths: Iterable[Path], logdir: Path, unreadable: list[str]) -> Iterator[_Event]:
    for path in paths:
        run = os.path.relpath(path.parent, logdir)
        for data, checksum in _file_records(path, unreadable):
            if PLUGIN_NAME.encode() not in data:
                continue  # most events are the user's scalars and images: not worth parsing
            try:
                event = event_pb2.Event.FromString(data)
            except Exception as error:  # the class of protobuf's error depends on its version
                unreadable.append(f"run {run!r}, file {path.name!r}: not an event ({error})")
                continue
            ours = [
                v for v in event.summary.value if v.metadata.plugin_data.plugin_name == PLUGIN_NAME
            ]
            for value in ours:
                intact = masked_crc32c(data) == checksum
                metadata = value.metadata.plugin_data.content
                yield _Event(run, value.tag, event.wall_time, metadata, value.tensor, intact)


def _event_paths(logdir: Path) -> Iterator[Path]:
    for name, directories, files in os.walk(logdir, followlinks=True):
        here = Path(name)
        # TensorBoard follows links too; one that leads to its own parent would never end.
        directories[:] = sorted(
            d for d in directories if not here.resolve().is_relative_to((here / d).resolve())
        )
        yield from (here / file for file in sorted(files) if "tfevents" in file)


def _file_records(path: Path, unreadable: list[str]) -> Iterator[tuple[bytes, int]]:
    """The complete records of an event file, each with its checksum.

    Layout: u64 length | u32 checksum of the length | data | u32 checksum of the data.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while len(head := file.read(12)) == 12:
            length, checksum = struct.unpack("<QI", head)
            if masked_crc32c(head[:8]) != checksum:
                unreadable.append(f"file {str(path)!r}: damaged, read up to byte {file.tell()}")
                return
            if length + 4 > size - file.tell():
                return  # the last record is still being written
            data = file.read(length)
            yield data, struct.unpack("<I", file.read(4))[0]


def _warn_about(unreadable: list[str]) -> None:
    if not unreadable:
        return
    more = f" And {len(unreadable) - 5} more." if len(unreadable) > 5 else ""
    warnings.warn(
        f"{len(unreadable)} slices could not be read and are left out. "
        + " ".join(f"[{text}]" for text in unreadable[:5])
        + more,
        RuntimeWarning,
        stacklevel=3,
    )
