"""What tests send to another process: by its name in a module that is quick to import there."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

import pysclice as ps
from tests.models import SmallConvNet


class Partly(SmallConvNet):
    """With a frozen layer, and a buffer that is not saved in checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.conv.requires_grad_(False)
        self.register_buffer("scale", torch.ones(()), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * self.scale


def broken(surface: ps.LossSurface, parameters: Any) -> ps.Slice:
    raise ArithmeticError("no such slice.")


def endless(surface: ps.LossSurface, parameters: Any) -> ps.Slice:
    while True:
        time.sleep(0.1)
