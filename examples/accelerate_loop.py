"""A loop around Accelerate's Accelerator that logs slices.

    accelerate launch examples/accelerate_loop.py --logdir runs
    tensorboard --logdir runs

The three lines that matter:

    from pysclice.integrations.accelerate import slice_logger
    logger = slice_logger(accelerator, model, nn.CrossEntropyLoss(), data, every=100)
    logger.log_if_due(step, epoch)
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pysclice as ps
from pysclice.integrations.accelerate import slice_logger


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logdir", type=Path, default=Path("runs"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--every", type=int, default=50, help="steps between two slices")
    parser.add_argument("--samples", type=int, default=25)
    given = parser.parse_args(arguments)

    set_seed(0)
    accelerator = Accelerator(
        log_with="tensorboard", project_dir=str(given.logdir), gradient_accumulation_steps=2
    )
    accelerator.init_trackers("accelerate")
    pixels, classes = load_digits(return_X_y=True)
    digits = TensorDataset(torch.tensor(pixels / 8 - 1, dtype=torch.float32), torch.tensor(classes))
    loader: Any = DataLoader(digits, batch_size=25, shuffle=True)
    model: Any = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Dropout(0.2), nn.Linear(64, 10))
    optimizer: Any = torch.optim.AdamW(model.parameters(), lr=0.003)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)

    logger = slice_logger(
        accelerator,
        model,
        nn.CrossEntropyLoss(),
        loader,
        {"random plane": ps.Plane(ps.Random(0), ps.Random(1), samples=given.samples)},
        every=given.every,
        examples=300,
        optimizer=optimizer,
    )
    step = 0
    for epoch in range(given.epochs):
        for inputs, targets in loader:
            logger.log_if_due(step, epoch)
            with accelerator.accumulate(model):
                loss = nn.functional.cross_entropy(model(inputs), targets)
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                accelerator.log({"loss": loss.item()}, step=step)
                step += 1
    logger.log(step, given.epochs)
    logger.close()
    accelerator.end_training()
    if accelerator.is_main_process:
        for series, slices in ps.read_slices(given.logdir)["accelerate"].items():
            print(f"{series:20} steps {', '.join(map(str, slices))}")


if __name__ == "__main__":
    main()
