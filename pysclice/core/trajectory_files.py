"""The files of a trajectory: snapshots of the parameters, and rows of partial inner products.

Layout of the directory::

    trajectory.json          names and shapes of the parameters, and which draws are projected on
    snapshots/0000000500.pt  the parameters at step 500: torch.save, read with weights_only
    projections.f8           a row for each step: step, inner products, checksum; float64
    previous/                the same for the steps that a resumed training took once more

A whole file is written beside its place and moved there, so that a crash leaves the old file or
the new one. A row that a crash cut short has no valid checksum and is left out.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from pysclice.core.parameters import Parameters
from pysclice.core.told import tell
from pysclice.slices import Float64, Int64

_PARTIAL = ".partial"


class TrajectoryFiles:
    """Reads and writes one trajectory's directory; decides nothing.

    Args:
        directory: need not exist; it is made when something is written.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._snapshots = self.directory / "snapshots"
        self._rows = self.directory / "projections.f8"
        self._layout = self.directory / "trajectory.json"
        self._told: set[str] = set()

    def layout(self) -> Any:
        """What ``write_layout`` wrote; None where nothing was.

        Raises:
            ValueError: the file is no JSON.
        """
        try:
            return json.loads(self._layout.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ValueError(
                f"{self._layout} is damaged ({error}). Give another directory, or delete this one."
            ) from error

    def write_layout(self, layout: Any) -> None:
        """Say what the snapshots and rows hold."""
        text = json.dumps(layout).encode()
        _write(self._layout, lambda file: file.write(text))

    def snapshot_steps(self) -> list[int]:
        """Steps of the snapshots that are whole, increasing; of others a warning tells."""
        steps = []
        for path in sorted(self._snapshots.glob("*")):
            if path.suffix == _PARTIAL:
                self.tell(f"{path} was not finished, by a crash or not yet; it is ignored.")
            elif path.suffix == ".pt" and path.stem.isdecimal():
                # The end of a zip file holds its table of contents: a file cut short has none.
                if zipfile.is_zipfile(path):
                    steps.append(int(path.stem))
                elif path.exists():  # another process may have thinned it away meanwhile
                    self.tell(f"{path} is damaged, probably by a crash; it is ignored.")
        return sorted(steps)

    def read_snapshot(self, step: int) -> Parameters:
        """The parameters at a step, on the CPU, read from the disk as they are looked at.

        Raises:
            FileNotFoundError: there is no snapshot of this step.
        """
        path = self._snapshot(step)
        tensors: Parameters = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return tensors

    def write_snapshot(self, step: int, tensors: Parameters) -> None:
        """Keep the parameters at a step; they are on the CPU already."""
        _write(self._snapshot(step), lambda file: torch.save(tensors, file))

    def remove_snapshots(self, steps: Iterable[int]) -> None:
        """Delete the snapshots of these steps."""
        for step in steps:
            self._snapshot(step).unlink(missing_ok=True)

    def remove_partial_files(self) -> None:
        """Delete what a crash left unfinished."""
        for path in [*self.directory.glob("*" + _PARTIAL), *self._snapshots.glob("*" + _PARTIAL)]:
            path.unlink(missing_ok=True)

    def read_rows(self, width: int) -> tuple[Int64, Float64]:
        """Steps, (rows,), and their numbers, (rows, width); damaged rows are left out.

        Args:
            width: how many numbers a row holds, its step and checksum not counted.
        """
        try:
            data = self._rows.read_bytes()
        except FileNotFoundError:
            data = b""
        size = 8 * (width + 2)
        table = np.frombuffer(data, dtype="<f8", count=len(data) // size * (width + 2))
        table = table.reshape(-1, width + 2)
        good = np.array([row[-1] == zlib.crc32(row[:-1].tobytes()) for row in table], dtype=bool)
        if not good.all() or len(data) % size:
            self.tell(f"{self._rows} holds damaged rows, probably by a crash; they are ignored.")
        if not good.all():
            table = table[good]
        return table[:, 0].astype(np.int64), table[:, 1:-1]

    def append_row(self, step: int, numbers: Float64) -> None:
        """Add the numbers of one step behind the others."""
        self.directory.mkdir(parents=True, exist_ok=True)
        row = _row(step, numbers)
        with self._rows.open("ab") as file:
            # A row that was cut short would shift all that follow.
            file.truncate(file.tell() // len(row) * len(row))
            file.write(row)

    def write_rows(self, steps: Int64, table: Float64) -> None:
        """Replace all rows."""
        rows = [_row(int(step), numbers) for step, numbers in zip(steps, table, strict=True)]
        _write(self._rows, lambda file: file.writelines(rows))

    def set_aside(self, step: int, width: int) -> Path:
        """Move everything from this step on to ``previous``, in the place of what is there.

        Returns:
            The directory ``previous``: a trajectory of its own.
        """
        previous = TrajectoryFiles(self.directory / "previous")
        if previous.directory.exists():
            shutil.rmtree(previous.directory)
        previous.write_layout(self.layout())
        if width:
            steps, table = self.read_rows(width)
            previous.write_rows(steps[steps >= step], table[steps >= step])
            self.write_rows(steps[steps < step], table[steps < step])
        previous._snapshots.mkdir()
        for later in [s for s in self.snapshot_steps() if s >= step]:
            self._snapshot(later).replace(previous._snapshot(later))
        return previous.directory

    def tell(self, sentence: str) -> None:
        """Warn, but only once in the same words, and never by an exception."""
        if sentence in self._told:
            return
        self._told.add(sentence)
        tell(sentence, stacklevel=4)

    def _snapshot(self, step: int) -> Path:
        return self._snapshots / f"{step:010d}.pt"


def _row(step: int, numbers: Float64) -> bytes:
    body = np.concatenate([[step], numbers]).astype("<f8").tobytes()
    return body + np.array([zlib.crc32(body)], dtype="<f8").tobytes()


def _write(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file beside its place, then move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + _PARTIAL)
    try:
        with partial.open("wb") as file:
            write(file)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
