"""Slices of Keras models that compute with torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

os.environ["KERAS_BACKEND"] = "torch"  # Keras reads it when it is imported

import keras

import pysclice as ps
from pysclice.integrations.keras import KerasModule, SliceCallback
from tests.integrations.training import deterministic, differences, random_states, seed

pytestmark = [
    # Keras' own way to make arrays of tensors.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
]

SLICERS = {"line": ps.Line(ps.Random(0), samples=5)}


def examples() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(64, 4)).astype("f4")
    return inputs, (inputs @ generator.normal(size=(4, 3))).argmax(1)


def tensors() -> tuple[torch.Tensor, torch.Tensor]:
    inputs, targets = examples()
    return torch.tensor(inputs), torch.tensor(targets)


def network(*, built: bool = True) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Dense(8, activation="tanh", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    if built:
        model.build((None, 4))
    return model


def fit(model: Any, *callbacks: Any) -> dict[str, Any]:
    """Train; everything that training leaves behind."""
    seed(0)
    inputs, targets = examples()
    history = model.fit(
        inputs, targets, batch_size=8, epochs=2, verbose=0, callbacks=list(callbacks)
    )
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return {
        "variables": [variable.value.detach().clone() for variable in variables],
        "history": history.history,
        "random": random_states(),
    }


@pytest.mark.parametrize("built", [True, False])
def test_training_is_the_same_and_slices_show_its_loss(built: bool, tmp_path: Path) -> None:
    model = network(built=built)
    callback = SliceCallback(tmp_path, tensors(), SLICERS, every=4)
    with deterministic():
        alone = fit(network(built=built))
        sliced = fit(model, callback)
    assert differences(alone, sliced) == []
    slices = ps.read_slices(tmp_path)["."]["line"]
    assert list(slices) == [0, 4, 8, 12, 16]  # fit builds a model that is not built yet
    last = slices[16]
    loss, _ = model.evaluate(*examples(), verbose=0)
    assert last.center["train/loss"][0] == pytest.approx(loss, rel=1e-5)
    assert np.ptp(last.losses) > 0.01 and last.epoch == 1.0


def test_a_value_off_the_center_is_that_of_a_model_that_stands_there() -> None:
    model = network()
    surface = ps.LossSurface(
        KerasModule(model),
        data=tensors(),
        batch_loss=lambda module, batch: module.batch_loss(batch),
    )
    line = surface.slice(ps.Line(ps.Random(0), samples=5))
    parameters = surface.parameters()
    direction = ps.Random(0)(surface, parameters)
    assert set(parameters) == {variable.path for variable in model.trainable_variables}
    for variable in model.trainable_variables:
        variable.assign(parameters[variable.path] + direction[variable.path])
    loss, _ = model.evaluate(*examples(), verbose=0)
    assert line.losses[0, 0, -1] == pytest.approx(loss, rel=1e-5)


def test_a_keras_model_itself_is_refused() -> None:
    with pytest.raises(TypeError, match="KerasModule"):
        ps.LossSurface(network(), torch.nn.CrossEntropyLoss(), tensors())
    with pytest.raises(ValueError, match="not built"):
        KerasModule(network(built=False))


def test_a_loss_that_fails_is_told_once_and_training_finishes(tmp_path: Path) -> None:
    callback = SliceCallback(tmp_path, (torch.ones(4, 9), torch.zeros(4)), SLICERS, every=1)
    with pytest.warns(RuntimeWarning, match="pysclice takes no slices") as told:
        found = fit(network(), callback)
    assert sum("pysclice" in str(one.message) for one in told) == 1
    assert len(found["history"]["loss"]) == 2
    assert ps.read_slices(tmp_path) == {}
