"""``python -m benchmarks``: how many times longer than pysclice others take, in one table.

Everyone takes a turn in every round, in one process and at a fixed number of threads, so that a
machine that slows down slows all of them. ``python -m benchmarks gates`` says whether what has to
be reached is reached.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from benchmarks import gates, peers, table
from benchmarks.cases import Case, cases
from benchmarks.contenders import NAIVE, OURS, own
from benchmarks.machine import description, peak_flops
from benchmarks.memory import peak_megabytes
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


def main(arguments: Sequence[str] | None = None) -> None:
    settings = _settings(arguments)
    # Other tools warn of what torch and numpy have deprecated since.
    warnings.simplefilter("ignore")
    # One thread until memory is measured: a process that used several cannot fork.
    use_threads(1)
    known = cases(settings.device)
    _say("training the models")
    made = [known[name]() for name in settings.models]
    if settings.what == "gates":
        print_gates(settings, made)
    else:
        print_table(settings, made)


def _settings(arguments: Sequence[str] | None) -> Settings:
    known = list(cases())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", choices=["table", "gates"], default="table")
    parser.add_argument("--models", nargs="+", choices=known, default=known, metavar="MODEL")
    parser.add_argument("--threads", type=int, help="default: 1; gates: 1, then 2")
    parser.add_argument("--rounds", type=int, help="at most; default: 5; quick: 2")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--quick", action="store_true", help="small tasks: shows that all works")
    parser.add_argument("--no-peers", action="store_true", help="leave other tools out")
    given = parser.parse_args(arguments)
    return Settings(
        given.what,
        given.models,
        given.threads,
        given.rounds or (2 if given.quick else 5),
        given.device,
        given.quick,
        not given.no_peers,
    )


def print_table(settings: Settings, made: Sequence[Case]) -> None:
    """All tasks, everyone, and memory."""
    threads = settings.threads or 1
    wanted = [task for case in made for task in tasks(case, settings.quick)]
    _say("measuring memory")
    memory = {task.name: _memory(task, threads, settings.device) for task in wanted}
    use_threads(threads)
    now = clock(threads, settings.device)
    peak = peak_flops(now, settings.device)
    rows = _rows(settings, wanted, threads)
    print(_head(settings, [threads], peak), end="\n\n")
    names = list(peers.peers()) if settings.with_peers else []
    print(table.markdown(rows, names, peak, memory, minima=threads > 1), end="\n\n")
    most = max(row.difference for row in rows)
    print(
        f"Losses differ from the naive loop's and the reference's by at most {most:.0e} of the "
        "loss plus 0.01, at the ends and middles of the axes.",
        end="\n\n",
    )
    print("\n".join(f"- {note}" for note in table.notes(rows)))


def print_gates(settings: Settings, made: Sequence[Case]) -> None:
    """One thread, with peers; then two, against the naive loop on two intra-op threads."""
    found: list[gates.Verdict] = []
    rows: list[Row] = []
    names = list(peers.peers()) if settings.with_peers else []
    known = [task for case in made for task in tasks(case, settings.quick)]
    if settings.threads in (None, 1):
        others = gates.others(gates.ONE_THREAD)
        wanted = [task for task in known if task.name in others or (names and task.whole)]
        one = {row.name: row for row in _rows(settings, wanted, 1, others)}
        found += gates.judged(gates.ONE_THREAD, one)
        found += gates.against_peers(one, names)
        found += gates.loader_reads()
        rows += one.values()
    if settings.threads in (None, 2) and settings.device == "cpu":
        others = gates.others(gates.TWO_THREADS)
        wanted = [task for task in known if task.name in others]
        alone = dataclasses.replace(settings, with_peers=False)
        two = {row.name: row for row in _rows(alone, wanted, 2, others)}
        found += [
            dataclasses.replace(verdict, gate=f"{verdict.gate}, two cores")
            for verdict in gates.judged(gates.TWO_THREADS, two, minima=True)
        ]
        rows += two.values()
    found += gates.same_values(rows)
    peak = peak_flops(clock(1, settings.device), settings.device)
    print(_head(settings, [settings.threads] if settings.threads else [1, 2], peak), end="\n\n")
    print(gates.markdown(found), end="\n\n")
    print("\n".join(f"- {note}" for note in table.notes(rows)))


def _rows(
    settings: Settings,
    wanted: Sequence[Task],
    threads: int,
    others: Mapping[str, set[str]] | None = None,
) -> list[Row]:
    use_threads(threads)
    now = clock(threads, settings.device)
    found = []
    for task in wanted:
        began = time.perf_counter()
        among = None if others is None else {OURS} | others.get(task.name, set())
        found.append(
            row(
                task,
                settings.pace,
                now,
                among=among,
                with_peers=settings.with_peers,
            )
        )
        _say(f"{task.name}, {threads} thread(s): {time.perf_counter() - began:.0f} s")
    return found


def _memory(task: Task, threads: int, device: str) -> list[float]:
    """MB of pysclice and, where it can do the task, of the naive loop."""
    runs = own(task)
    samples = {OURS: task.most, NAIVE: 3}
    return [
        peak_megabytes(functools.partial(runs[name].run, samples[name]), threads, device)
        for name in (OURS, NAIVE)
        if name in runs
    ]


def _head(settings: Settings, threads: Sequence[int], peak: float) -> str:
    used = " and ".join(map(str, threads)) + (" thread" if threads == [1] else " threads")
    parts = [
        f"{description(settings.device)}, {used}, {peak / 1e9:.0f} GFLOP/s in a matrix product",
        f"{settings.rounds} rounds or fewer",
    ]
    lines = ["; ".join(parts) + "."]
    if settings.with_peers:
        lines.append(f"Other tools: {', '.join(peers.versions()) or 'none'}.")
        if missing := peers.missing():
            lines.append(
                f"Not installed: {', '.join(missing)}. "
                "`pip install --no-deps -r benchmarks/peers.txt` adds them."
            )
    return " ".join(lines)


def use_threads(threads: int) -> None:
    """So many for torch and for numpy's linear algebra, which some tools use."""
    torch.set_num_threads(threads)
    importlib.import_module("threadpoolctl").threadpool_limits(threads, user_api="blas")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
