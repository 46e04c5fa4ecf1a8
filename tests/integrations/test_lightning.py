"""Slices inside Lightning's Trainer, under both of its names."""

from __future__ import annotations

import importlib
import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

import pysclice as ps
from pysclice.integrations.lightning import SliceCallback
from tests.integrations.training import deterministic, differences, random_states, seed
from tests.models import SmallConvNet, images
from tests.plugin.test_routes import Site

pytestmark = [
    # Lightning's own: about this machine, about our small settings, about older names it uses.
    pytest.mark.filterwarnings(r"ignore:.*:UserWarning:(pytorch_)?lightning\."),
    pytest.mark.filterwarnings(r"ignore:.*does not have many workers"),
    pytest.mark.filterwarnings(r"ignore:.*`isinstance\(treespec, LeafSpec\)` is deprecated"),
    pytest.mark.filterwarnings(r"ignore:.*number of training batches"),
    pytest.mark.filterwarnings(r"ignore:.*Skipping val loop"),
    pytest.mark.filterwarnings(r"ignore:`training_step` returned `None`"),
    pytest.mark.filterwarnings(r"ignore:.*litlogger"),
]

# For modules whose steps do not fill what the end of an epoch empties.
QUIET = {"on_train_epoch_end": lambda self: None}
PACKAGES = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}
SLICERS = {"plane": ps.Plane(ps.Random(0), ps.Random(1), samples=3)}


def module_of(package: Any, **changes: Any) -> Any:
    """A module with metrics, with a list that its steps fill, and with a logger that they use."""

    class Module(package.LightningModule):  # type: ignore[misc]  # one of two packages
        def __init__(self) -> None:
            super().__init__()
            self.net = SmallConvNet()
            self.accuracy = torchmetrics.Accuracy("multiclass", num_classes=10)
            self.curve = torchmetrics.CatMetric()
            self.outputs: list[Tensor] = []
            self.losses: list[Tensor] = []
            self.state: dict[str, Any] = {"calls": 0, "sizes": []}

        def forward(self, inputs: Tensor) -> Tensor:
            return self.net(inputs)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            inputs, targets = batch
            outputs = self(inputs)
            loss = nn.functional.cross_entropy(outputs, targets)
            self.accuracy(outputs, targets)
            self.curve.update(loss.detach())
            self.log("loss", loss)
            self.log("accuracy", self.accuracy, on_step=True, on_epoch=True)
            self.log_dict({"half": loss / 2})
            self.logger.experiment.add_scalar("by hand", loss.item(), self.global_step)
            self.outputs.append(loss.detach())
            self.state["calls"] += 1
            self.state["sizes"].append(len(inputs))
            self.trainer.seen = self.state["calls"]
            return {"loss": loss, "outputs": outputs}

        def on_train_epoch_end(self) -> None:
            self.losses.extend(self.outputs)
            self.outputs.clear()
            self.log("curve", self.curve.compute().mean())

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("validation loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), 0.01)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]

    for name, change in changes.items():
        setattr(Module, name, change)
    return Module()


def loader(count: int = 24, number: int = 0) -> Any:
    return DataLoader(TensorDataset(*images(count, number)), batch_size=4, shuffle=not number)


def trainer_of(package: Any, directory: Path, *callbacks: Any, **options: Any) -> Any:
    loggers = importlib.import_module(f"{package.__name__}.loggers")
    arguments = {
        "max_epochs": 2,
        "accelerator": "cpu",
        "devices": 1,
        "logger": loggers.TensorBoardLogger(directory, name="mine", version=""),
        "default_root_dir": directory,
        "callbacks": list(callbacks),
        "log_every_n_steps": 1,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return package.Trainer(**{**arguments, **options})


def fit(package: Any, directory: Path, *callbacks: Any, **options: Any) -> dict[str, Any]:
    """Train; everything that training leaves behind."""
    seed(0)
    module = module_of(package)
    trainer = trainer_of(package, directory, *callbacks, **options)
    trainer.fit(module, loader(), loader(8, 1))
    events = EventAccumulator(str(directory / "mine")).Reload()
    return {
        "model": dict(module.state_dict()),
        "metrics": [dict(metric.metric_state) for metric in (module.accuracy, module.curve)],
        "losses": module.losses,
        "state": module.state,
        "seen": trainer.seen,
        "optimizer": trainer.optimizers[0].state_dict(),
        "random": random_states(),
        "logged": {
            tag: [(event.step, event.value) for event in events.Scalars(tag)]
            for tag in sorted(events.Tags()["scalars"])
        },
        "callback metrics": dict(trainer.callback_metrics),
        "trainer": sorted(vars(trainer)),
    }


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(PACKAGES[request.param])


@pytest.mark.parametrize(
    "options",
    [{}, {"accumulate_grad_batches": 4}, {"precision": "bf16-mixed", "gradient_clip_val": 0.5}],
    ids=["plain", "accumulated", "bf16"],
)
def test_training_is_the_same_and_slices_are_in_its_run(
    package: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    callback = SliceCallback(SLICERS, every=2, validation=True, metrics=["accuracy", "half"])
    with deterministic():
        alone = fit(package, tmp_path / "alone", **options)
        sliced = fit(package, tmp_path / "sliced", callback, **options)
    assert differences(alone, sliced) == []
    assert len(alone["losses"]) == 12 and alone["state"]["calls"] == 12
    assert list(ps.read_slices(tmp_path / "sliced")) == ["mine"]
    slices = ps.read_slices(tmp_path / "sliced")["mine"]["plane"]
    steps = 4 if "accumulate_grad_batches" in options else 12
    assert list(slices) == list(range(0, steps + 1, 2))
    assert [slice_.epoch for slice_ in slices.values()][:: len(slices) - 1] == [0.0, 1.0]
    last = slices[steps]
    assert last.notes["learning_rate"] == pytest.approx(0.0025)
    assert set(last.values) == {
        f"{data}/{channel}"
        for data in ("train", "validation")
        for channel in ("loss", "accuracy", "half")
    }
    # What was drawn is all of the 24 examples, and the model stands where training ended.
    net = SmallConvNet()
    names = {k.removeprefix("net."): v for k, v in sliced["model"].items() if k.startswith("net.")}
    net.load_state_dict(names)
    net.eval()
    for data, (inputs, targets) in {"train": images(24), "validation": images(8, 1)}.items():
        with torch.no_grad():
            outputs = net(inputs)
        loss = float(nn.functional.cross_entropy(outputs, targets))
        accuracy = float((outputs.argmax(1) == targets).float().mean())
        assert last.center[f"{data}/loss"][0] == pytest.approx(loss, rel=1e-4)
        assert last.center[f"{data}/half"][0] == pytest.approx(loss / 2, rel=1e-4)
        assert last.center[f"{data}/accuracy"][0] == pytest.approx(accuracy, abs=1e-6)


def test_the_plugin_shows_them_under_the_trainers_run(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    fit(package, tmp_path, SliceCallback(SLICERS, every=6))
    (run,) = Site(tmp_path).index()["runs"]
    (series,) = run["series"]
    assert run["name"] == "mine" and series["steps"] == [0, 6, 12]


def test_a_compiled_module_is_not_compiled_again(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    from torch._dynamo.utils import counters

    def step(module: Any, batch: Any, batch_idx: int) -> Tensor:
        return nn.functional.cross_entropy(module(batch[0]), batch[1])

    def compiled_fit(*callbacks: Any) -> tuple[dict[str, Tensor], dict[str, int]]:
        torch._dynamo.reset()
        counters.clear()
        seed(0)
        module = module_of(package, training_step=step, **QUIET)
        trainer = trainer_of(package, tmp_path, *callbacks, max_epochs=1, logger=False)
        trainer.fit(torch.compile(module, backend="eager"), loader())
        return dict(module.state_dict()), dict(counters["stats"])

    alone = compiled_fit()
    with pytest.warns(RuntimeWarning, match="no TensorBoard writer"):
        sliced = compiled_fit(SliceCallback(SLICERS, every=2))
    assert differences(alone, sliced) == []
    assert alone[1]["unique_graphs"] > 0
    (run,) = ps.read_slices(tmp_path)
    assert run.startswith("slices")
    assert list(ps.read_slices(tmp_path)[run]["plane"]) == [0, 2, 4, 6]


def test_a_loss_that_fails_is_told_once_and_training_finishes(package: Any, tmp_path: Path) -> None:
    def broken(module: nn.Module, batch: Any) -> Tensor:
        raise ArithmeticError("no such loss.")

    with pytest.warns(RuntimeWarning, match="ArithmeticError: no such loss") as told:
        found = fit(package, tmp_path, SliceCallback(SLICERS, batch_loss=broken, every=1))
    assert sum("pysclice" in str(one.message) for one in told) == 1
    assert len(found["losses"]) == 12
    assert ps.read_slices(tmp_path) == {}


def test_a_loss_that_fails_later_is_told_once(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    calls = []

    def fragile(module: nn.Module, batch: Any) -> Tensor:
        calls.append(module)
        if len(calls) > 100:
            raise ArithmeticError("worn out.")
        return nn.functional.cross_entropy(module(batch[0]), batch[1])

    slicers = {"line": ps.Line(ps.Random(0), samples=3)}
    with pytest.warns(RuntimeWarning, match="worn out") as told:
        found = fit(package, tmp_path, SliceCallback(slicers, batch_loss=fragile, every=1))
    assert sum("worn out" in str(one.message) for one in told) == 1
    assert len(found["losses"]) == 12
    assert 0 < len(ps.read_slices(tmp_path)["mine"]["line"]) < 12


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"automatic_optimization": False}, "manual optimization"),
        ({"training_step": lambda self, batch: None}, "returned a NoneType, expected a loss"),
    ],
)
def test_a_step_that_cannot_be_run_alone_asks_for_a_loss(
    changes: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    package = importlib.import_module("lightning.pytorch")
    steps: list[int] = []
    if "automatic_optimization" in changes:

        def training_step(self: Any, batch: Any, batch_idx: int) -> None:
            steps.append(batch_idx)
            self.optimizers().step()

        changes = {**changes, "training_step": training_step}
    module = module_of(package, **QUIET, **changes)
    trainer = trainer_of(package, tmp_path, SliceCallback(SLICERS), max_epochs=1)
    with pytest.warns(RuntimeWarning, match=sentence) as told:
        trainer.fit(module, loader())
    ours = [str(one.message) for one in told if "pysclice" in str(one.message)]
    assert len(ours) == 1 and "batch_loss" in ours[0]
    assert len(steps) in (0, 6)


def test_a_loss_of_ones_own_with_metrics_of_ones_own(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    callback = SliceCallback(
        lambda surface: {"back": ps.Line(ps.Towards(surface.parameters()), samples=3)},
        loss_fn=nn.CrossEntropyLoss(),
        metrics={"accuracy": lambda outputs, targets: (outputs.argmax(1) == targets).float()},
        data={"given": images(16, 3)},
        examples=8,
        every=100,
        backend="reference",
    )
    fit(package, tmp_path, callback)
    slices = ps.read_slices(tmp_path)["mine"]["back"]
    assert list(slices) == [0, 12]
    assert slices[12].channels == ("given/loss", "given/accuracy")
    assert slices[12].examples == 8 and slices[12].errors["given/loss"].shape == (1, 1, 3)
    # The slicer was made at the start, so its line leads back there.
    assert slices[12].axes[0].length > slices[0].axes[0].length == 0.0


def test_the_path_is_recorded_at_each_step(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    directions = (ps.Random(0), ps.Random(1))
    path = ps.Trajectory(tmp_path / "path", directions=directions)
    slicers = {"plane": ps.Plane(*directions, samples=3, trajectory=path)}
    with deterministic():
        alone = fit(package, tmp_path / "alone")
        recorded = fit(
            package, tmp_path / "sliced", SliceCallback(slicers, every=6, trajectory=path)
        )
    assert differences(alone, recorded) == []
    last = ps.read_slices(tmp_path / "sliced")["mine"]["plane"][12]
    assert last.trajectory is not None
    np.testing.assert_array_equal(last.trajectory.steps, np.arange(13))


def test_only_what_the_sampler_may_give_is_drawn(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    inputs, targets = images(24)
    seen: set[float] = set()

    def spy(module: nn.Module, batch: Any) -> Tensor:
        seen.update(batch[0].flatten(1)[:, 0].tolist())
        return nn.functional.cross_entropy(module(batch[0]), batch[1])

    allowed = [1, 3, 5, 7, 11, 13, 17, 19]
    data = DataLoader(TensorDataset(inputs, targets), 4, sampler=SubsetRandomSampler(allowed))
    module = module_of(package)
    callback = SliceCallback(SLICERS, batch_loss=spy, examples=6, every=100)
    trainer_of(package, tmp_path, callback, max_epochs=1).fit(module, data)
    assert seen < set(inputs[allowed].flatten(1)[:, 0].tolist()) and len(seen) == 6


def test_an_exception_loses_nothing_and_is_not_swallowed(package: Any, tmp_path: Path) -> None:
    class Failing(package.Callback):  # type: ignore[misc]  # one of two packages
        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, number: int) -> None:
            if number == 5:
                raise OSError("the disk is full.")

    callback = SliceCallback(SLICERS, every=2)
    with pytest.raises(OSError, match="the disk is full"):
        fit(package, tmp_path, callback, Failing())
    assert list(ps.read_slices(tmp_path)["mine"]["plane"]) == [0, 2, 4]
    assert callback._slicing.logger is None


def test_a_trial_run_writes_nothing(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    trainer = trainer_of(package, tmp_path, SliceCallback(SLICERS), fast_dev_run=True)
    trainer.fit(module_of(package, **QUIET), loader(), loader(8, 1))
    assert ps.read_slices(tmp_path) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"evry": 10}, "'evry'"),
        ({"mode": "eval", "batchloss": 1}, "'batchloss'"),
        ({"metrics": "accuracy"}, "names of values"),
        ({"metrics": {"accuracy": len}}, "names of values"),
        ({"metrics": ["accuracy"], "loss_fn": nn.MSELoss()}, "together with loss_fn"),
    ],
)
def test_bad_arguments_get_a_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        SliceCallback(**arguments)


def test_options_reach_surface_and_logger(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    clock = itertools.count(step=0.001).__next__
    options: dict[str, Any] = {"budget": 0.5, "clock": clock, "backend": "reference"}
    callback = SliceCallback(SLICERS, every=1, mode="train", **options)
    with warnings.catch_warnings():
        fit(package, tmp_path, callback)
    slice_ = ps.read_slices(tmp_path)["mine"]["plane"][0]
    assert slice_.mode == "train" and slice_.notes["budget"]["fraction"] == 0.5
    assert slice_.notes["evaluation"]["backend"] == "reference"
