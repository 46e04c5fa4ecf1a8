"""Slices from inside Lightning's Trainer.

    python examples/lightning_callback.py --logdir runs
    tensorboard --logdir runs

The three lines that matter:

    from pysclice.integrations.lightning import SliceCallback
    callback = SliceCallback(every=100, validation=True, metrics=["accuracy"])
    Trainer(callbacks=[callback])
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, random_split

import pysclice as ps
from pysclice.integrations.lightning import SliceCallback


class Classifier(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)
        )

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return self._measured(batch, "")

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self._measured(batch, "validation ")

    def _measured(self, batch: tuple[Tensor, Tensor], prefix: str) -> Tensor:
        inputs, targets = batch
        outputs = self.net(inputs)
        loss = nn.functional.cross_entropy(outputs, targets)
        self.log(f"{prefix}loss", loss)
        self.log(f"{prefix}accuracy", (outputs.argmax(1) == targets).float().mean())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.003)


def loaders() -> tuple[DataLoader[Any], DataLoader[Any]]:
    pixels, classes = load_digits(return_X_y=True)
    digits = TensorDataset(torch.tensor(pixels / 8 - 1, dtype=torch.float32), torch.tensor(classes))
    train, validation = random_split(digits, [1297, 500], torch.Generator().manual_seed(0))
    return DataLoader(train, batch_size=50, shuffle=True), DataLoader(validation, batch_size=50)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logdir", type=Path, default=Path("runs"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--every", type=int, default=50, help="steps between two slices")
    parser.add_argument("--samples", type=int, default=25)
    given = parser.parse_args(arguments)

    torch.set_num_threads(1)
    pl.seed_everything(0)

    def slicers(surface: ps.LossSurface) -> dict[str, Any]:
        # Asked for once training starts, so that the line leads back to where it started.
        start, n = surface.parameters(), given.samples
        return {
            "random plane": ps.Plane(ps.Random(0), ps.Random(1), samples=n),
            "back to the start": ps.Interpolation(start, samples=n, name="start"),
        }

    callback = SliceCallback(
        slicers,
        every=given.every,
        validation=True,
        metrics=["accuracy"],  # what training_step logs
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=given.epochs,
        logger=TensorBoardLogger(given.logdir, name="lightning", version=""),
        callbacks=[callback],
        enable_checkpointing=False,
        enable_progress_bar=False,
        log_every_n_steps=10,
    )
    trainer.fit(Classifier(), *loaders())
    for series, slices in ps.read_slices(given.logdir)["lightning"].items():
        print(f"{series:20} steps {', '.join(map(str, slices))}")


if __name__ == "__main__":
    main()
