"""What the table's numbers belong to: date, machine and versions; and what it can do at best."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.cases import Case
from benchmarks.timing import Clock


def description(device: str) -> str:
    """One sentence for the documentation."""
    parts = [
        time.strftime("%Y-%m-%d"),
        f"{processor()} with {os.cpu_count()} cores",
        f"Python {platform.python_version()}",
        f"torch {torch.__version__}",
    ]
    if device != "cpu":
        parts.insert(2, torch.cuda.get_device_name(device))
    return ", ".join(parts)


def processor() -> str:
    """The processor's name, where the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_flops(now: Clock, device: str) -> float:
    """Operations a second of a large float32 matrix product: what this machine does at best."""
    size = 1024 if device == "cpu" else 8192
    one, other = torch.randn(2, size, size, device=device)
    out = torch.empty_like(one)
    times = []
    for _ in range(20):
        began = now()
        torch.mm(one, other, out=out)
        times.append(now() - began)
    return 2 * size**3 / min(times)


def flops(case: Case) -> float:
    """Floating-point operations of one pass over the data, as torch counts them."""
    # Attention in one kernel is not counted on all devices; spelled out, it is.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        case.model(case.inputs)
    return float(counter.get_total_flops())
