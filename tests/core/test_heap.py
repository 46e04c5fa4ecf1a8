"""Memory that the system is not asked for again at every point."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

# Blocks as large as activations (3 MB), freed together, as at every point of a slice. What the
# process then holds of the system's memory is asked of the allocator itself: counts of page faults
# are the kernel's affair, which takes idle pages back as it likes. (Field order: malloc.h, struct
# mallinfo2.)
PROGRAM = """
import contextlib, ctypes, sys, threading
import torch
from pysclice.core.evaluation.heap import steady_heap

class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd",
        "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Mallinfo2
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
torch.set_num_threads(1)

def held():
    info = libc.mallinfo2()
    return info.arena + info.hblkhd

def point():
    activations = [libc.malloc(3 * 2**20) for _ in range(6)]
    most = held()
    for activation in activations:
        libc.free(activation)
    return most

def measure():
    with steady_heap() if "steady" in sys.argv else contextlib.nullcontext():
        point()
        print(*((point() - held()) for _ in range(5)))

if "thread" in sys.argv:
    thread = threading.Thread(target=measure)
    thread.start()
    thread.join()
else:
    measure()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33 or newer")
@pytest.mark.parametrize("where", ["main", "thread"])
def test_pages_are_asked_for_once(where: str) -> None:
    def given_back(how: str) -> list[int]:
        command = [sys.executable, "-c", PROGRAM, how, where]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [int(count) for count in printed.split()]

    assert min(given_back("plain")) >= 3 * 2**20  # or this says nothing
    assert given_back("steady") == [0] * 5
