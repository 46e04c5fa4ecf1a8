"""Memory that the system is not asked for again at every point."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Activations of 3 MB, freed together, as at every point of a slice.
PROGRAM = """
import contextlib, resource, sys, threading
import torch
from pysclice.core.evaluation.heap import steady_heap

torch.set_num_threads(1)

def points(count):
    for _ in range(count):
        held = [torch.ones(3 * 2**18) for _ in range(6)]

def measure():
    with steady_heap() if "steady" in sys.argv else contextlib.nullcontext():
        points(5)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        points(40)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if "thread" in sys.argv:
    thread = threading.Thread(target=measure)
    thread.start()
    thread.join()
else:
    measure()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators keep it anyway")
@pytest.mark.parametrize("where", ["main", "thread"])
def test_pages_are_asked_for_once(where: str) -> None:
    def faults(how: str) -> int:
        command = [sys.executable, "-c", PROGRAM, how, where]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    plain, steady = faults("plain"), faults("steady")
    assert plain > 100  # or this says nothing
    assert steady < 0.1 * plain
