"""What a user's own module looks like to ``pysclice slice --module``: a small network on data."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import pysclice as ps


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    norm = nn.BatchNorm1d(6)
    norm.get_buffer("running_mean").copy_(torch.randn(6))
    norm.get_buffer("running_var").copy_(torch.rand(6) + 0.5)
    return nn.Sequential(nn.Linear(4, 6), norm, nn.Tanh(), nn.Linear(6, 3))


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(9)
    return torch.randn(60, 4, generator=generator), torch.arange(60) % 3


def build() -> ps.LossSurface:
    return ps.LossSurface(network(7), nn.CrossEntropyLoss(), data(), backend="reference")


def build_tuple() -> tuple[Any, ...]:
    return network(7), nn.CrossEntropyLoss(), data()


def build_mapping() -> dict[str, Any]:
    return {
        "model": network(7),
        "loss_fn": nn.CrossEntropyLoss(),
        "data": data(),
        "backend": "reference",
    }


def build_number() -> int:
    return 3


def build_failing() -> None:
    raise RuntimeError("no data here")


not_callable = 3


def point_of(model: nn.Module) -> str:
    """A name for the point in parameter space at which a model stands."""
    digest = hashlib.blake2b(digest_size=8)
    for tensor in (*model.parameters(), *model.buffers()):
        digest.update(tensor.detach().numpy().tobytes())
    return digest.hexdigest()


def counted_loss(model: nn.Module, batch: Any) -> Tensor:
    """The loss, which writes down every evaluation: rank and point."""
    with Path(os.environ["EVALUATIONS"]).open("a", encoding="utf-8") as file:
        file.write(f"{os.environ.get('RANK', '0')} {point_of(model)}\n")
    time.sleep(float(os.environ.get("PAUSE", "0")))
    deadly = os.environ.get("KILL_RANK_AFTER", "")
    if deadly and os.environ.get("RANK") == "1":
        lines = Path(os.environ["EVALUATIONS"]).read_text(encoding="utf-8").splitlines()
        if sum(line.startswith("1 ") for line in lines) > int(deadly):
            os.kill(os.getpid(), signal.SIGKILL)
    inputs, targets = batch
    return nn.functional.cross_entropy(model(inputs), targets, reduction="none")


def build_counted() -> ps.LossSurface:
    return ps.LossSurface(network(7), batch_loss=counted_loss, data=data(), backend="reference")
