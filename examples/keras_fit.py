"""Keras 3 on the torch backend: ``fit`` with a callback that logs slices.

    KERAS_BACKEND=torch python examples/keras_fit.py --logdir runs
    tensorboard --logdir runs

The two lines that matter:

    from pysclice.integrations.keras import SliceCallback
    model.fit(inputs, targets, callbacks=[SliceCallback("runs/keras", data, every=500)])
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras reads it when it is imported

import keras
import torch
from sklearn.datasets import load_digits

import pysclice as ps
from pysclice.integrations.keras import SliceCallback


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logdir", type=Path, default=Path("runs"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--every", type=int, default=100, help="batches between two slices")
    parser.add_argument("--samples", type=int, default=25)
    given = parser.parse_args(arguments)

    keras.utils.set_random_seed(0)
    pixels, classes = load_digits(return_X_y=True)
    inputs = (pixels / 8 - 1).astype("float32")
    model = keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Dense(64, activation="tanh"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    # What fit trains on is not shown to a callback, so slices get examples of their own.
    held = (torch.tensor(inputs[:300]), torch.tensor(classes[:300]))
    callback = SliceCallback(
        given.logdir / "keras",
        held,
        {"random plane": ps.Plane(ps.Random(0), ps.Random(1), samples=given.samples)},
        every=given.every,
    )
    model.fit(inputs, classes, batch_size=25, epochs=given.epochs, verbose=0, callbacks=[callback])
    steps = ps.read_slices(given.logdir)["keras"]["random plane"]
    print(f"slices at steps {', '.join(map(str, steps))}")


if __name__ == "__main__":
    main()
