"""Slices inside a loop around Accelerate's Accelerator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.utils import DataLoaderConfiguration
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pysclice as ps
from pysclice.integrations.accelerate import slice_logger
from tests.integrations.training import deterministic, differences, random_states, seed
from tests.models import SmallConvNet, images

SLICERS = {"line": ps.Line(ps.Random(0), samples=3)}


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    """An accelerator's state belongs to the process, and the next test wants another."""
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
    yield
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()


def train(directory: Path, *, sliced: bool, **options: Any) -> dict[str, Any]:
    """Two epochs; everything that training leaves behind."""
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
    seed(0)
    broken = options.pop("broken", False)
    accelerator = Accelerator(
        cpu=True, log_with="tensorboard", project_dir=str(directory),
        gradient_accumulation_steps=4, **options,
    )  # fmt: skip
    accelerator.init_trackers("mine")
    loader: Any = DataLoader(TensorDataset(*images(24)), batch_size=4, shuffle=True)
    model: Any = SmallConvNet()
    optimizer: Any = torch.optim.Adam(model.parameters(), 0.01)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    logger = None
    if sliced:
        calls = []

        def fragile(model: nn.Module, batch: Any) -> Tensor:
            calls.append(batch)
            if len(calls) > 2:
                raise ArithmeticError("worn out.")
            return nn.functional.cross_entropy(model(batch[0]), batch[1])

        loss: dict[str, Any] = (
            {"batch_loss": fragile} if broken else {"loss_fn": nn.CrossEntropyLoss()}
        )
        logger = slice_logger(
            accelerator, model, data=loader, slicers=SLICERS, every=2, cache_bytes=0,
            optimizer=optimizer, **loss,
        )  # fmt: skip
    losses, synchronized, step = [], [], 0
    for epoch in range(2):
        for inputs, targets in loader:
            if logger is not None:
                logger.log_if_due(step, epoch)
            with accelerator.accumulate(model):
                value = nn.functional.cross_entropy(model(inputs), targets)
                accelerator.backward(value)
                optimizer.step()
                optimizer.zero_grad()
            losses.append(value.detach().clone())
            synchronized.append(accelerator.sync_gradients)
            accelerator.log({"loss": value.item()}, step=step)
            step += 1
    if logger is not None:
        logger.close()
    accelerator.end_training()
    return {
        "model": dict(accelerator.unwrap_model(model).state_dict()),
        "optimizer": optimizer.state_dict(),
        "random": random_states(),
        "losses": losses,
        "synchronized": synchronized,
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mixed_precision": "bf16"},
        {"dataloader_config": DataLoaderConfiguration(use_seedable_sampler=True)},
    ],
    ids=["plain", "bf16", "seedable"],
)
def test_training_is_the_same_and_slices_are_in_its_run(
    options: dict[str, Any], tmp_path: Path
) -> None:
    with deterministic():
        alone = train(tmp_path / "alone", sliced=False, **options)
        sliced = train(tmp_path / "sliced", sliced=True, **options)
    assert differences(alone, sliced) == []
    # 6 batches in groups of 4: the end of an epoch synchronizes as well.
    assert alone["synchronized"] == [False, False, False, True, False, True] * 2
    assert list(ps.read_slices(tmp_path / "sliced")) == ["mine"]
    slices = ps.read_slices(tmp_path / "sliced")["mine"]["line"]
    assert list(slices) == [0, 2, 4, 6, 8, 10, 11]
    assert slices[10].examples == 24 and slices[10].notes["learning_rate"] == 0.01
    assert len(list((tmp_path / "sliced" / "mine").glob("*tfevents*"))) == 1


def test_a_slice_that_fails_while_it_reads_leaves_the_accumulation_alone(tmp_path: Path) -> None:
    alone = train(tmp_path / "alone", sliced=False)
    with pytest.warns(RuntimeWarning, match="worn out"):
        sliced = train(tmp_path / "sliced", sliced=True, broken=True)
    assert differences(alone, sliced) == []


def test_other_processes_do_not_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator = Accelerator(cpu=True)
    monkeypatch.setattr(Accelerator, "is_main_process", property(lambda self: False))
    model = SmallConvNet()
    with slice_logger(
        accelerator, model, nn.CrossEntropyLoss(), images(8), SLICERS, target=tmp_path
    ) as logger:
        assert logger.log_if_due(0) == {} and logger.log(1, epoch=2.0) == {}
    assert list(tmp_path.iterdir()) == []


def test_without_a_tracker_a_directory_is_asked_for(tmp_path: Path) -> None:
    accelerator = Accelerator(cpu=True)
    arguments: Any = (accelerator, SmallConvNet(), nn.CrossEntropyLoss(), images(8), SLICERS)
    with pytest.raises(ValueError, match=r"log_with='tensorboard'"):
        slice_logger(*arguments)
    with slice_logger(*arguments, target=tmp_path, budget=0.5, mode="train") as logger:
        taken = logger.log(3)
    assert taken["line"].mode == "train"
    assert list(ps.read_slices(tmp_path)["."]["line"]) == [3]
    with pytest.raises(TypeError, match="does not know 'evrey'"):
        slice_logger(*arguments, target=tmp_path, evrey=3)


def test_a_compiled_model_is_unwrapped(tmp_path: Path) -> None:
    accelerator = Accelerator(cpu=True)
    model = SmallConvNet()
    compiled: Any = torch.compile(model, backend="eager")
    logger = slice_logger(
        accelerator, compiled, nn.CrossEntropyLoss(), images(8), SLICERS, target=tmp_path
    )
    assert isinstance(logger, ps.SliceLogger) and logger.surface.model is model
    logger.close()
