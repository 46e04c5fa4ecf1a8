"""Peak memory of a run."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

import torch

Run = Callable[[], object]


def peak_megabytes(run: Run, threads: int, device: str) -> float:
    """By how much memory grows at most while this runs: the device's, or the resident set.

    The resident set is that of a forked child, since a process's peak never falls. NaN where
    processes cannot fork. Fork before anything runs on several threads: the child has only one.
    """
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    if "fork" not in multiprocessing.get_all_start_methods():
        return float("nan")
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_report, args=(run, threads, sender)
    )
    process.start()
    sender.close()  # so that a child that dies is noticed
    try:
        return float(receiver.recv())
    except EOFError:
        return float("nan")
    finally:
        process.join()


def _report(run: Run, threads: int, sender: Connection) -> None:
    torch.set_num_threads(threads)
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sender.send((after - before) * unit / 2**20)
