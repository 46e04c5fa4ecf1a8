"""``python -m benchmarks``: how many times longer than pysclice others take, in one table.

Everyone takes a turn in every round, in one process and at a fixed number of threads, so that a
machine that slows down slows all of them. ``python -m benchmarks gates`` says whether what has to
be reached is reached; there each task has a process of its own, and once more with other tools.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import warnings
from collections.abc import Sequence

from benchmarks import gates, peers, table
from benchmarks.cases import cases
from benchmarks.contenders import NAIVE, OURS, own
from benchmarks.machine import description, peak_flops
from benchmarks.memory import peak_megabytes
from benchmarks.rows import Row
from benchmarks.runs import Settings, all_tasks, measured_row, row_apart, say, use_threads
from benchmarks.tasks import Task
from benchmarks.timing import clock


def main(arguments: Sequence[str] | None = None) -> None:
    settings = _settings(arguments)
    # Other tools warn of what torch and numpy have deprecated since.
    warnings.simplefilter("ignore")
    # One thread until memory is measured: a process that used several cannot fork.
    use_threads(1)
    say("training the models")
    wanted = all_tasks(settings)
    if settings.what == "gates":
        print_gates(settings, wanted)
    else:
        print_table(settings, wanted)


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


def print_table(settings: Settings, wanted: Sequence[Task]) -> None:
    """All tasks, everyone, and memory."""
    threads = settings.threads or 1
    say("measuring memory")
    memory = {task.name: _memory(task, threads, settings.device) for task in wanted}
    use_threads(threads)
    now = clock(threads, settings.device)
    peak = peak_flops(now, settings.device)
    rows = [measured_row(task, settings, threads) for task in wanted]
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


def print_gates(settings: Settings, known: Sequence[Task]) -> None:
    """One thread, with peers; then two, against the naive loop on two intra-op threads."""
    found: list[gates.Verdict] = []
    rows: list[Row] = []
    beside: list[Row] = []
    names = list(peers.peers()) if settings.with_peers else []
    alone = dataclasses.replace(settings, with_peers=False)
    if settings.threads in (None, 1):
        others = gates.others(gates.ONE_THREAD)
        one = [
            row_apart(task, alone, 1, others[task.name]) for task in known if task.name in others
        ]
        found += gates.judged(gates.ONE_THREAD, {row.name: row for row in one})
        beside = [row_apart(task, settings, 1, set()) for task in known if names and task.whole]
        found += gates.against_peers({row.name: row for row in beside}, names)
        found += gates.loader_reads()
        rows += [*one, *beside]
    if settings.threads in (None, 2) and settings.device == "cpu":
        others = gates.others(gates.TWO_THREADS)
        two = [
            row_apart(task, alone, 2, others[task.name]) for task in known if task.name in others
        ]
        found += [
            dataclasses.replace(verdict, gate=f"{verdict.gate}, two cores")
            for verdict in gates.judged(
                gates.TWO_THREADS, {row.name: row for row in two}, minima=True
            )
        ]
        rows += two
    found += gates.same_values(rows)
    peak = peak_flops(clock(1, settings.device), settings.device)
    print(_head(settings, [settings.threads] if settings.threads else [1, 2], peak), end="\n\n")
    print(gates.markdown(found), end="\n\n")
    if beside:
        print("Beside other tools, on one thread:", end="\n\n")
        print(table.markdown(beside, names, peak, {}, minima=False), end="\n\n")
    print("\n".join(f"- {note}" for note in table.notes(rows)))


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


if __name__ == "__main__":
    main()
