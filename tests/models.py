"""Small models and surfaces that several tests look at."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import pysclice as ps


class QuadraticForm(nn.Module):
    """The loss ``0.5 * (w - minimum)^T matrix (w - minimum)``, whatever the inputs."""

    def __init__(self, matrix: Tensor, minimum: Tensor, at: Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)
        self.register_buffer("minimum", minimum)
        self.w = nn.Parameter(at.clone())

    def forward(self, inputs: Tensor) -> Tensor:
        away = self.w - self.minimum
        return 0.5 * (away @ self.matrix @ away).expand(len(inputs))


def quadratic_surface(
    size: int = 6, seed: int = 0, dtype: torch.dtype = torch.float64
) -> tuple[ps.LossSurface, QuadraticForm]:
    """A surface whose slices are known: a quadratic form with a random symmetric matrix."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(size, size, generator=generator, dtype=dtype)
    model = QuadraticForm(
        root @ root.T,
        torch.randn(size, generator=generator, dtype=dtype),
        torch.randn(size, generator=generator, dtype=dtype),
    )
    data = torch.zeros(3, 1, dtype=dtype), torch.zeros(3, dtype=dtype)
    return ps.LossSurface(model, lambda outputs, targets: (outputs - targets).mean(), data), model


class SmallConvNet(nn.Module):
    """Convolution, BatchNorm, dropout and a linear layer, for 8 x 8 images in 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(6 * 36, 10)

    def forward(self, images: Tensor) -> Tensor:
        hidden = torch.relu(self.norm(self.conv(images)))
        return self.fc(self.drop(hidden.flatten(1)))


def images(count: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random images and classes."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(count, 1, 8, 8, generator=generator),
        torch.randint(0, 10, (count,), generator=generator),
    )
