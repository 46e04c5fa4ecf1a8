"""Measured points kept in files, so that work that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
import weakref
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from pysclice import __version__
from pysclice.core.averages import Measurements
from pysclice.core.data import DataSet, tensors_of
from pysclice.core.shares import joined
from pysclice.slices import Float64, Int64

_FORMAT = 1
# Fewer points are as quickly measured as they are kept.
_FEWEST = 2
_LEAST_ROW = 8
_CHUNK = 2**22


class Measure(Protocol):
    """Measures points of one set around one center."""

    def __call__(self, coefficients: Float64, again: int) -> Measurements:
        """The measurements at these points, the last ``again`` of which were counted before."""
        ...


class KeptPoints:
    """A folder of measured points, by a key that says under which conditions they were measured.

    Points are measured in blocks of about a row of a plane, or as many rows as take ``seconds``.
    Each finished block is a file of its own: arrays without pickle, under a name that it gets
    when it is complete. A file that is damaged counts as missing.

    Args:
        folder: made when it is needed.
        seconds: how much work an interruption may cost, if a row takes less; 0 keeps every row.
    """

    def __init__(self, folder: Path, seconds: float = 10.0) -> None:
        self.folder = folder
        self.seconds = seconds
        self._data: weakref.WeakKeyDictionary[DataSet, str] = weakref.WeakKeyDictionary()

    def measured(
        self,
        key: str,
        coefficients: Float64,
        measure: Measure,
        on_kept: Callable[[], None] | None = None,
    ) -> Measurements:
        """The measurements at all points: those that are kept, and the others by ``measure``.

        Args:
            key: of the conditions; see ``key_of``.
            coefficients: (points, directions).
            measure: called for one block after the other.
            on_kept: called for each point that need not be measured.
        """
        points = len(coefficients)
        if points < _FEWEST:
            return measure(coefficients, 0)
        place = self.folder / key
        parts = list(self._kept(place, coefficients))
        known = np.zeros(points, dtype=bool)
        for numbers, _ in parts:
            known[numbers] = True
        if on_kept is not None:
            for _ in range(int(known.sum())):
                on_kept()
        zero = np.flatnonzero(np.all(coefficients == 0.0, axis=1))[:1]
        rest = np.flatnonzero(~known)
        row, size = row_of(coefficients), 0
        while len(rest):
            size = size or row
            if 2 * len(rest) < 3 * size:
                size = len(rest)  # a last block of a few points would measure mostly the center
            block, rest = rest[:size], rest[size:]
            # Standard errors are those of differences from the center.
            again = np.setdiff1d(zero, block)
            counted = int(np.count_nonzero(known[again]))
            numbers = np.append(block, again)
            began = time.perf_counter()
            found = measure(coefficients[numbers], counted)
            seconds = time.perf_counter() - began
            self._keep(place, coefficients[numbers], found)
            parts.append((numbers, found))
            known[numbers] = True
            rest = rest[~known[rest]]
            rows = int(self.seconds * len(numbers) / max(seconds, 1e-9)) // row
            size = row * max(1, rows)
        return joined(points, [(numbers.tolist(), found) for numbers, found in parts])

    def below(self, name: str) -> KeptPoints:
        """The points in a folder below, with what is known of the data already."""
        result = KeptPoints(self.folder / name, self.seconds)
        result._data = self._data
        return result

    def forget(self) -> None:
        """Remove all points; for when the slice that they are part of is safe elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def fingerprint_of_data(self, data_set: DataSet, device: torch.device) -> str:
        """Of the examples: their number and bits, as far as the surface's cache holds them."""
        if data_set not in self._data:
            digest = hashlib.blake2b(digest_size=16)
            for tensor in (t for batch in next(data_set.chunks(device)) for t in tensors_of(batch)):
                _add_tensor(digest, tensor)
            self._data[data_set] = digest.hexdigest()
        return self._data[data_set]

    def _kept(self, place: Path, coefficients: Float64) -> Iterator[tuple[Int64, Measurements]]:
        """What files have of these points; none that another one has, too, but for the center."""
        number_of = {row.tobytes(): number for number, row in enumerate(coefficients)}
        for path in sorted(place.glob("*.npz")):
            found = _read(path)
            if found is None:
                continue
            rows, measured = found
            if rows.shape[1:] != coefficients.shape[1:]:
                continue
            here = [number_of.get(row.tobytes()) for row in rows]
            own = np.array(
                [n for n, number in enumerate(here) if number is not None], dtype=np.int64
            )
            if len(own):
                numbers = np.array(
                    [number for number in here if number is not None], dtype=np.int64
                )
                yield numbers, _of_some(measured, own)

    def _keep(self, place: Path, coefficients: Float64, found: Measurements) -> None:
        notes = {"examples": found.examples, "evaluation": found.evaluation, "format": _FORMAT}
        arrays: dict[str, Any] = {"coefficients": coefficients}
        for kind in ("values", "errors", "replicates"):
            channels = getattr(found, kind)
            notes[kind] = list(channels)
            arrays |= {f"{kind}{n}": array for n, array in enumerate(channels.values())}
        arrays["notes"] = np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8)
        # Sorted by time, so that of a point that several blocks have the same one always counts.
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        write_whole(place / f"{name}.npz", lambda file: np.savez(file, **arrays))


def write_whole(path: Path, write: Callable[[Any], object]) -> None:
    """Write a file that is there completely, or not at all, whenever the process may end.

    Args:
        path: its name; folders are made.
        write: writes into the open binary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def key_of(
    settings: Mapping[str, Any],
    tensors: Iterable[Mapping[str, Tensor]],
) -> str:
    """32 hexadecimal digits of everything that decides about values but the coefficients.

    Args:
        settings: JSON values.
        tensors: parameters, buffers and directions, each by name; their order counts.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(
        json.dumps([_FORMAT, __version__, settings], sort_keys=True, default=str).encode()
    )
    for group in tensors:
        digest.update(f"|{len(group)}".encode())
        for name in sorted(group):
            digest.update(json.dumps(name).encode())
            _add_tensor(digest, group[name])
    return digest.hexdigest()


def row_of(coefficients: Float64) -> int:
    """How many points in a row belong together: a plane's row, or about the root of their number.

    Args:
        coefficients: (points, directions), as a slicer arranged them.
    """
    # Each block measures the center again, which must stay a small part of it.
    row = max(_LEAST_ROW, int(np.sqrt(len(coefficients))))
    if coefficients.shape[1] > 1:
        differing = np.flatnonzero(coefficients[:, 0] != coefficients[0, 0])
        own = int(differing[0]) if len(differing) else row
        row = own * -(-_LEAST_ROW // own)
    return row


def _add_tensor(digest: Any, tensor: Tensor) -> None:
    held = tensor.detach()
    digest.update(f"{held.dtype} {tuple(held.shape)} {held.layout}".encode())
    parts: Sequence[Tensor] = (held,)
    if held.is_sparse:
        held = held.coalesce()
        parts = (held.indices(), held.values())
    for part in parts:
        flat = part.resolve_conj().resolve_neg().contiguous().reshape(-1)
        for chunk in flat.split(_CHUNK) if flat.numel() else ():
            digest.update(memoryview(chunk.cpu().view(torch.uint8).numpy()))


def _read(path: Path) -> tuple[Float64, Measurements] | None:
    try:
        # Opened here: NumPy leaves a file open that turns out to be damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            notes = json.loads(arrays["notes"].tobytes())
            if notes["format"] != _FORMAT:
                return None
            coefficients = arrays["coefficients"]
            kinds = {
                kind: {channel: arrays[f"{kind}{n}"] for n, channel in enumerate(notes[kind])}
                for kind in ("values", "errors", "replicates")
            }
        measured = Measurements(
            kinds["values"],
            int(notes["examples"]),
            kinds["errors"],
            kinds["replicates"],
            dict(notes["evaluation"]),
        )
        sizes = {array.shape[-1] for arrays in kinds.values() for array in arrays.values()}
        whole = coefficients.ndim == 2 and sizes == {len(coefficients)}
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile):
        return None
    return (coefficients, measured) if whole else None


def _of_some(found: Measurements, which: Int64) -> Measurements:
    def chosen(channels: Mapping[str, Float64]) -> dict[str, Float64]:
        return {name: array[..., which] for name, array in channels.items()}

    return Measurements(
        chosen(found.values),
        found.examples,
        chosen(found.errors),
        chosen(found.replicates),
        found.evaluation,
    )
