"""Several processes that share the work, and hand over what they found through files.

Nothing is sent while slices are taken, so no process waits for another one, and none is lost with
it: a finished slice is a file, whoever dies. One process, rank 0, writes all of them into the one
event file. What the processes agree on at the start goes through the store that ``torchrun`` has
set up for them.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from pysclice.core.kept_points import write_whole

_BEAT_SECONDS = 2.0
_START_SECONDS = 3600.0  # rank 0 may have much to read before the others can start


@dataclass(frozen=True)
class Share:
    """Which part of the work is this process's own.

    Attributes:
        rank: 0 to ``world - 1``.
        world: how many processes there are.
        local_rank: number of the process on its machine.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @classmethod
    def of_this_process(cls) -> Share:
        """As ``torchrun`` has set it in the environment; alone where nothing is set.

        Raises:
            ValueError: the environment makes no sense.
        """
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
            return cls()
        given = {name: os.environ.get(name, "0") for name in names}
        try:
            rank, world, local_rank = (int(value) for value in given.values())
        except ValueError as error:
            raise ValueError(f"{given} are no numbers. Start the command by torchrun.") from error
        if not 0 <= rank < world:
            raise ValueError(
                f"RANK is {rank} of WORLD_SIZE {world}. Start the command by torchrun."
            )
        return cls(rank, world, local_rank)


class Agreement:
    """What rank 0 decides for all of them.

    Args:
        share: of this process.
    """

    def __init__(self, share: Share) -> None:
        self._rank = share.rank
        self._store: Any = None
        if share.world > 1:
            from torch.distributed.rendezvous import rendezvous

            self._store, _, _ = next(iter(rendezvous("env://")))

    def on(self, name: str, decide: Callable[[], str]) -> str:
        """What rank 0 decides; the others wait for it."""
        if self._store is None:
            return decide()
        key = f"pysclice/{name}"
        if self._rank == 0:
            decided = decide()
            self._store.set(key, decided)
            return decided
        import datetime

        self._store.wait([key], datetime.timedelta(seconds=_START_SECONDS))
        return bytes(self._store.get(key)).decode()


@dataclass
class RankState:
    """What is known of another process.

    Attributes:
        rank: its number.
        state: ``"unknown"``, ``"working"``, ``"finished"``, ``"failed"`` or ``"lost"``.
        errors: what went wrong there, in sentences.
    """

    rank: int
    state: str = "unknown"
    errors: list[str] = field(default_factory=list)
    _beat: int = -1
    _seen: float = 0.0


class Roster:
    """The processes of one session: each says in a file of its own that it is at work.

    Args:
        folder: which all of them see.
        share: of this process.
        patience: seconds without a sign after which a process counts as lost.
    """

    def __init__(self, folder: Path, share: Share, patience: float = 120.0) -> None:
        self.folder = folder
        self.share = share
        self.patience = patience
        now = time.monotonic()
        self.others = [
            RankState(rank, _seen=now) for rank in range(share.world) if rank != share.rank
        ]
        self._state = "working"
        self._errors: list[str] = []
        self._count = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Roster:
        if self.share.world > 1:
            self._say()
            self._thread = threading.Thread(target=self._beat, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join()

    def end(self, errors: list[str]) -> None:
        """Say that this process has done what it could, and what it could not do."""
        self._state, self._errors = ("failed" if errors else "finished"), errors
        if self.share.world > 1:
            self._say()

    def wait(self, until: Callable[[RankState], bool], meanwhile: Callable[[], object]) -> None:
        """Wait until each of the other processes is as wanted, or is lost.

        Args:
            until: whether another process need not be waited for any more.
            meanwhile: called again and again, and once more at the end.
        """
        while True:
            waiting = False
            for other in self.others:
                self._look(other)
                waiting |= not until(other) and other.state != "lost"
            meanwhile()
            if not waiting:
                return
            time.sleep(0.2)

    def _look(self, other: RankState) -> None:
        if other.state in ("finished", "failed"):
            return
        path = self._file(other.rank)
        if other._beat >= 0 and not path.exists():
            other.state = "finished"  # rank 0 removes what nobody needs any more, as its last act
            return
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            beat, state, errors = int(told["beat"]), str(told["state"]), list(told["errors"])
        except (OSError, ValueError, KeyError, TypeError):
            beat, state, errors = other._beat, other.state, other.errors
        # Clocks of machines differ: what counts is when the number was seen to change.
        if beat != other._beat:
            other._beat, other._seen = beat, time.monotonic()
            other.state, other.errors = state, errors
        elif time.monotonic() - other._seen > self.patience:
            other.state = "lost"

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT_SECONDS):
            self._say()

    def _say(self) -> None:
        with self._lock:
            self._count += 1
            told = {"beat": self._count, "state": self._state, "errors": self._errors}
            data = json.dumps(told).encode()
            try:
                write_whole(self._file(self.share.rank), lambda file: file.write(data))
            except OSError:  # the next one may succeed; a disk that is full is told elsewhere
                return

    def _file(self, rank: int) -> Path:
        return self.folder / f"rank-{rank}.json"


def new_session() -> str:
    """A name that no earlier session had."""
    return secrets.token_hex(8)
