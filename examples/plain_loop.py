"""A plain training loop that logs every kind of slice, ready for TensorBoard.

    python examples/plain_loop.py --logdir runs
    tensorboard --logdir runs

The loop is the usual one; what is new are the surface, the recorders and three calls.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

import pysclice as ps


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).float()  # one value per example: slices get error bands


def digits() -> tuple[TensorDataset, TensorDataset]:
    pixels, classes = load_digits(return_X_y=True)
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    inputs = torch.tensor(pixels / 8 - 1, dtype=torch.float32)[order].reshape(-1, 1, 8, 8)
    targets = torch.tensor(classes)[order]
    return (
        TensorDataset(inputs[:1200], targets[:1200]),
        TensorDataset(inputs[1200:], targets[1200:]),
    )


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logdir", type=Path, default=Path("runs"))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--every", type=int, default=30, help="steps between two slices")
    parser.add_argument("--samples", type=int, default=25)
    given = parser.parse_args(arguments)

    torch.set_num_threads(1)
    torch.manual_seed(0)
    train, validation = digits()
    loader = DataLoader(train, batch_size=100, shuffle=True)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    writer = SummaryWriter(str(given.logdir / "plain loop"))

    surface = ps.LossSurface(
        model,
        nn.CrossEntropyLoss(),
        {"train": train.tensors, "validation": validation.tensors},
        metrics={"accuracy": accuracy},
        examples=300,  # slices look at 300 examples of each; the bands say what that leaves open
    )
    drawn = (ps.Random(0), ps.Random(1))
    trajectory = ps.Trajectory(given.logdir / "plain loop" / "trajectory", directions=drawn)
    update = ps.Update(optimizer)
    n = given.samples
    logger = ps.SliceLogger(
        writer,
        surface,
        {
            "random plane": ps.Plane(*drawn, samples=n, trajectory=trajectory),
            "principal plane": ps.Plane(
                ps.PrincipalComponent(0, trajectory),
                ps.PrincipalComponent(1, trajectory),
                span="auto",
                samples=n,
                trajectory=trajectory,
            ),
            "sharpest direction": ps.Line(ps.HessianEigenvector(0), span="auto", samples=n),
            "gradient": ps.Line(ps.Gradient(), span="auto", samples=n),
            "last update": ps.Line(update, span=(-20.0, 20.0), samples=n),
            "back to the start": ps.Interpolation(surface.parameters(), samples=n, name="start"),
            "steepest weights": ps.AxisParallel(count=16, samples=13),
            "layers": ps.Crowd(ps.Group.each("layer"), samples=n),
            "random crowd": ps.Crowd([ps.Random(seed) for seed in range(12)], samples=13),
            "spectrum": ps.Spectrum(count=4, probes=3, steps=20),
        },
        every=given.every,
    )
    step = 0
    for epoch in range(given.epochs):
        for inputs, targets in loader:
            trajectory.record(step, surface)
            if step > 1:  # a plane of principal components needs three steps
                logger.log_if_due(step, epoch)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            writer.add_scalar("loss/train", loss.item(), step)
            step += 1
    trajectory.record(step, surface, always=True)
    logged = logger.log(step, given.epochs)
    update.close()
    logger.close()
    writer.close()
    for series, slice_ in logged.items():
        print(f"{series:20} {slice_!r}  {slice_.seconds:.2f} s")


if __name__ == "__main__":
    main()
