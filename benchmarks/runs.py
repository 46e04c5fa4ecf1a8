"""Rows of the table as they were asked for, in this process or in one of their own."""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import torch

from benchmarks.cases import cases
from benchmarks.contenders import OURS
from benchmarks.rows import Row, row
from benchmarks.tasks import Task, tasks
from benchmarks.timing import Pace, clock


@dataclass(frozen=True)
class Settings:
    """What was asked for on the command line."""

    what: str
    models: list[str]
    threads: int | None
    rounds: int
    device: str
    quick: bool
    with_peers: bool

    @property
    def pace(self) -> Pace:
        if self.quick:
            return Pace(self.rounds, 5, 0.1, 0.1)
        if self.what == "gates":
            return Pace(self.rounds, 40, 2.0, 0.4)
        return Pace(self.rounds, 60, 1.0, 0.7)


def all_tasks(settings: Settings) -> list[Task]:
    """All tasks of the models that were asked for, which are trained here."""
    known = cases(settings.device)
    return [task for name in settings.models for task in tasks(known[name](), settings.quick)]


def measured_row(
    task: Task, settings: Settings, threads: int, among: set[str] | None = None
) -> Row:
    """A row, measured here.

    Args:
        task: what.
        settings: how.
        threads: for everyone.
        among: names of own contenders; all if left out.
    """
    use_threads(threads)
    began = time.perf_counter()
    now = clock(threads, settings.device)
    found = row(task, settings.pace, now, among=among, with_peers=settings.with_peers)
    say(f"{task.name}, {threads} thread(s): {time.perf_counter() - began:.0f} s")
    return found


def row_apart(task: Task, settings: Settings, threads: int, others: set[str]) -> Row:
    """A row from a process of its own, so that nobody finds a heap that another task left.

    Args:
        task: what.
        settings: how.
        threads: for everyone.
        others: names of own contenders besides pysclice.
    """
    context = multiprocessing.get_context("spawn")
    only = dataclasses.replace(settings, models=[task.case.name])
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as process:
        return process.submit(_row_of, task.name, only, threads, {OURS} | others).result()


def _row_of(name: str, settings: Settings, threads: int, among: set[str]) -> Row:
    warnings.simplefilter("ignore")
    use_threads(1)  # as where the models were trained that others are compared on
    task = next(task for task in all_tasks(settings) if task.name == name)
    return measured_row(task, settings, threads, among)


def use_threads(threads: int) -> None:
    """So many for torch and for numpy's linear algebra, which some tools use."""
    torch.set_num_threads(threads)
    importlib.import_module("threadpoolctl").threadpool_limits(threads, user_api="blas")


def say(what: str) -> None:
    """Tell whoever waits how far it is."""
    print(what, file=sys.stderr, flush=True)
