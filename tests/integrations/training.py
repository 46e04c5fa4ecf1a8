"""What a training leaves behind, to be compared bit for bit."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor


@contextmanager
def deterministic() -> Iterator[None]:
    """Every function of torch gives the same bits for the same inputs, or fails."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def seed(number: int = 0) -> None:
    """Seed all global random states, and none of a device."""
    torch.manual_seed(number)
    np.random.seed(number)
    random.seed(number)


def random_states() -> dict[str, Any]:
    """torch's, NumPy's and Python's."""
    _, keys, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "numpy position": rest,
        "python": random.getstate(),
    }


def differences(first: Any, second: Any, where: str = "") -> list[str]:
    """Where two nested values differ; tensors are equal if all their bits are."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        same = first.dtype == second.dtype and torch.equal(first, second)
        return [] if same else [where]
    if type(first) is not type(second):
        return [f"{where}: {type(first).__name__} and {type(second).__name__}"]
    if isinstance(first, Mapping):
        if list(first) != list(second):
            return [f"{where}: {list(first)} and {list(second)}"]
        return [d for key in first for d in differences(first[key], second[key], f"{where}/{key}")]
    if isinstance(first, list | tuple):
        if len(first) != len(second):
            return [f"{where}: {len(first)} and {len(second)}"]
        pairs = enumerate(zip(first, second, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{where}/{i}")]
    return [] if first == second else [f"{where}: {first!r} and {second!r}"]
