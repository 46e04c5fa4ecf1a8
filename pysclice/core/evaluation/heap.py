"""Memory that is kept from one point to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Below glibc's least threshold (128 KiB) from which a block has a mapping of its own.
_PIECE = 120 * 1024

# Room for the activations of a batch; no page of it is used before it is needed.
_BYTES = 2**27


@contextmanager
def steady_heap() -> Iterator[None]:
    """Let the calling thread's heap keep what is freed, until the end.

    glibc gives free memory at the end of the heap back to the system, and takes large blocks from
    the system each time: so each point pays for the same pages again, up to half of its time. Here
    the heap is made larger, and something small holds its end. Elsewhere this does nothing.
    """
    pieces = [torch.empty(_PIECE, dtype=torch.uint8) for _ in range(_BYTES // _PIECE)]
    end = torch.empty(_PIECE, dtype=torch.uint8)
    del pieces
    try:
        yield
    finally:
        del end
