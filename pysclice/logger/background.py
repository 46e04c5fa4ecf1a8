"""Slices taken by another process, while training goes on.

Two snapshots are in shared memory. One belongs to the process from when a step is sent until all
its slices are done; into the other one the trainer copies its tensors whenever a slice is due, over
what was waiting there. So nobody waits for a lock: the trainer for its copy only, and at most one
step waits. What the two say to each other are short lines through a pipe, which fit in its buffer;
slices come back as files in a private directory, so that no half-sent one can hold the trainer up.
"""

from __future__ import annotations

import contextlib
import copy
import multiprocessing
import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import types
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import connection, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch.utils.data import DataLoader

from pysclice.core.surface import LossSurface, Slicer
from pysclice.logger.series import EarlierSlices, SeriesOfSlices
from pysclice.logger.snapshot import SharedSnapshot

_PAYLOAD = "surface.pt"
_NICENESS = 10

# How long to wait for a process that was told to end, before it is killed.
_PATIENCE_SECONDS = 5.0

# A line in between looks whether there is news: asking the pipe takes longer than a tiny step.
_LOOK_SECONDS = 0.02

Message: TypeAlias = tuple[Any, ...]


class ProcessUnavailable(Exception):
    """Slices cannot be taken in another process; the message says why."""


class ProcessEnded(Exception):
    """The process ended before its time; the message says how."""


@dataclass(frozen=True)
class Step:
    """A step at which slices are wanted.

    Attributes:
        number: the training step.
        epoch: the epoch, if one was given.
        trainable: for each parameter of the model, 1 if it is trained and else 0.
        notes: what their records shall note.
        replaced: earlier steps whose snapshots this one took the place of.
    """

    number: int
    epoch: float | None
    trainable: bytes
    notes: Mapping[str, Any]
    replaced: tuple[int, ...] = ()


@dataclass(frozen=True)
class News:
    """What became of a series at a step: the bytes of its slice, or why there is none."""

    step: Step
    series: str
    record: bytes | None = None
    error: str = ""


@dataclass(frozen=True)
class _Settings:
    """How the process computes: as the trainer does, but for threads and device."""

    threads: int
    device: str | None
    default_dtype: torch.dtype
    matmul_precision: str | None
    allow_tf32: bool | None
    deterministic: bool

    @classmethod
    def now(cls, threads: int, device: str | None) -> _Settings:
        precision = tf32 = None
        # Where the newer names of these were used, torch refuses to read the older ones.
        with contextlib.suppress(RuntimeError):
            precision = torch.get_float32_matmul_precision()
            tf32 = torch.backends.cudnn.allow_tf32
        deterministic = torch.backends.cudnn.deterministic
        return cls(threads, device, torch.get_default_dtype(), precision, tf32, deterministic)

    def apply(self) -> None:
        torch.set_num_threads(self.threads)
        torch.set_default_dtype(self.default_dtype)
        if self.matmul_precision is not None:
            torch.set_float32_matmul_precision(self.matmul_precision)
        if self.allow_tf32 is not None:
            torch.backends.cudnn.allow_tf32 = self.allow_tf32
        torch.backends.cudnn.deterministic = self.deterministic


class BackgroundProcess:
    """A process that takes slices of snapshots, and the trainer's side of it.

    Args:
        surface: of the model in training; sent as a copy, with its model, data, loss and metrics.
        slicers: series name -> slicer, or None for a default set.
        threads: number of cores that the process computes with.
        device: where it computes; the model's own device if left out.
        earlier: what was logged before.

    Raises:
        ProcessUnavailable: something cannot be sent, or there is no memory or process to be had.
    """

    def __init__(
        self,
        surface: LossSurface,
        slicers: Mapping[str, Slicer] | None,
        threads: int,
        device: str | None,
        earlier: EarlierSlices,
    ) -> None:
        self._model = surface.model
        self._folder = Path(tempfile.mkdtemp(prefix="pysclice-"))
        try:
            # The room first: where it is missing, nothing needs to be written.
            self._snapshots = [SharedSnapshot(self._model) for _ in range(2)]
            if surface.device.type == "cuda":
                for snapshot in self._snapshots:
                    snapshot.pin()
            _write_payload(self._folder / _PAYLOAD, surface, slicers, earlier)
            self._pipe, theirs = multiprocessing.Pipe()
            self._process = _started(
                theirs,
                self._snapshots,
                self._folder,
                _Settings.now(threads, device),
                surface.device,
            )
            theirs.close()
        except BaseException as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            if isinstance(error, Exception):
                raise ProcessUnavailable(f"{type(error).__name__}: {error}") from error
            raise
        self._own = 0  # the snapshot that the trainer writes to
        self._working: Step | None = None
        self._waiting: Step | None = None
        self._next_look = 0.0
        self._finalizer = weakref.finalize(self, _end, self._process, self._folder, os.getpid())

    @property
    def busy(self) -> bool:
        """Whether slices are still out."""
        return self._working is not None or self._waiting is not None

    @property
    def steps_out(self) -> tuple[int, ...]:
        """The steps whose slices are still out."""
        return tuple(step.number for step in (self._working, self._waiting) if step is not None)

    def submit(self, step: Step) -> None:
        """Copy the model's tensors as they are now, in the place of those that wait.

        Raises:
            ValueError: the model has other tensors than at the beginning.
            ProcessEnded: the process is not there any more.
        """
        self._snapshots[self._own].write(self._model)
        if self._waiting is not None:
            step = replace(step, replaced=(*self._waiting.replaced, self._waiting.number))
        self._waiting = step
        self._hand_over()

    def news(self, timeout: float = 0.0) -> list[News]:
        """What was finished since the last time.

        Args:
            timeout: seconds to wait for something, if there is nothing yet.

        Raises:
            ProcessUnavailable: what was sent cannot be used there.
            ProcessEnded: the process is not there any more.
        """
        if not timeout and time.monotonic() < self._next_look:
            return []
        found: list[News] = []
        if timeout and self.busy:
            connection.wait([self._pipe, self._process.sentinel], timeout)
        alive = self._process.is_alive()
        try:
            while self._pipe.poll():
                self._take_in(self._pipe.recv(), found)
        except (EOFError, OSError):
            alive = False
        # What came before the end is not lost: the end is told of the next time.
        if not alive and not found:
            raise ProcessEnded(self._how_it_ended())
        self._next_look = time.monotonic() + _LOOK_SECONDS
        return found

    def end(self) -> None:
        """End the process, whatever it does, and remove what it left."""
        for snapshot in self._snapshots:
            snapshot.unpin()
        self._pipe.close()
        if not self.busy:
            self._process.join(_PATIENCE_SECONDS)
        self._finalizer()

    def _take_in(self, message: Message, found: list[News]) -> None:
        kind, *rest = message
        step = self._working
        if kind == "unable":
            raise ProcessUnavailable(rest[0])
        elif kind == "done":
            self._working = None
        elif kind == "slice" and step is not None:
            found.append(_fetched(step, *rest))
        elif kind == "failed" and step is not None:
            found.append(News(step, rest[0], error=rest[1]))
        self._hand_over()

    def _hand_over(self) -> None:
        """Send what waits, if the process has nothing to do; the first while it is starting."""
        if self._waiting is None or self._working is not None:
            return
        step, self._waiting = self._waiting, None
        try:
            self._pipe.send((self._own, step.number, step.epoch, step.trainable))
        except OSError:
            raise ProcessEnded(self._how_it_ended()) from None
        self._working, self._own = step, 1 - self._own

    def _how_it_ended(self) -> str:
        self._process.join(1.0)
        code = self._process.exitcode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"it was ended by {signal.Signals(-code).name}"
        return "it ended" if code is None else f"it ended with exit code {code}"


def _fetched(step: Step, series: str, file: str) -> News:
    path = Path(file)
    try:
        record = path.read_bytes()
        path.unlink()
    except OSError as error:
        return News(step, series, error=_text(error))
    return News(step, series, record)


class _Pickler(pickle.Pickler):
    """Sends loaders without the workers that they have at the moment."""

    def reducer_override(self, given: object) -> Any:
        if not isinstance(given, DataLoader) or given._iterator is None:
            return NotImplemented
        loader = copy.copy(given)
        loader._iterator = None
        return loader.__reduce_ex__(2)


def _write_payload(
    path: Path,
    surface: LossSurface,
    slicers: Mapping[str, Slicer] | None,
    earlier: EarlierSlices,
) -> None:
    # A copy without what slices left for later ones, such as the choice of a backend.
    sent = copy.copy(surface)
    sent.kept = {}
    pickling = types.ModuleType("pickling")
    vars(pickling)["Pickler"] = _Pickler
    # Not multiprocessing's own way, which would move the user's tensors into shared memory.
    own = None if slicers is None else dict(slicers)
    torch.save((sent, own, earlier), path, pickle_module=pickling)


def _started(
    pipe: Any,
    snapshots: Sequence[SharedSnapshot],
    folder: Path,
    settings: _Settings,
    device: torch.device,
) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(
        target=_serve,
        args=(pipe, list(snapshots), str(folder), settings, str(device)),
        name="pysclice",
        daemon=True,  # ends with the trainer, which does not wait for it
    )
    with _interrupts_blocked():
        process.start()
    return process


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C waits, and does not reach a process that is started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It would let interrupts through again when it is started.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: BaseProcess, folder: Path, owner: int) -> None:
    if os.getpid() != owner:
        return  # a process that was forked from the trainer
    if process.is_alive():
        process.kill()
    process.join(_PATIENCE_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)


def _serve(
    pipe: Any,
    snapshots: Sequence[SharedSnapshot],
    folder: str,
    settings: _Settings,
    device: str,
) -> None:
    """What the process does: take slices of the snapshots that it is told of, until the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches both processes
    threading.Thread(target=_end_with_trainer, args=(folder,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # A process that ends with another one may have none of its own, which loaders want to have.
    multiprocessing.current_process().daemon = False
    settings.apply()
    try:
        path = Path(folder) / _PAYLOAD
        # The device's type alone is what some devices are called in a file.
        devices = (device, torch.device(device).type)
        elsewhere = None if settings.device is None else dict.fromkeys(devices, settings.device)
        surface, slicers, earlier = torch.load(path, map_location=elsewhere, weights_only=False)
        path.unlink()
        series = SeriesOfSlices(surface, slicers, earlier=earlier)
    except Exception as error:
        pipe.send(("unable", _text(error)))
        return
    with contextlib.suppress(EOFError, OSError):  # the trainer is gone
        while True:
            own, step, epoch, trainable = pipe.recv()
            _take_slices(pipe, Path(folder), series, snapshots[own], step, epoch, trainable)


def _take_slices(
    pipe: Any,
    folder: Path,
    series: SeriesOfSlices,
    snapshot: SharedSnapshot,
    step: int,
    epoch: float | None,
    trainable: bytes,
) -> None:
    model = series.surface.model
    names: list[str] = []
    try:
        snapshot.read(model)
        for is_trained, parameter in zip(trainable, model.parameters(), strict=True):
            parameter.requires_grad_(bool(is_trained))
        names = series.names()
    except Exception as error:
        pipe.send(("failed", "all series", _text(error)))
    for number, name in enumerate(names):
        try:
            slice_ = series.take(name, step, epoch)
            path = folder / f"{step}-{number}.slice"
            slice_.save(path)
        except Exception as error:
            pipe.send(("failed", name, _text(error)))
        else:
            pipe.send(("slice", name, str(path)))
    pipe.send(("done",))


def _text(error: Exception) -> str:
    """What is told of an error; short, so that it fits into the pipe's buffer."""
    return f"{type(error).__name__}: {error}"[:1000]


def _end_with_trainer(folder: str) -> None:
    """End this process when the trainer has ended, also in the middle of a slice."""
    trainer = multiprocessing.parent_process()
    assert trainer is not None
    while not connection.wait([trainer.sentinel], timeout=1.0):
        # One that the trainer forked may outlive it and hold the sentinel.
        if os.name == "posix" and os.getppid() != trainer.pid:
            break
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
