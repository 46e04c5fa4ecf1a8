"""``python -m benchmarks.costs``: what a training loop pays for its slices. Run it alone."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

import pysclice as ps

STEPS = 3000


class Training:
    """A loop around a perceptron, whose steps are timed."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        layers = [nn.Linear(256, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.Linear(1200, 1000))
        self.inputs, self.targets = torch.randn(32, 256), torch.randint(1000, (32,))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        held = torch.randn(128, 256), torch.randint(1000, (128,))
        self.surface = ps.LossSurface(self.model, nn.CrossEntropyLoss(), held)

    def step(self) -> None:
        """One step of the optimizer."""
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(self.inputs), self.targets).backward()
        self.optimizer.step()


def share_with(budget: float, folder: Path) -> tuple[float, int]:
    """The share of wall time that a budgeted logger took, and how many slices it gave."""
    training = Training()
    slicers = {
        "line": ps.Line(ps.Random(0), samples=49),
        "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=25),
    }
    logger = ps.SliceLogger(folder, training.surface, slicers, every=50, budget=budget)
    spent, taken, began = 0.0, 0, time.perf_counter()
    for step in range(STEPS):
        before = time.perf_counter()
        taken += len(logger.log_if_due(step))
        spent += time.perf_counter() - before
        training.step()
    before = time.perf_counter()
    logger.close()
    spent += time.perf_counter() - before
    return spent / (time.perf_counter() - began), taken


def seconds_not_due(folder: Path) -> float:
    """Median seconds of a call that is not due."""
    training = Training()
    line = {"line": ps.Line(ps.Random(0), samples=7)}
    logger = ps.SliceLogger(folder, training.surface, line, every=10**6)
    logger.log_if_due(0)
    found = []
    for step in range(1, 2000):
        before = time.perf_counter()
        logger.log_if_due(step)
        found.append(time.perf_counter() - before)
    return statistics.median(found)


def main() -> None:
    """Measure, and print a table."""
    torch.set_num_threads(1)
    training = Training()
    steps = []
    for _ in range(100):
        before = time.perf_counter()
        training.step()
        steps.append(time.perf_counter() - before)
    print("| | measured |\n| --- | --- |")
    print(f"| a training step | {1e3 * statistics.median(steps):.1f} ms |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"| a call that is not due | {1e6 * seconds_not_due(folder / 'idle'):.1f} µs |")
        for budget in (0.02, 0.1):
            share, taken = share_with(budget, folder / f"{budget}")
            print(
                f"| `budget={budget:g}` over {STEPS:,} steps: wall time spent, slices | "
                f"{100 * share:.2f} %, {taken} |"
            )


if __name__ == "__main__":
    main()
