"""Do skip connections make the surface smoother? A number with its error, in minutes on a CPU.

Li et al. 2018 (arXiv:1712.09913, sections 5 and 6) show in pictures that deep networks without
skip connections have rough surfaces and those with them smooth, convex ones. Here the same two
networks, 29 convolutions deep, learn scikit-learn's digits, and their filter-normalized planes are
measured: how much climbing a plane asks for beyond that of one valley (roughness), and at what
share of its points the loss curves downward (non-convexity).

The error of a plane says how far its roughness would move with other examples (a jackknife over
groups of them); that of the mean says how far it would move with other random planes.

    python examples/skip_connections.py --figure planes.pdf
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import pysclice as ps
from pysclice import measures


class Block(nn.Module):
    """Two convolutions, with or without a connection that skips them."""

    def __init__(self, channels: int, skip: bool) -> None:
        super().__init__()
        self.skip = skip
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.layers(inputs)
        return torch.relu(hidden + inputs if self.skip else hidden)


def network(skip: bool, blocks: int, channels: int = 8) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        *(Block(channels, skip) for _ in range(blocks)),
        nn.AvgPool2d(4),
        nn.Flatten(),
        nn.Linear(4 * channels, 10),
    )


def digits() -> tuple[Tensor, Tensor]:
    pixels, classes = load_digits(return_X_y=True)
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))[:1200]
    return (
        torch.tensor(pixels / 8 - 1, dtype=torch.float32)[order].reshape(-1, 1, 8, 8),
        torch.tensor(classes)[order],
    )


def train(model: nn.Module, data: tuple[Tensor, Tensor], epochs: int) -> None:
    inputs, targets = data
    steps = len(inputs) // 128
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(128)[:steps]:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
            decay.step()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=14)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--planes", type=int, default=6, help="random planes of each network")
    parser.add_argument("--samples", type=int, default=17, help="samples of each axis")
    parser.add_argument("--figure", type=Path, help="where to draw the first plane of each network")
    given = parser.parse_args(arguments)

    torch.set_num_threads(1)
    data = digits()
    slicers = [
        ps.Plane(ps.Random(2 * i), ps.Random(2 * i + 1), span=(-0.5, 0.5), samples=given.samples)
        for i in range(given.planes)
    ]
    means: dict[str, tuple[float, float]] = {}
    first: dict[str, ps.Slice] = {}
    for name, skip in (("with skips", True), ("without skips", False)):
        torch.manual_seed(0)
        model = network(skip, given.blocks)
        train(model, data, given.epochs)
        surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (data[0][:200], data[1][:200]))
        print(f"{name}: loss {surface(surface.parameters())['train/loss']:.4f}")
        values, errors = [], []
        for i, slicer in enumerate(slicers):
            plane = surface.slice(slicer, replicates=10)
            first.setdefault(name, plane)
            rough = measures.estimate(measures.roughness, plane)
            values.append(rough.value)
            errors.append(rough.error)
            print(
                f"  plane {i}: roughness {rough.value:.4f} ± {rough.error:.4f}, "
                f"non-convexity {measures.nonconvexity(plane):.2f}"
            )
        over_planes = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        over_examples = math.hypot(*errors) / len(errors)
        means[name] = statistics.mean(values), math.hypot(over_planes, over_examples)
        print(f"  mean roughness {means[name][0]:.4f} ± {means[name][1]:.4f}")

    (smooth, smooth_error), (rough_mean, rough_error) = means.values()
    difference, error = rough_mean - smooth, math.hypot(smooth_error, rough_error)
    print(f"without skips minus with skips: {difference:.4f} ± {error:.4f}")
    if given.figure:
        import matplotlib.pyplot as plt

        figure, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
        for panel, (name, plane) in zip(panels, first.items(), strict=True):
            ps.plot(plane, ax=panel, scale="log")
            panel.set_title(name)
        figure.savefig(given.figure)


if __name__ == "__main__":
    main()
