"""``python -m benchmarks``: one table of ratios, measured in turn in one process.

Times are medians over rounds in which everyone takes a turn, at a fixed number of threads, so that
a machine that slows down slows all of them. Ratios above 1 say how many times longer the other one
takes. Memory is the growth of the resident set in a forked child that runs the task once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import resource
import statistics
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.contenders import Run, Task, contenders, task
from benchmarks.models import cases


def main(arguments: list[str] | None = None) -> None:
    known = cases()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=list(known), default=list(known))
    parser.add_argument("--line", type=int, default=51, metavar="SAMPLES")
    parser.add_argument("--plane", type=int, default=11, metavar="SAMPLES", help="of each axis")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)

    torch.set_num_threads(given.threads)
    peak = peak_flops()
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {given.threads} thread(s), Python "
        f"{platform.python_version()}, torch {torch.__version__}, {peak / 1e9:.0f} GFLOP/s in a "
        "matrix product\n"
    )
    print("| model | task | ms a point | naive loop | bare forward | loss-landscapes | ", end="")
    print("share of the roofline | MB | MB naive |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    failures: set[str] = set()
    for name in given.models:
        torch.manual_seed(0)
        case = known[name]()
        for label, dimensions, samples in (("line", 1, given.line), ("plane", 2, given.plane)):
            made = task(case, dimensions, samples)
            runs = contenders(made)
            runs, failed = working(runs)
            failures |= {f"{name}, {label}: {other} failed: {why}" for other, why in failed.items()}
            seconds = measured(runs, given.rounds)
            ours = seconds["pysclice"]
            ratios = [
                f"{seconds[other] / ours:.2f}" if other in seconds else ""
                for other in ("naive loop", "bare forward", "loss-landscapes")
            ]
            share = flops(made) * made.points / peak / ours
            memory = [peak_megabytes(runs[other]) for other in ("pysclice", "naive loop")]
            print(
                f"| {name} | {label}, {made.points} points | {1e3 * ours / made.points:.3f} | "
                f"{' | '.join(ratios)} | {share:.0%} | {memory[0]:.0f} | {memory[1]:.0f} |",
                flush=True,
            )
    for failure in sorted(failures):
        print(f"\n{failure}")


def working(runs: Mapping[str, Run]) -> tuple[dict[str, Run], dict[str, str]]:
    """The runs that come to an end, and why the others do not."""
    good, failed = {}, {}
    for name, run in runs.items():
        try:
            run()
        except Exception as error:  # another tool's error is a finding
            if name == "pysclice":
                raise
            failed[name] = f"{type(error).__name__}: {error}"
        else:
            good[name] = run
    return good, failed


def measured(runs: Mapping[str, Run], rounds: int) -> dict[str, float]:
    """Median seconds of each run; a first round that nobody counts reads and warms up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def flops(made: Task) -> float:
    """Floating-point operations of one pass over the data, as torch counts them."""
    # With gradients: without, torch runs encoder layers in one kernel that it does not count.
    with torch.enable_grad(), FlopCounterMode(display=False) as counter:
        for inputs, _ in made.case.batches:
            made.case.model(inputs)
    return float(counter.get_total_flops())


def peak_flops() -> float:
    """Operations a second of a large matrix product: what this machine can do at best."""
    one, other = torch.randn(1024, 1024), torch.randn(1024, 1024)
    times = []
    for _ in range(8):
        began = time.perf_counter()
        one @ other
        times.append(time.perf_counter() - began)
    return 2 * 1024**3 / min(times)


def peak_megabytes(run: Run) -> float:
    """By how much the resident set grows while the task runs; NaN where processes cannot fork."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return float("nan")
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_report, args=(run, sender))
    process.start()
    grown = float(receiver.recv())
    process.join()
    return grown


def _report(run: Run, sender: Connection) -> None:
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sender.send((after - before) * unit / 2**20)


if __name__ == "__main__":
    main()
