"""A budget of wall time for slicing, kept while training changes its speed.

    python examples/time_budget.py
    tensorboard --logdir runs

A small network learns the digits in two phases of equal length, the second with much smaller
batches, so that its steps take a fraction of the time. The loop measures what it waits for the
logger itself, prints which part of the wall time that is, and what the logger decided.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import pysclice as ps


def digits() -> tuple[Tensor, Tensor]:
    pixels, classes = load_digits(return_X_y=True)
    return torch.tensor(pixels / 8 - 1, dtype=torch.float32), torch.tensor(classes)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logdir", type=Path, default=Path("runs"))
    parser.add_argument("--budget", type=float, default=0.05, help="fraction of wall time")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each phase")
    parser.add_argument("--every", type=int, default=50, help="steps between two slices, at least")
    parser.add_argument("--samples", type=int, default=49)
    parser.add_argument("--batches", type=int, nargs=2, default=(1797, 64), help="of the phases")
    given = parser.parse_args(arguments)

    torch.set_num_threads(1)
    torch.manual_seed(0)
    inputs, targets = digits()
    model = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))
    logger = ps.SliceLogger(
        given.logdir / "time budget",
        surface,
        {
            "line": ps.Line(ps.Random(0), samples=given.samples),
            "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=given.samples),
        },
        every=given.every,
        budget=given.budget,
    )
    steps = itertools.count()
    began = time.perf_counter()
    waited = 0.0
    decisions: dict[str, str] = {}
    for number, batch in enumerate(given.batches, start=1):
        phase, waited_before, first = time.perf_counter(), waited, next(steps)
        while time.perf_counter() - phase < given.seconds:
            step = next(steps)
            asked = time.perf_counter()
            logged = logger.log_if_due(step)
            waited += time.perf_counter() - asked
            for series, slice_ in logged.items():
                decision = slice_.notes["budget"]["sentence"]
                if decisions.get(series) != decision:
                    decisions[series] = decision
                    print(f"step {step:6,}  {series:6} {decision}")
            drawn = torch.randint(len(inputs), (batch,))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[drawn]), targets[drawn]).backward()
            optimizer.step()
        seconds = time.perf_counter() - phase
        share = (waited - waited_before) / seconds
        print(
            f"phase {number}: batches of {batch:,}, {1e3 * seconds / (step - first):.2f} ms a "
            f"step, slicing took {100 * share:.2f} % of wall time"
        )
    asked = time.perf_counter()
    logger.close()  # which takes the slices of the last step
    waited += time.perf_counter() - asked
    share = waited / (time.perf_counter() - began)
    print(f"overall {100 * share:.2f} % of {100 * given.budget:g} %")


if __name__ == "__main__":
    main()
