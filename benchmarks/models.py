"""The models that are measured: small enough for a laptop, unlike enough to need different care."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Case:
    """A model with its data: batches of (inputs, targets)."""

    name: str
    model: nn.Module
    batches: list[tuple[Tensor, Tensor]]
    loss: Callable[[Any, Any], Tensor]


class Block(nn.Module):
    """A residual block of ResNet-20 (He et al. 2016, section 4.2)."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or before != channels:
            self.skip = nn.Conv2d(before, channels, 1, stride, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(self.layers(inputs) + self.skip(inputs))


def resnet20() -> nn.Module:
    widths = [16] * 3 + [32] * 3 + [64] * 3
    blocks, before = [], 16
    for position, width in enumerate(widths):
        blocks.append(Block(before, width, 2 if position in (3, 6) else 1))
        before = width
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


class SmallGPT(nn.Module):
    """A decoder of four layers over characters."""

    def __init__(self, tokens: int = 64, width: int = 64, length: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, width)
        self.position = nn.Parameter(torch.randn(length, width) / 10)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(width, tokens)
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        self.register_buffer("mask", mask)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.embedding(inputs) + self.position
        outputs: Tensor = self.head(self.layers(hidden, mask=self.mask, is_causal=True))
        return outputs.transpose(1, 2)


def cases() -> dict[str, Callable[[], Case]]:
    """Name -> what makes the case; nothing is made before it is asked for."""
    return {
        "logistic": lambda: _images("logistic", nn.Linear(64, 10), 256, flat=True),
        "mlp": lambda: _images(
            "mlp",
            nn.Sequential(
                nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
            ),
            256,
            flat=True,
        ),
        "convolutional": lambda: _images(
            "convolutional",
            nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1),
                nn.BatchNorm2d(16),
                nn.ReLU(),
                nn.Conv2d(16, 32, 3, padding=1),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(512, 10),
            ),
            256,
        ),
        "ResNet-20": lambda: _images("ResNet-20", resnet20(), 128, examples=256),
        "small GPT": _text,
    }


def _images(
    name: str, model: nn.Module, batch_size: int, flat: bool = False, examples: int = 1797
) -> Case:
    pixels, classes = load_digits(return_X_y=True)
    inputs = torch.tensor(pixels / 8 - 1, dtype=torch.float32)[:examples]
    targets = torch.tensor(classes)[:examples]
    inputs = inputs if flat else inputs.reshape(-1, 1, 8, 8)
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size), strict=True))
    return Case(name, model.eval(), batches, nn.CrossEntropyLoss())


def _text() -> Case:
    # Text that comes with Python, read as bytes.
    text = (functional.__doc__ or "") + str(__doc__) + str(nn.Module.__doc__) * 8
    tokens = torch.tensor([byte % 64 for byte in text.encode()])
    windows = tokens[: 65 * (len(tokens) // 65)].reshape(-1, 65)[:64]
    batches = [(part[:, :-1], part[:, 1:]) for part in windows.split(32)]
    return Case("small GPT", SmallGPT().eval(), batches, nn.CrossEntropyLoss())
