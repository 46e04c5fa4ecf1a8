"""Data that download nothing: scikit-learn's digits, pictures made of them, Python's own source."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

Pairs = tuple[Tensor, Tensor]


def digits(examples: int) -> Pairs:
    """Pixels (examples, 64) between -1 and 1, classes (examples,)."""
    pixels, classes = load_digits(return_X_y=True)
    inputs = torch.tensor(pixels / 8 - 1, dtype=torch.float32)
    return inputs[:examples].contiguous(), torch.tensor(classes)[:examples].clone()


def pictures(examples: int) -> Pairs:
    """Digits as pictures (examples, 3, 32, 32): enlarged, colored, with noise; classes."""
    inputs, classes = digits(examples)
    drawn = torch.Generator().manual_seed(0)
    large = functional.interpolate(inputs.view(-1, 1, 8, 8), size=32, mode="bilinear")
    colors = 0.5 + torch.rand(len(inputs), 3, 1, 1, generator=drawn) / 2
    noise = torch.randn(len(inputs), 3, 32, 32, generator=drawn)
    return large * colors + 0.1 * noise, classes


def source(windows: int, length: int) -> Pairs:
    """Bytes of a module of Python's: (windows, length), and the bytes that follow each."""
    code = Path(argparse.__file__).read_bytes()
    tokens = torch.tensor(list(code[: windows * (length + 1)])).view(windows, length + 1)
    return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


class CountedDigits(Dataset[Pairs]):
    """A map-style data set with a transform, as people write them; it counts its reads."""

    def __init__(self) -> None:
        self._pixels, self._classes = load_digits(return_X_y=True)
        self.reads = 0

    def __len__(self) -> int:
        return len(self._classes)

    def __getitem__(self, index: int) -> Pairs:
        self.reads += 1
        pixels = torch.tensor(self._pixels[index], dtype=torch.float32)
        return pixels / 8 - 1, torch.tensor(self._classes[index])
