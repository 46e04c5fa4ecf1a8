"""Ranks that slice together: who measures what, and how they tell each other.

All that they exchange are small messages about points, over a gloo group of their own: it works
beside any other backend, and its timeout is the bound within which a missing rank is noticed.
"""

from __future__ import annotations

import datetime
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from torch import Tensor, nn

from pysclice.core.averages import Measurements
from pysclice.core.sharding import is_sharded
from pysclice.core.shares import joined, share
from pysclice.slices import Float64

_Value = TypeVar("_Value")

# At the focus point ranks find the same up to rounding, unless they look at different things.
_TOLERANCE = 1e-3


class RankError(RuntimeError):
    """Another rank failed, is gone, or does something else."""


@dataclass(frozen=True)
class _Message:
    """What a rank tells the others: where it is, and what it found there."""

    place: str
    content: Any = None
    failure: str = ""


@dataclass(frozen=True)
class Sent:
    """What a rank has told the others so far.

    Attributes:
        messages: how many; each is answered by one of every other rank.
        nbytes: how many bytes they had, pickled.
    """

    messages: int = 0
    nbytes: int = 0


class Ranks:
    """The ranks of a process group, which all take the same slices at the same time.

    Args:
        group: of torch.distributed; None for all ranks.
        timeout: seconds that a rank waits for the others once its own share is done.

    Raises:
        RankError: another rank did not make its own in this time.

    Attributes:
        sent: what this rank has told the others.
    """

    def __init__(self, group: Any = None, timeout: float = 600.0) -> None:
        import torch.distributed as dist

        members = dist.get_process_group_ranks(group or dist.group.WORLD)
        self.timeout = timeout
        self.rank = members.index(dist.get_rank())
        self.size = len(members)
        self.sent = Sent()
        self._broken = ""
        self._place = ""
        self._told: BaseException | None = None
        try:
            self._group = dist.new_group(
                members,
                timeout=datetime.timedelta(seconds=timeout),
                backend="gloo",
                use_local_synchronization=True,
            )
        except Exception as error:  # of types that depend on torch's version
            raise RankError(
                f"Not all {self.size} ranks made their surface within {timeout:g} seconds. Make "
                "the LossSurface on every rank, or let this one slice alone: "
                "LossSurface(..., process_group=None)."
            ) from error

    @property
    def broken(self) -> bool:
        """Whether a rank was missing: from then on nothing can be exchanged."""
        return bool(self._broken)

    @property
    def first(self) -> bool:
        """Whether this rank writes what all found."""
        return self.rank == 0

    def agreed(self, value: _Value) -> _Value:
        """The first rank's value, on all ranks."""
        found: _Value = self._exchange(_Message(self._place, value))[0]
        return found

    def of_first(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Those tensors of the first rank that another rank has otherwise, on all ranks."""
        own = {
            name: tensor.detach()
            for name, tensor in tensors.items()
            if tensor.is_floating_point() and not is_sharded(tensor)
        }
        sums = {
            n: repr([float(t.double().sum()), float(t.double().norm())]) for n, t in own.items()
        }
        everywhere = self._exchange(_Message(self._place, sums))
        names = [n for n, s in everywhere[0].items() if any(o.get(n) != s for o in everywhere)]
        if not names:
            return {}
        values = self.agreed({name: own[name].cpu() for name in names} if self.first else {})
        return {name: value.to(own[name].device) for name, value in values.items()}

    def clock(self, clock: Callable[[], float] = time.perf_counter) -> Callable[[], float]:
        """The first rank's clock, so that what depends on time is decided alike on all ranks."""
        return lambda: self.agreed(clock())

    @contextmanager
    def together(self, place: str) -> Iterator[None]:
        """Inside, this rank does what all ranks do; what fails on one of them fails on all.

        Args:
            place: what is being done, as a text; ranks that do different things are told so.

        Raises:
            RankError: another rank failed, is gone, or is elsewhere.
        """
        before, self._place = self._place, place
        try:
            yield
            self._exchange(_Message(place))
        except Exception as error:
            self._tell(error)
            raise
        finally:
            self._place = before

    def measure(
        self, coefficients: Float64, center: int | None, evaluate: Callable[[Float64], Measurements]
    ) -> Measurements:
        """Measure points, each rank a share of them, and the center on every rank.

        Args:
            coefficients: (points, directions).
            center: which of the points is the center, if one is.
            evaluate: measures some of the points.
        """
        numbers = [share(len(coefficients), center, rank, self.size) for rank in range(self.size)]
        own = self._attempt(lambda: evaluate(coefficients[numbers[self.rank]]))
        found: list[Measurements] = self._exchange(_Message(self._place, own))
        if center is not None:
            self._check_center([part.values for part in found], [n.index(center) for n in numbers])
        measured = joined(len(coefficients), list(zip(numbers, found, strict=True)))
        measured.evaluation["ranks"] = [len(own) for own in numbers]
        return measured

    def same(
        self, coefficients: Float64, center: int | None, evaluate: Callable[[Float64], Measurements]
    ) -> Measurements:
        """Measure points, all of them on every rank, since no rank can run the model alone."""
        own = self._attempt(lambda: evaluate(coefficients))
        found: list[dict[str, Float64]] = self._exchange(_Message(self._place, own.values))
        if center is not None:
            self._check_center(found, [center] * self.size)
        own.evaluation["ranks"] = [len(coefficients)] * self.size
        return own

    def _check_center(self, values: list[dict[str, Float64]], places: list[int]) -> None:
        for channel, expected in values[0].items():
            here = expected[places[0]]
            for rank, found in enumerate(values):
                there = found.get(channel, np.full(len(expected), np.nan))[places[rank]]
                if not np.isclose(there, here, rtol=_TOLERANCE, atol=1e-12, equal_nan=True):
                    raise RankError(
                        f"At the focus point rank 0 found {channel} {here:.6g}, and rank {rank} "
                        f"{there:.6g}. Ranks that slice together need the same parameters and the "
                        "same examples: give the surface data that are not divided among ranks (no "
                        "DistributedSampler), or let each slice alone: "
                        "LossSurface(..., process_group=None)."
                    )

    def _attempt(self, find: Callable[[], _Value]) -> _Value:
        """What ``find`` gives; what it raises is told to the others, who wait for it."""
        try:
            return find()
        except Exception as error:
            self._tell(error)
            raise

    def _tell(self, error: Exception) -> None:
        if isinstance(error, RankError) or error is self._told:
            return
        self._told = error
        try:
            self._exchange(_Message(self._place, failure=f"{type(error).__name__}: {error}"))
        except RankError as other:
            # Its own failure says more than that the others failed, too.
            if sys.version_info >= (3, 11):
                error.add_note(str(other))

    def _exchange(self, message: _Message) -> list[Any]:
        import torch.distributed as dist

        if self._broken:
            raise RankError(f"{self._broken} Nothing can be sliced together any more.")
        found: list[Any] = [None] * self.size
        # Pickled here, so that it is counted; the ranks are one program and trust each other.
        sent = pickle.dumps(message)
        self.sent = Sent(self.sent.messages + 1, self.sent.nbytes + len(sent))
        try:
            dist.all_gather_object(found, sent, group=self._group)
        except Exception as error:  # of types that depend on torch's version
            self._broken = (
                f"Rank {self.rank} of {self.size} did not hear from all others within "
                f"{self.timeout:g} seconds"
                if "imed out" in str(error)
                else f"Rank {self.rank} of {self.size} lost another one, which has ended"
            ) + (f", at {self._place}." if self._place else ".")
            raise RankError(
                f"{self._broken} Every rank has to take the same slices at the same time. Look for "
                "an error in the output of the other ranks."
            ) from error
        messages: list[_Message] = [pickle.loads(received) for received in found]
        failed = [(rank, m.failure) for rank, m in enumerate(messages) if m.failure]
        if failed and not message.failure:
            rank, failure = failed[0]
            raise RankError(
                f"Rank {rank} failed at {messages[rank].place or 'its slice'}: {failure}"
            )
        places = {m.place for m in messages}
        if len(places) > 1 and not failed:
            where = ", ".join(f"rank {rank} at {m.place!r}" for rank, m in enumerate(messages))
            raise RankError(
                f"The ranks are at different slices: {where}. Call the logger on every rank with "
                "the same steps, and give every rank the same slicers."
            )
        return [m.content for m in messages]


def ranks_of(model: nn.Module, sharded: bool, process_group: Any, timeout: float) -> Ranks | None:
    """The ranks that slice a model together; None where this one slices alone.

    Args:
        model: as the user has it, wrapped or not.
        sharded: whether its parameters are divided among ranks.
        process_group: a group of torch.distributed, ranks that were made before, None, or
            ``"auto"``.
        timeout: see ``Ranks``.

    Raises:
        ValueError: a sharded model is to be sliced alone.
    """
    if isinstance(process_group, Ranks):
        return process_group
    import torch.distributed as dist

    running = dist.is_available() and dist.is_initialized()
    if process_group is None:
        if sharded and running and dist.get_world_size() > 1:
            raise ValueError(
                "This model is divided among ranks, so none of them can slice it alone. Leave "
                "process_group out, and call the same slices on every rank."
            )
        return None
    if isinstance(process_group, str):
        if process_group != "auto":
            raise ValueError(f"process_group is {process_group!r}, expected a group or None.")
        replicated = isinstance(model, nn.parallel.DistributedDataParallel)
        if not running or not (sharded or replicated):
            return None
        process_group = model.process_group if replicated else None
    ranks = Ranks(process_group, timeout)
    return ranks if ranks.size > 1 or sharded else None
