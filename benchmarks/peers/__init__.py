"""Other tools, one file each, in the form their own documentation shows."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import importlib.util
import math

import numpy as np

from benchmarks.contenders import Contender, Unable
from benchmarks.peers.adapter import Peer
from benchmarks.tasks import Task
from benchmarks.timing import told
from pysclice.slices import Float64

# Fast ones first.
_MODULES = (
    "loss_landscapes",
    "gradfield",
    "landscaper",
    "nngeom",
    "orqviz",
    "losscape",
    "loss_landscape_3d",
    "loss_landscape_anim",
    "pylandscape",
)

# A loss in single precision, averaged over batches or over all examples at once.
_TOLERANCE = 1e-4


def peers() -> dict[str, Peer]:
    """Name of the distribution -> adapter, of those that are installed."""
    found = {}
    for module in _MODULES:
        peer: Peer = importlib.import_module(f"benchmarks.peers.{module}")
        if importlib.util.find_spec(peer.PACKAGE) is not None:
            found[peer.NAME] = peer
    return found


def missing() -> list[str]:
    """Names of those that are not installed."""
    adapters = [importlib.import_module(f"benchmarks.peers.{module}") for module in _MODULES]
    return [peer.NAME for peer in adapters if peer.NAME not in peers()]


def versions() -> list[str]:
    """Names and versions of those that are installed."""
    return [f"{name} {importlib.metadata.version(name)}" for name in peers()]


def contenders(task: Task) -> tuple[dict[str, Contender], dict[str, str]]:
    """The peers that may do a task, and why others do not begin to.

    Their runs fail unless the values are finite, differ, and agree with the model at the center.
    """
    able: dict[str, Contender] = {}
    unable: dict[str, str] = {}
    for name, peer in peers().items():
        try:
            one = peer.contender(task)
        except Exception as error:  # another tool's error is a finding
            unable[name] = told(error)
        else:
            able[name] = dataclasses.replace(one, run=_Checked(peer, one, task), peer=True)
    return able, unable


class _Checked:
    """Runs of a peer whose smallest one has to be right."""

    def __init__(self, peer: Peer, one: Contender, task: Task) -> None:
        self._peer = peer
        self._one = one
        self._task = task

    def __call__(self, samples: int) -> Float64:
        losses = self._one.run(samples)
        if samples == 3:
            _check(losses, self._peer.center(self._task, losses), self._task.case.center())
        return losses


def _check(losses: Float64, found: float, center: float) -> None:
    if not np.isfinite(losses).all():
        raise Unable("its values are not finite")
    if np.ptp(losses) == 0.0:
        raise Unable("its values are the same everywhere")
    if not math.isclose(found, center, rel_tol=_TOLERANCE):
        raise Unable(f"its loss at the center is {found:.6g}, the model's is {center:.6g}")
