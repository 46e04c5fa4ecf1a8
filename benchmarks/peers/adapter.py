"""What an adapter is, and what several of them need."""

from __future__ import annotations

import contextlib
import copy
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.contenders import Contender
from benchmarks.data import Pairs
from benchmarks.tasks import Task
from pysclice.slices import Float64


class Peer(Protocol):
    """A module of this folder.

    Attributes:
        NAME: of the distribution.
        PACKAGE: what is imported.
    """

    NAME: str
    PACKAGE: str

    def contender(self, task: Task) -> Contender:
        """Someone who does the task; an error says why that is impossible."""
        ...

    def center(self, task: Task, losses: Float64) -> float:
        """The loss where the model stands, among those of three samples of each axis."""
        ...


def made(
    name: str,
    task: Task,
    run: Callable[[int], object],
    points: Callable[[int], int] | None = None,
    draw: Callable[[], object] | None = None,
    reads: Literal["once", "always"] = "once",
) -> Contender:
    """A contender whose prints and progress bars go nowhere.

    Args:
        name: of the tool.
        task: what it does.
        run: samples of each axis -> losses.
        points: samples of each axis -> how many points are evaluated.
        draw: the part of a run that draws directions, if it draws its own.
        reads: whether it reads the data once a slice, or at each point.
    """
    dimensions = task.dimensions

    def silent(samples: int) -> Float64:
        with quiet():
            return np.asarray(run(samples), dtype=np.float64).ravel()

    return Contender(
        name,
        silent,
        points or (lambda samples: samples**dimensions),
        task.most,
        dimensions,
        whole=task.case.from_loader and reads == "once",
        draw=draw,
    )


def batch(task: Task) -> Pairs:
    """All examples as one batch: for tools that take one. Part of the run, if a loader is read."""
    if not task.case.from_loader:
        return task.case.inputs, task.case.targets
    inputs, targets = (torch.cat(parts) for parts in zip(*task.case.loader(), strict=True))
    return inputs.to(task.case.inputs.device), targets.to(task.case.inputs.device)


def copied(task: Task) -> nn.Module:
    """A model of the tool's own, which it may leave anyhow."""
    return copy.deepcopy(task.case.model)


def directions(task: Task) -> list[dict[str, Tensor]]:
    """The task's directions, for tools that take directions."""
    return [dict(direction) for direction in task.directions]


def middle(task: Task, losses: Float64) -> float:
    """The loss at the center of a grid with an odd number of samples."""
    return float(losses[len(losses) // 2])


def flat(tensors: dict[str, Tensor]) -> Float64:
    """One vector, as tools that know no networks want it."""
    joined = torch.cat([tensor.detach().cpu().double().ravel() for tensor in tensors.values()])
    return np.asarray(joined.numpy(), dtype=np.float64)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Prints and progress bars go nowhere: they are not what is compared."""
    with Path(os.devnull).open("w") as nowhere:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield


def part(package: str, module: str) -> Any:
    """A module of a package whose own ``__init__`` asks for more than slices need."""
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ModuleNotFoundError(package)
        empty = importlib.util.module_from_spec(spec)  # without running it
        sys.modules[package] = empty
    return importlib.import_module(f"{package}.{module}")
