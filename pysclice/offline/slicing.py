"""Slices of many checkpoints, taken one after the other and written as a training's would be."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from pysclice import __version__
from pysclice.core.checkpoints import (
    Held,
    fitted,
    load_into,
    newest_match,
    read_checkpoint,
    signature,
)
from pysclice.core.kept_points import KeptPoints, write_whole
from pysclice.core.parameters import bits_fingerprint
from pysclice.core.surface import LossSurface, Slicer
from pysclice.events import SliceWriter, read_slices
from pysclice.logger.series import SeriesOfSlices
from pysclice.offline.expression import canonical, slicer_from
from pysclice.offline.ranks import Agreement, Roster, Share, new_session
from pysclice.offline.series_of_checkpoints import Stored, found_checkpoints
from pysclice.offline.surface_from import source_fingerprint, surface_from
from pysclice.slicers.line import Line
from pysclice.slicers.plane import Plane
from pysclice.slices import Slice, SliceFormatError

WORK_FOLDER = ".pysclice"
NOTE = "offline"
# What was not written to for so long belongs to a process that was killed.
_ABANDONED_SECONDS = 600.0


@dataclass(frozen=True)
class Request:
    """What is to be sliced, how, and where the slices go.

    Attributes:
        checkpoints: files, folders and patterns.
        module: ``my_project:build``.
        slicers: series name -> text of the slicer; empty for the logger's default set.
        logdir: the directory that TensorBoard is started with.
        run: below it; ``""`` for the directory itself.
        step: of a single checkpoint, if not its own.
        examples: measure on a draw of this many examples; all by default.
        device: where the model goes; by default it stays where it was built.
        strict: whether names that are missing or unexpected in a checkpoint are an error.
        keep_seconds: how much work an interruption may cost, where a row takes less.
    """

    checkpoints: Sequence[str]
    module: str
    slicers: dict[str, str]
    logdir: Path
    run: str = ""
    step: int | None = None
    examples: int | None = None
    device: str | None = None
    strict: bool = True
    keep_seconds: float = 10.0


@dataclass
class Outcome:
    """How it went.

    Attributes:
        written: how many slices were written to the event file.
        total: how many there are in the end, if nothing fails.
        errors: what failed, in sentences; of other processes too, at rank 0.
    """

    written: int = 0
    total: int = 0
    errors: list[str] = field(default_factory=list)


def slice_checkpoints(request: Request, told: Callable[[str], None] = print) -> Outcome:
    """Take all slices that are not there yet.

    Alone, or as one of the processes that ``torchrun`` started: then each takes the checkpoints
    ``rank``, ``rank + world size``, ... of them, and rank 0 writes what all of them find.

    Args:
        request: what to do.
        told: takes a line about each slice.

    Raises:
        FileNotFoundError, ModuleError, ValueError: the request makes no sense; nothing was sliced.
    """
    share = Share.of_this_process()
    place = request.logdir / request.run
    _check_run(request)
    work = request.logdir / WORK_FOLDER / _folder_name(request.run)
    agreement = Agreement(share)
    # Seen by one of them: a training that still goes on may write another one meanwhile.
    checkpoints = _from_text(agreement.on("checkpoints", lambda: _found(request, told)))
    with _Outlet(place, work, share) as outlet:
        # Before anybody looks at what is there: what a former session left behind.
        session = agreement.on("session", lambda: _begun(outlet))
        done = outlet.keys()
        with Roster(work / "ranks" / session, share) as ranks:
            outcome = Outcome()
            try:
                surface = surface_from(request.module, _own_device(request.device, share))
                slicers = _slicers(request, surface, work, agreement)
                outcome.total = len(checkpoints) * len(slicers)
                job = _Work(request, surface, slicers, checkpoints, work, outlet, done, told)
                job.run(share, outcome)
            except Exception as error:
                if share.world == 1:
                    raise
                outcome.errors.append(str(error))
            if share.rank == 0:
                ranks.wait(lambda other: _ended(other.state), outlet.collect)
                outcome.errors += _of_others(ranks)
                ranks.end(outcome.errors)
            else:
                # One that fails and ends before the last slice is written ends all of them.
                ranks.end(outcome.errors)
                ranks.wait(lambda other: other.rank != 0 or _ended(other.state), lambda: None)
        outcome.written = outlet.written
        if share.rank == 0:
            outlet.clear(work / "ranks" / session)
    return outcome


def _found(request: Request, told: Callable[[str], None]) -> str:
    checkpoints, left_out = found_checkpoints(request.checkpoints, request.step)
    for sentence in left_out:
        told(sentence)
    return json.dumps([[str(one.path), one.step, one.epoch] for one in checkpoints])


def _from_text(text: str) -> list[Stored]:
    return [Stored(Path(path), step, epoch) for path, step, epoch in json.loads(text)]


def _ended(state: str) -> bool:
    return state in ("finished", "failed")


def _of_others(ranks: Roster) -> list[str]:
    result = []
    for other in ranks.others:
        result += [f"Rank {other.rank}: {error}" for error in other.errors]
        if other.state == "lost":
            result.append(
                f"Rank {other.rank} has given no sign for {ranks.patience:g} seconds. It was "
                "killed, or it does not see this log directory, which all machines have to share."
            )
    return result


def _begun(outlet: _Outlet) -> str:
    outlet.collect()
    return new_session()


class _Work:
    """The slices of one process."""

    def __init__(
        self,
        request: Request,
        surface: LossSurface,
        slicers: dict[str, str],
        checkpoints: Sequence[Stored],
        work: Path,
        outlet: _Outlet,
        done: set[str],
        told: Callable[[str], None],
    ) -> None:
        self._request = request
        self._surface = surface
        self._texts = slicers
        self._slicers = {name: slicer_from(text) for name, text in slicers.items()}
        self._checkpoints = checkpoints
        self._outlet = outlet
        self._done = done
        self._told = told
        self._points = KeptPoints(work / "points", request.keep_seconds)
        self._settled: dict[str, Slicer] = {}
        self._files: dict[tuple[object, ...], str] = {}
        self._first = ""
        # Of what a checkpoint lacks, each starts from what the model was built with.
        self._built = {} if request.strict else _copied(surface)

    def run(self, share: Share, outcome: Outcome) -> None:
        """Slice this process's checkpoints."""
        own = self._checkpoints[share.rank :: share.world]
        with _bar(len(own), share.rank) as (advance, told):
            if told is not None:
                self._told = told
            for stored in own:
                self._slice_all(stored, outcome, share)
                advance()

    def _slice_all(self, stored: Stored, outcome: Outcome, share: Share) -> None:
        """All series of one checkpoint; what fails is told, and the others are not lost."""
        loaded: str | None = None
        for series in self._slicers:
            try:
                if loaded is None:
                    loaded = self._load(stored)
                key = self._key(stored, series, loaded)
                if key in self._done:
                    self._points.below(key).forget()
                    self._told(f"step {stored.step}  {series}  was there already")
                    continue
                slice_ = self._slice(stored, series, loaded, key, share)
                self._outlet.take(slice_, key)
                self._points.below(key).forget()
                self._told(_line(slice_))
            except Exception as error:
                what = str(error) or type(error).__name__
                if not isinstance(error, ValueError | OSError | ImportError):
                    what = f"{type(error).__name__}: {what}"
                sentence = f"{stored.path.name}, {series}: {what}"
                if loaded is None:  # the same for every series
                    sentence = f"{stored.path.name}: {what}"
                outcome.errors.append(sentence)
                print(f"pysclice: {sentence}", file=sys.stderr, flush=True)
                if loaded is None:
                    return

    def _load(self, stored: Stored) -> str:
        """Load a checkpoint into the model; the fingerprint of its content."""
        held = read_checkpoint(stored.path)
        model = self._surface.model
        tensors = fitted(held.tensors, model, repr(stored.path.name), strict=self._request.strict)
        load_into(model, {**self._built, **tensors})
        # A start of an iteration from another checkpoint would make slices depend on their order.
        kept = self._surface.kept
        for key in [key for key in kept if not (isinstance(key, tuple) and key[0] == "backend")]:
            del kept[key]
        return bits_fingerprint(tensors)

    def _slice(
        self, stored: Stored, series: str, fingerprint: str, key: str, share: Share
    ) -> Slice:
        slicer = self._with_choices(stored, series)
        surface = self._surface
        surface.kept_points = self._points.below(key)
        try:
            found = surface.slice(
                slicer,
                series=series,
                step=stored.step,
                epoch=stored.epoch,
                examples=self._request.examples,
                progress=False if share.rank else None,
            )
        finally:
            surface.kept_points = None
        note = {
            "checkpoint": stored.path.name,
            "fingerprint": fingerprint,
            "slicer": self._texts[series],
            "key": key,
        }
        return dataclasses.replace(found, notes={**found.notes, NOTE: note})

    def _with_choices(self, stored: Stored, series: str) -> Slicer:
        """The slicer with its choices made at the first checkpoint: all share their axes."""
        slicer = self._slicers[series]
        if not _chooses(slicer):
            return slicer
        if series not in self._settled:
            first = self._checkpoints[0]
            if stored is not first:
                self._load(first)
            try:
                settle = slicer.settled  # type: ignore[attr-defined]  # `_chooses` has seen it
                self._settled[series] = settle(self._surface, self._surface.parameters())
            finally:
                if stored is not first:
                    self._load(stored)
        return self._settled[series]

    def _key(self, stored: Stored, series: str, fingerprint: str) -> str:
        """Of everything that decides about a slice: 32 hexadecimal digits."""
        request, slicer = self._request, self._slicers[series]
        examples = request.examples
        surface = self._surface if examples is None else self._surface.subsampled(examples)
        if _chooses(slicer) and not self._first:
            held = read_checkpoint(self._checkpoints[0].path)
            self._first = bits_fingerprint(held.tensors)
        decides = {
            "version": __version__,
            "series": series,
            "step": stored.step,
            "epoch": stored.epoch,
            "checkpoint": fingerprint,
            "chosen at": self._first if _chooses(slicer) else "",
            "slicer": canonical(self._texts[series]),
            "files": [self._content(path) for path in _paths_in(slicer)],
            "surface": surface.settings(self._points),
            "source": source_fingerprint(request.module),
            "strict": request.strict,
        }
        text = json.dumps(decides, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _content(self, path: str) -> str:
        """The fingerprint of a checkpoint that a slicer looks at; read again where it changed."""
        found = newest_match(path)
        assert found is not None
        now = signature(found)
        if now not in self._files:
            held: Held = read_checkpoint(path)
            self._files[now] = bits_fingerprint(held.tensors)
        return self._files[now]


class _Outlet:
    """Where finished slices go: into the event file at rank 0, into files for it elsewhere."""

    def __init__(self, place: Path, work: Path, share: Share) -> None:
        self.written = 0
        self._place = place
        self._work = work
        self._records = work / "records"
        self._rank = share.rank
        self._writer: SliceWriter | None = None
        self._in_events = _keys_in(place)

    def __enter__(self) -> _Outlet:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def keys(self) -> set[str]:
        """The keys of all slices that are finished."""
        return _keys_in(self._place) | {path.stem for path in self._records.glob("*.slice")}

    def take(self, slice_: Slice, key: str) -> None:
        """Put a slice where it cannot get lost any more."""
        if self._rank == 0:
            self._write(slice_, key)
            self.collect()
        else:
            data = slice_.to_bytes()
            write_whole(self._records / f"{key}.slice", lambda file: file.write(data))

    def collect(self) -> None:
        """Write what other processes have handed over."""
        for path in sorted(self._records.glob("*.slice")):
            try:
                slice_ = Slice.from_bytes(path.read_bytes())
            except (OSError, SliceFormatError):
                slice_ = None
            # Written already, where a former session was killed before it could remove the file.
            if slice_ is not None and path.stem not in self._in_events:
                self._write(slice_, path.stem)
            path.unlink(missing_ok=True)

    def clear(self, session: Path) -> None:
        """Remove what nobody needs any more; what is unfinished stays for the next time."""
        shutil.rmtree(session, ignore_errors=True)
        for folder in (self._records, *session.parent.glob("*")):
            _sweep(folder)
        places = (
            *session.parent.glob("*"),
            session.parent,
            self._work / "points",
            self._records,
            self._work,
        )
        for folder in (*places, self._work.parent):
            try:
                folder.rmdir()
            except OSError:  # there is something in it, or no such folder
                continue

    def _write(self, slice_: Slice, key: str) -> None:
        if self._writer is None:
            self._writer = SliceWriter(self._place)
        self._writer.write(slice_)
        self._in_events.add(key)
        self.written += 1


def _sweep(folder: Path) -> None:
    """Remove signs of life of killed processes, and what they had begun to write."""
    for path in (*folder.glob(".*"), *folder.glob("rank-*.json")):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()


def _keys_in(place: Path) -> set[str]:
    """The keys of the slices that a run's event files hold; of a step, the newest one's."""
    if not place.is_dir():
        return set()
    with warnings.catch_warnings():
        # What cannot be read is not finished, and is written anew.
        warnings.simplefilter("ignore", RuntimeWarning)
        runs = read_slices(place)
    slices = (s for series in runs.get(".", {}).values() for s in series.values())
    notes = (slices_of.notes.get(NOTE) for slices_of in slices)
    return {str(note["key"]) for note in notes if isinstance(note, dict) and "key" in note}


def _slicers(
    request: Request, surface: LossSurface, work: Path, agreement: Agreement
) -> dict[str, str]:
    """Series name -> text; a default set is chosen once, by the time of an evaluation."""
    if request.slicers:
        return request.slicers
    path = work / "default-slicers.json"

    def decide() -> str:
        try:
            text = path.read_text(encoding="utf-8")
            if all(isinstance(slicer_from(spec), object) for spec in json.loads(text).values()):
                return text
        except (OSError, ValueError, AttributeError):
            pass
        chosen = SeriesOfSlices(surface, None)
        chosen.names()
        text = json.dumps({name: _text_of(chosen.slicer(name)) for name in chosen.names()})
        write_whole(path, lambda file: file.write(text.encode()))
        return text

    found: dict[str, str] = json.loads(agreement.on("slicers", decide))
    return found


def _text_of(slicer: Any) -> str:
    """The text of one of the default slicers: what differs from its class's defaults."""
    parts = []
    for entry in dataclasses.fields(slicer):
        value = getattr(slicer, entry.name)
        required = entry.default is dataclasses.MISSING
        required &= entry.default_factory is dataclasses.MISSING
        if required:
            parts.append(_text_of(value) if dataclasses.is_dataclass(value) else repr(value))
        elif (
            entry.init
            and entry.repr
            and value != entry.default
            and not dataclasses.is_dataclass(value)
        ):
            parts.append(f"{entry.name}={value!r}")
    return f"{type(slicer).__name__}({', '.join(parts)})"


def _chooses(slicer: object) -> bool:
    """Whether a slicer chooses something at the first step of its series."""
    if isinstance(slicer, Line | Plane):
        return slicer.span == "auto"
    return hasattr(slicer, "settled")


def _paths_in(value: object) -> Iterator[str]:
    """The checkpoints on the disk that a slicer looks at, however deep in it."""
    for name in ("other", "source"):
        path = getattr(value, name, None)
        if isinstance(path, str):
            yield path
    if isinstance(value, list | tuple):
        for part in value:
            yield from _paths_in(part)
    elif dataclasses.is_dataclass(value):
        for entry in dataclasses.fields(value):
            if not entry.name.startswith("_"):
                yield from _paths_in(getattr(value, entry.name))


def _copied(surface: LossSurface) -> dict[str, torch.Tensor]:
    state = surface.model.state_dict()
    return {n: t.detach().clone() for n, t in state.items() if isinstance(t, torch.Tensor)}


def _own_device(device: str | None, share: Share) -> str | None:
    """``cuda`` means another GPU for each process of a machine."""
    return f"cuda:{share.local_rank}" if device == "cuda" and share.world > 1 else device


def _check_run(request: Request) -> None:
    parts = Path(request.run).parts
    if Path(request.run).is_absolute() or ".." in parts or WORK_FOLDER in parts:
        raise ValueError(
            f"--run is {request.run!r}, expected a name below the log directory, such as 'mine'."
        )
    if request.logdir.exists() and not request.logdir.is_dir():
        raise ValueError(f"{str(request.logdir)!r} is a file, expected a log directory.")


def _folder_name(run: str) -> str:
    """A name for a run's working folder on every file system."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", run)[:40]
    digest = hashlib.blake2b(os.fsencode(run), digest_size=4).hexdigest()
    return f"{readable or 'run'}-{digest}"


def _line(slice_: Slice) -> str:
    """A line about a slice, for a file as much as for people."""
    channel = slice_.channels[0]
    center = float(slice_.center[channel][0])
    shape = " x ".join(str(size) for size in slice_.shape if size > 1) or "1"
    return (
        f"step {slice_.step}  {slice_.series}  {shape}  {channel} {center:.4g}  "
        f"{slice_.seconds:.1f} s"
    )


@contextmanager
def _bar(
    total: int, rank: int
) -> Iterator[tuple[Callable[[], object], Callable[[str], None] | None]]:
    """A bar over checkpoints where a terminal is there; what moves it on, and what writes above."""
    if rank or not sys.stderr.isatty():
        yield (lambda: None), None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc="checkpoints", unit="") as bar:
        yield bar.update, bar.write
