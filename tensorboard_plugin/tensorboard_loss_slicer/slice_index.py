"""Which runs, series and steps there are, and the bytes of their frames.

Everything here works on what TensorBoard's data provider lists and reads, handed in as plain
values and functions, and knows nothing of HTTP. Tags and metadata come from files that anybody may
have written: what makes no sense is counted and named, never raised.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import re
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from pysclice import __version__
from pysclice.events import shown_run, split_tag
from pysclice.slices import KINDS, VERSION, Slice, SliceFormatError, finite_number

MAX_METADATA_BYTES = 64 * 2**10  # an honest index entry has about 500
MAX_CHANNELS = 64
MAX_RESPONSE_BYTES = 64 * 2**20
MOST_WASTE = 0.5  # of the bytes of another run's slices, to have them with the same request
FRESH_SECONDS = 1.0
CONTAINER_MAGIC = b"PSF1"

_KEY = re.compile(r"([A-Za-z0-9_-]{12})\.([0-9]{1,10})\.([0-9a-f]{4})")
_WALL_TIME_LIMIT = 1e11  # the year 5138; beyond it a clock was wrong, or a file was made to harm

Listing = Mapping[str, Mapping[str, Any]]  # run -> tag -> TensorTimeSeries
Read = Callable[[set[str], set[str]], Mapping[str, Mapping[str, Sequence[Any]]]]


class Layout(NamedTuple):
    """What slices of one recipe have in common."""

    kind: str
    method: str
    shape: tuple[int, int, int]
    channels: tuple[str, ...]
    axes: tuple[str, ...]


class Metadata(NamedTuple):
    """The index entry of one event, checked; see ``pysclice.slices.index_entry``."""

    layout: Layout
    fingerprint: str
    epoch: float | None
    wall_time: float  # seconds since 1970, of slicing; NaN where unknown
    centers: tuple[float, ...]  # one a channel
    ranges: tuple[tuple[float, float] | None, ...]  # one a channel, None where none is finite
    nonfinite: tuple[int, ...]  # one a channel


class Entry(NamedTuple):
    """One slice: where TensorBoard has it, and what its metadata says."""

    run: str  # TensorBoard's run, not the one it is shown with
    tag: str
    series: str
    step: int
    attempt: str
    logged: float  # wall time of the event, which decides between attempts
    metadata: Metadata

    @property
    def wall_time(self) -> float:
        """Seconds since 1970, of slicing or else of logging; 0 where neither makes sense."""
        for seconds in (self.metadata.wall_time, self.logged):
            if 0 < seconds < _WALL_TIME_LIMIT:
                return seconds
        return 0.0

    @property
    def value_bytes(self) -> int:
        """Bytes of values that the metadata announces."""
        return math.prod(self.metadata.layout.shape) * len(self.metadata.layout.channels) * 4


class Malformed(NamedTuple):
    """An event that carries our name but is no slice."""

    run: str
    tag: str
    reason: str


class NewerFormatError(SliceFormatError):
    """Metadata written by a newer pysclice."""


def parse_metadata(content: bytes) -> Metadata:
    """The index entry in the metadata of one event.

    Raises:
        NewerFormatError: written by a newer pysclice.
        SliceFormatError: anything else that is not an index entry; nothing else is raised.
    """
    if len(content) > MAX_METADATA_BYTES:
        raise SliceFormatError(
            f"Its metadata has {len(content)} bytes; an index entry has {MAX_METADATA_BYTES} at "
            "most."
        )
    try:
        entry = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SliceFormatError(f"Its metadata is not JSON ({error!s:.200}).") from error
    if not isinstance(entry, dict):
        raise SliceFormatError("Its metadata is not a JSON object.")
    version = entry.get("v")
    if not _is_count(version) or version < 1:
        raise SliceFormatError(f"Its metadata names no version that makes sense: {version!r:.80}.")
    if version > VERSION:
        raise NewerFormatError(
            f"It was written by a newer pysclice (format {version!r:.20}). Upgrade pysclice."
        )
    try:
        return _metadata(entry)
    except SliceFormatError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SliceFormatError(
            f"Its metadata is damaged ({type(error).__name__}: {error!s:.200})."
        ) from error


def _metadata(entry: dict[str, Any]) -> Metadata:
    layout = _layout(entry)
    count = len(layout.channels)
    centers, ranges = entry["center"], entry["range"]
    if not isinstance(centers, list) or not isinstance(ranges, list):
        raise SliceFormatError("Its center or its range is not a list.")
    if len(centers) != count or len(ranges) != count:
        raise SliceFormatError(
            f"It has {count} channels but {len(centers)} centers and {len(ranges)} ranges."
        )
    fingerprint, epoch = entry.get("fingerprint", ""), entry.get("epoch")
    if not isinstance(fingerprint, str):
        raise SliceFormatError(f"Its fingerprint is not a text: {fingerprint!r:.80}.")
    checked = [_range(value, math.prod(layout.shape)) for value in ranges]
    return Metadata(
        layout=layout,
        fingerprint=fingerprint,
        epoch=None if epoch is None else finite_number(epoch),
        wall_time=finite_number(entry.get("wall", "NaN")),
        centers=tuple(finite_number(value) for value in centers),
        ranges=tuple(bounds for bounds, _ in checked),
        nonfinite=tuple(missing for _, missing in checked),
    )


def _layout(entry: dict[str, Any]) -> Layout:
    kind, shape = entry["kind"], entry["shape"]
    if kind not in KINDS:
        raise SliceFormatError(f"Its kind is {kind!r:.80}; expected one of {KINDS}.")
    if not isinstance(shape, list) or len(shape) != 3 or not all(map(_is_count, shape)):
        raise SliceFormatError(f"Its shape is {shape!r:.80}; expected three counts.")
    if not 0 < math.prod(shape) < 2**53:
        raise SliceFormatError(f"Its shape is {shape!r:.80}: nothing, or more than can be.")
    channels = _texts(entry["channels"], "channels")
    if not 0 < len(channels) <= MAX_CHANNELS or len(set(channels)) != len(channels):
        raise SliceFormatError(
            f"It has {len(channels)} channels; expected 1 to {MAX_CHANNELS} different names."
        )
    return Layout(
        kind=kind,
        method=_texts([entry["method"]], "method")[0],
        shape=(shape[0], shape[1], shape[2]),
        channels=channels,
        axes=_texts(entry.get("axes", []), "axes")[:2],
    )


def _texts(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise SliceFormatError(f"Its {what} are not texts: {value!r:.80}.")
    return tuple(value)


def _range(value: object, size: int) -> tuple[tuple[float, float] | None, int]:
    if not isinstance(value, list) or len(value) != 3:
        raise SliceFormatError(f"A range is {value!r:.80}; expected minimum, maximum, count.")
    minimum, maximum, missing = value
    if not _is_count(missing) or missing > size:
        raise SliceFormatError(f"A range counts {missing!r:.80} non-finite values of {size}.")
    if minimum is None or maximum is None:
        return None, missing
    low, high = finite_number(minimum), finite_number(maximum)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise SliceFormatError(f"A range runs from {low} to {high}.")
    return (low, high), missing


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_Parsed = Entry | Malformed | None  # None: written by a newer pysclice


class SliceIndex:
    """All slices of a log directory, as one listing of the data provider shows them.

    Args:
        listing: run -> tag -> time series of our plugin.
        previous: the index of an earlier listing; what it parsed is not parsed again.

    Attributes:
        generation: sixteen hexadecimal digits; equal ones mean an equal listing.
        malformed: events with our name that are no slices.
        newer: number of slices written by a newer pysclice.
    """

    def __init__(self, listing: Listing, previous: SliceIndex | None = None) -> None:
        """Parse what is new."""
        known = previous._parsed if previous else {}
        self._parsed: dict[tuple[Hashable, ...], _Parsed] = {}
        for run, tags in listing.items():
            for tag, series in tags.items():
                content, logged = _of_time_series(series)
                key = (run, tag, logged, zlib.crc32(content))
                self._parsed[key] = known[key] if key in known else _parse(key, content)
        self.generation = _generation(self._parsed)
        self.newer = sum(1 for parsed in self._parsed.values() if parsed is None)
        self.malformed = sorted(p for p in self._parsed.values() if isinstance(p, Malformed))
        self._entries: dict[tuple[str, int, str], Entry] = {}
        self._series: dict[str, dict[str, dict[int, Entry]]] = defaultdict(dict)
        self._sources: dict[str, set[str]] = defaultdict(set)
        self._collect()
        self._json: bytes | None = None

    def _collect(self) -> None:
        entries = [p for p in self._parsed.values() if isinstance(p, Entry)]
        channels: dict[str, set[str]] = defaultdict(set)
        # Oldest first, so that the newest attempt of a step is the one that stays.
        for entry in sorted(entries, key=lambda e: (_sortable(e.logged), e.attempt, e.run)):
            run = shown_run(entry.run)
            id_ = series_id(run, entry.series)
            # The index has a column a channel: new names in every slice would square its size.
            if len(channels[id_].union(entry.metadata.layout.channels)) > MAX_CHANNELS:
                reason = f"Its series would have more than {MAX_CHANNELS} channels."
                self.malformed.append(Malformed(entry.run, entry.tag, reason))
                continue
            channels[id_].update(entry.metadata.layout.channels)
            self._entries[id_, entry.step, entry.attempt] = entry
            self._series[run].setdefault(entry.series, {})[entry.step] = entry
            self._sources[run].add(entry.run)

    def find(self, key: str) -> Entry | None:
        """The slice that a key ``<series id>.<step>.<attempt>`` names, older attempts included."""
        match = _KEY.fullmatch(key)
        return self._entries.get((match[1], int(match[2]), match[3])) if match else None

    def beside(self, run: str, entry: Entry) -> Entry | None:
        """What a run of the log directory has under the tag of another run's slice."""
        key = (series_id(shown_run(run), entry.series), entry.step, entry.attempt)
        found = self._entries.get(key)
        return found if found and (found.run, found.tag) == (run, entry.tag) else None

    def keys_of(self, id_: str) -> list[str]:
        """The keys of a series by its id, in the order of its steps; none where there is none."""
        for run, all_series in self._series.items():
            for name, steps in all_series.items():
                if series_id(run, name) == id_:
                    return [f"{id_}.{step}.{steps[step].attempt}" for step in sorted(steps)]
        return []

    def same_as(self, listing: Listing) -> bool:
        """Whether a listing has nothing that this index lacks, and the other way round."""
        listed = 0
        for run, tags in listing.items():
            for tag, series in tags.items():
                content, logged = _of_time_series(series)
                if (run, tag, logged, zlib.crc32(content)) not in self._parsed:
                    return False
                listed += 1
        return listed == len(self._parsed)

    def to_json(self, runs: Iterable[str] | None = None) -> bytes:
        """The index as the page reads it, ASCII JSON; see ``http_api.md``.

        Args:
            runs: names of the runs asked for, as they are shown; all by default.
        """
        if runs is None:
            if self._json is None:
                self._json = self._to_json(sorted(self._series))
            return self._json
        wanted = set(runs)
        return self._to_json([run for run in sorted(self._series) if run in wanted])

    def _to_json(self, runs: Sequence[str]) -> bytes:
        value = {
            "generation": self.generation,
            "version": __version__,
            "runs": [self._run_to_json(run) for run in runs],
            "malformed": len(self.malformed),
        }
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")

    def _run_to_json(self, run: str) -> dict[str, Any]:
        return {
            "name": run,
            "sources": sorted(self._sources[run]),
            "series": [
                {"id": series_id(run, name), "name": name}
                | _columns([steps[step] for step in sorted(steps)])
                for name, steps in sorted(self._series[run].items())
            ],
        }


@functools.lru_cache(maxsize=4096)
def series_id(run: str, series: str) -> str:
    """Twelve characters that name a series of a run for good."""
    text = f"{run}\0{series}".encode("utf-8", errors="surrogatepass")
    return base64.urlsafe_b64encode(hashlib.blake2b(text, digest_size=9).digest()).decode("ascii")


def _of_time_series(series: Any) -> tuple[bytes, float]:
    logged = series.max_wall_time
    # NaN differs from itself, so as a part of a key it would never be found again.
    return bytes(series.plugin_content), _sortable(math.nan if logged is None else float(logged))


def _sortable(seconds: float) -> float:
    return -math.inf if math.isnan(seconds) else seconds


def _parse(key: tuple[str, str, float, int], content: bytes) -> _Parsed:
    run, tag, logged, _ = key
    try:
        series, step, attempt = split_tag(tag)
        return Entry(run, tag, series, step, attempt, logged, parse_metadata(content))
    except NewerFormatError:
        return None
    except ValueError as error:
        return Malformed(run, tag, str(error))


def _generation(keys: Iterable[Hashable]) -> str:
    # The fast loader lists tags in an order of chance, hence sorted.
    digest = hashlib.blake2b(digest_size=8)
    for key in sorted(map(repr, keys)):
        digest.update(key.encode("utf-8", errors="surrogatepass") + b"\n")
    return digest.hexdigest()


def _columns(entries: Sequence[Entry]) -> dict[str, Any]:
    """The steps of one series, each property a column; ``entries`` in the order of steps."""
    layouts = list(dict.fromkeys(entry.metadata.layout for entry in entries))
    position = {layout: i for i, layout in enumerate(layouts)}
    first = entries[0].wall_time
    channels = list(dict.fromkeys(name for layout in layouts for name in layout.channels))
    measured: dict[str, dict[int, int]] = {name: {} for name in channels}
    for row, entry in enumerate(entries):
        for column, name in enumerate(entry.metadata.layout.channels):
            measured[name][row] = column
    return {
        "layouts": [layout._asdict() for layout in layouts],
        "steps": [entry.step for entry in entries],
        "layout": _run_lengths(position[entry.metadata.layout] for entry in entries),
        "attempts": _run_lengths(entry.attempt for entry in entries),
        "fingerprints": _run_lengths(entry.metadata.fingerprint for entry in entries),
        "wall_time": round(first, 3),
        "seconds": [round(entry.wall_time - first) for entry in entries],
        "epochs": _epochs(entries),
        "centers": {name: _centers(entries, rows) for name, rows in measured.items()},
        "ranges": {name: _total_range(entries, rows) for name, rows in measured.items()},
        "nonfinite": {
            name: sum(entries[row].metadata.nonfinite[column] for row, column in rows.items())
            for name, rows in measured.items()
        },
    }


def _run_lengths(values: Iterable[Any]) -> list[list[Any]]:
    result: list[list[Any]] = []
    for value in values:
        if result and result[-1][0] == value:
            result[-1][1] += 1
        else:
            result.append([value, 1])
    return result


def _epochs(entries: Sequence[Entry]) -> list[float | str | None] | None:
    epochs = [entry.metadata.epoch for entry in entries]
    if all(epoch is None for epoch in epochs):
        return None
    return [None if epoch is None else json_number(float(f"{epoch:.6g}")) for epoch in epochs]


def json_number(value: float) -> float | str:
    """A number as JSON can say it: NaN and the infinities as texts, whole ones without ``.0``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _centers(entries: Sequence[Entry], rows: Mapping[int, int]) -> str:
    column = np.full(len(entries), np.nan, dtype="<f4")
    with np.errstate(over="ignore"):  # beyond float32 means infinity
        for row, channel in rows.items():
            column[row] = entries[row].metadata.centers[channel]
    return base64.b64encode(column.tobytes()).decode("ascii")


def _total_range(entries: Sequence[Entry], rows: Mapping[int, int]) -> list[float] | None:
    ranges = [entries[row].metadata.ranges[column] for row, column in rows.items()]
    finite = [bounds for bounds in ranges if bounds is not None]
    if not finite:
        return None
    return [min(low for low, _ in finite), max(high for _, high in finite)]


class FreshIndex:
    """An index never older than about a second, listed by one request for all clients.

    Args:
        clock: seconds, increasing; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is listed before somebody asks."""
        self._clock = clock
        self._lock = threading.Lock()
        self._index: SliceIndex | None = None
        self._experiment = ""
        self._expires = -math.inf

    def get(self, experiment: str, list_tensors: Callable[[], Listing]) -> SliceIndex:
        """The index of an experiment, listed anew if it is no longer fresh."""
        with self._lock:
            index = self._index if experiment == self._experiment else None
            started = self._clock()
            if index is not None and started < self._expires:
                return index
            listing = list_tensors()
            if index is None or not index.same_as(listing):
                index = SliceIndex(listing, index)
            self._index, self._experiment = index, experiment
            # A directory that takes seconds to list must not be listed all the time.
            finished = self._clock()
            self._expires = finished + max(FRESH_SECONDS, finished - started)
            return index


class Frame(NamedTuple):
    """The record of one key, or why it cannot be had."""

    key: str
    record: bytes = b""
    error: str = ""


def read_frames(index: SliceIndex, keys: Sequence[str], read: Read) -> list[Frame]:
    """The records of the keys, in their order.

    Args:
        index: where the slices are.
        keys: as ``http_api.md`` describes them.
        read: (runs, tags) -> run -> tag -> tensor data, for every tag in every run. It may raise
            when any one of them is damaged.
    """
    entries: dict[str, Entry] = {}
    errors: dict[str, str] = {}
    announced = 0
    for key in dict.fromkeys(keys):
        entry = index.find(key)
        if entry is None:
            errors[key] = (
                f"There is no slice {key!r:.80}. It may have been deleted; reload the index."
            )
        elif announced + entry.value_bytes > MAX_RESPONSE_BYTES:
            # The metadata is believed only as far as to refuse: the bytes are counted again.
            errors[key] = _too_large(entry.value_bytes)
        else:
            announced += entry.value_bytes
            entries[key] = entry
    found = _read_entries(list(entries.values()), index, read)
    frames = []
    total = 0
    for key in keys:
        frame = Frame(key, error=errors[key]) if key in errors else _frame(key, found[entries[key]])
        if total + len(frame.record) > MAX_RESPONSE_BYTES:
            frame = Frame(key, error=_too_large(len(frame.record)))
        total += len(frame.record)
        frames.append(frame)
    return frames


def _too_large(size: int) -> str:
    return (
        f"This slice has {size} bytes, which makes the answer larger than {MAX_RESPONSE_BYTES}. "
        "Ask for it alone, or for fewer slices at once."
    )


def _read_entries(
    entries: Sequence[Entry], index: SliceIndex, read: Read
) -> dict[Entry, bytes | str]:
    """Record bytes, or an error, of each entry."""
    result: dict[Entry, bytes | str] = {}
    for batch in _batches(entries, index):
        _read_batch(batch, read, result)
    return result


def _batches(entries: Sequence[Entry], index: SliceIndex) -> list[list[Entry]]:
    """The entries, those together that one request can ask for.

    TensorBoard's fast loader takes 40 ms for a request, however small. A filter names runs and tags
    apart and means all pairs of them: runs are asked together as long as pairs that nobody wants
    are few.
    """
    by_run: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_run[entry.run].append(entry)
    wanted = {(entry.run, entry.tag) for entry in entries}

    def unwanted(run: str, of_others: Sequence[Entry]) -> int:
        beside = (index.beside(run, entry) for entry in {e.tag: e for e in of_others}.values())
        return sum(e.value_bytes for e in beside if e and (e.run, e.tag) not in wanted)

    batches: list[list[Entry]] = []
    for run, own in by_run.items():
        for batch in batches:
            others = {entry.run for entry in batch}
            waste = unwanted(run, batch) + sum(unwanted(other, own) for other in others)
            if waste <= MOST_WASTE * sum(entry.value_bytes for entry in own):
                batch += own
                break
        else:
            batches.append(own)
    return batches


def _read_batch(batch: Sequence[Entry], read: Read, result: dict[Entry, bytes | str]) -> None:
    try:
        data = read({entry.run for entry in batch}, {entry.tag for entry in batch})
    except Exception as error:  # any damaged tensor fails the whole batch, in a way of its own
        if len(batch) == 1:
            result[batch[0]] = f"TensorBoard cannot read this slice ({error!s:.200})."
            return
        middle = len(batch) // 2
        _read_batch(batch[:middle], read, result)
        _read_batch(batch[middle:], read, result)
        return
    for entry in batch:
        result[entry] = _newest_record(data.get(entry.run, {}).get(entry.tag, ()))


def _newest_record(data: Sequence[Any]) -> bytes | str:
    if not data:
        return "TensorBoard no longer has this slice. Reload the index."
    newest = max(data, key=lambda datum: _sortable(datum.wall_time)).numpy
    value = newest.item() if newest.ndim == 0 else None
    if not isinstance(value, bytes):
        return "Its tensor is not one string, so pysclice did not write it."
    return value


def _frame(key: str, found: bytes | str) -> Frame:
    return Frame(key, error=found) if isinstance(found, str) else Frame(key, record=found)


def coarsen_frame(frame: Frame, stride: int) -> Frame:
    """The frame at every ``stride``-th sample; at stride 1 the very bytes that were logged."""
    if frame.error:
        return frame
    try:
        slice_ = Slice.from_bytes(frame.record)
        return frame if stride == 1 else Frame(frame.key, slice_.coarsen(stride).to_bytes())
    except ValueError as error:  # SliceFormatError is one
        return Frame(frame.key, error=str(error))


def pack_frames(frames: Sequence[Frame]) -> bytes:
    """The container that ``http_api.md`` describes: frames with their errors, in order."""
    header: list[dict[str, Any]] = []
    parts: list[bytes] = []
    offset = 0
    for frame in frames:
        if frame.error:
            header.append({"key": frame.key, "error": frame.error})
            continue
        header.append({"key": frame.key, "offset": offset, "length": len(frame.record)})
        padding = b"\0" * (-len(frame.record) % 8)
        parts += [frame.record, padding]
        offset += len(frame.record) + len(padding)
    text = json.dumps({"frames": header}, separators=(",", ":")).encode("ascii")
    text += b" " * (-(8 + len(text)) % 8)
    return b"".join([CONTAINER_MAGIC, len(text).to_bytes(4, "little"), text, *parts])
