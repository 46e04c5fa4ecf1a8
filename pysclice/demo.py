"""The demonstration: two networks that differ in their skip connections, sliced while they train.

Without skip connections the surface of a deep network is rough and its minimum narrow (Li et al.
2018, arXiv:1712.09913, section 5); here in the size of a coffee break: residual blocks of fully
connected layers on the 8 x 8 digits that come with scikit-learn.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.queues
import queue
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pysclice.core.surface import Slicer
    from pysclice.core.trajectory import Trajectory

RUNS = {"with skips": True, "without skips": False}

_WIDTH, _BLOCKS = 32, 10
_EPOCHS, _BATCH_SIZE = 40, 128
_LOGGED_EPOCHS = (0, 1, 2, 4, 8, 14, 24, 40)
_TRAIN_EXAMPLES = 1200
# The surface averages over part of the data: the picture is the same, at a quarter of the cost.
_SLICED_TRAIN, _SLICED_VALIDATION = 300, 150


@dataclass(frozen=True)
class Digits:
    """scikit-learn's digits, shuffled once: pixels in (-1, 1), classes 0 to 9."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]


def train_both(logdir: Path) -> None:
    """Train both networks side by side, a process each, and log their slices below ``logdir``.

    Raises:
        RuntimeError: a process failed; its own error is on the terminal.
    """
    from tqdm.auto import tqdm

    context = multiprocessing.get_context("spawn")
    finished: multiprocessing.queues.Queue[str] = context.Queue()
    processes = {
        run: context.Process(target=train, args=(run, logdir, finished), daemon=True)
        for run in RUNS
    }
    bars = {
        run: tqdm(
            total=len(_LOGGED_EPOCHS),
            desc=f"{run:15}",
            position=place,
            unit=" steps sliced",
            bar_format="{desc}{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} steps sliced",
        )
        for place, run in enumerate(RUNS)
    }
    try:
        for process in processes.values():
            process.start()
        while any(bar.n < bar.total for bar in bars.values()):
            try:
                bars[finished.get(timeout=1)].update()
            except queue.Empty:
                failed = [run for run, process in processes.items() if process.exitcode]
                if failed:
                    raise RuntimeError(f"Training {failed[0]!r} failed.") from None
        for process in processes.values():
            process.join()
    finally:
        for bar in bars.values():
            bar.close()
        for process in processes.values():
            if process.is_alive():
                process.terminate()


def train(run: str, logdir: Path, finished: multiprocessing.queues.Queue[str]) -> None:
    """Train one network, logging scalars and slices; tells ``finished`` after each logged step."""
    import torch
    from torch.nn.functional import cross_entropy
    from torch.utils.tensorboard import SummaryWriter

    from pysclice.core.surface import LossSurface
    from pysclice.core.trajectory import Trajectory
    from pysclice.directions.random import Random
    from pysclice.logger import SliceLogger

    torch.set_num_threads(1)  # a core for each of the two
    torch.manual_seed(0)
    digits = load_digits()
    model = network(skip_connections=RUNS[run])
    surface = LossSurface(
        model,
        cross_entropy,
        {
            "train": tuple(part[:_SLICED_TRAIN] for part in digits.train),
            "validation": tuple(part[:_SLICED_VALIDATION] for part in digits.validation),
        },
        metrics={"accuracy": accuracy},
    )
    inputs, targets = digits.train
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    steps_per_epoch = len(inputs) // _BATCH_SIZE
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _EPOCHS * steps_per_epoch)
    drawn = (Random(0), Random(1))
    trajectory = Trajectory(logdir / run / "trajectory", directions=drawn, every=steps_per_epoch)
    step = 0
    with (
        SummaryWriter(str(logdir / run)) as writer,
        SliceLogger(writer, surface, slicers(model, trajectory)) as logger,
    ):
        for epoch in range(_EPOCHS + 1):
            trajectory.record(step, surface)
            if epoch in _LOGGED_EPOCHS:
                logger.log(step, epoch)
                finished.put(run)
            if epoch == _EPOCHS:
                break
            for batch in torch.randperm(len(inputs)).split(_BATCH_SIZE)[:steps_per_epoch]:
                optimizer.zero_grad()
                loss = cross_entropy(model(inputs[batch]), targets[batch])
                loss.backward()
                optimizer.step()
                decay.step()
                writer.add_scalar("loss/train", loss.item(), step)
                step += 1
            model.eval()
            with torch.no_grad():
                outputs = model(digits.validation[0])
            model.train()
            writer.add_scalar(
                "accuracy/validation", accuracy(outputs, digits.validation[1]).mean().item(), step
            )


def slicers(model: nn.Module, trajectory: Trajectory) -> dict[str, Slicer]:
    """What the demonstration logs: one series for each thing to switch between."""
    from pysclice.directions.hessian_eigenvector import HessianEigenvector
    from pysclice.directions.random import Random
    from pysclice.slicers.axis_parallel import AxisParallel
    from pysclice.slicers.crowd import Crowd
    from pysclice.slicers.interpolation import Interpolation
    from pysclice.slicers.line import Line
    from pysclice.slicers.plane import Plane
    from pysclice.slicers.spectrum import Spectrum

    start = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    return {
        "random plane": Plane(Random(0), Random(1), samples=25, trajectory=trajectory),
        "random plane, other seeds": Plane(Random(2), Random(3), samples=13),
        "random line": Line(Random(0), samples=49),
        "random crowd": Crowd([Random(seed) for seed in range(10)], samples=9),
        "sharpest direction": Line(HessianEigenvector(0), samples=25),
        "back to the start": Interpolation(start, span=(-0.25, 1.25), samples=25, name="start"),
        "steepest coordinates": AxisParallel(count=16, span=(-8.0, 8.0), samples=13),
        "spectrum": Spectrum(count=2, probes=3, steps=12),
    }


def network(*, skip_connections: bool) -> nn.Module:
    """Residual blocks of two fully connected layers with BatchNorm, or the same without skips."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.Linear(_WIDTH, _WIDTH), nn.BatchNorm1d(_WIDTH), nn.ReLU())
            self.second = nn.Sequential(nn.Linear(_WIDTH, _WIDTH), nn.BatchNorm1d(_WIDTH))

        def forward(self, inputs: Tensor) -> Tensor:
            hidden = self.second(self.first(inputs))
            return torch.relu(hidden + inputs if skip_connections else hidden)

    return nn.Sequential(
        nn.Linear(64, _WIDTH),
        nn.BatchNorm1d(_WIDTH),
        nn.ReLU(),
        *(Block() for _ in range(_BLOCKS)),
        nn.Linear(_WIDTH, 10),
    )


def load_digits() -> Digits:
    """The data of both networks.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
    """
    import torch
    from sklearn.datasets import load_digits as bundled_digits

    pixels, classes = bundled_digits(return_X_y=True)
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    inputs = ((torch.from_numpy(pixels) - 8) / 8).float()[order]
    targets = torch.from_numpy(classes).long()[order]
    return Digits(
        (inputs[:_TRAIN_EXAMPLES], targets[:_TRAIN_EXAMPLES]),
        (inputs[_TRAIN_EXAMPLES:], targets[_TRAIN_EXAMPLES:]),
    )


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """For each example, 1 if its largest output is the target and 0 if not: (examples,)."""
    return (outputs.argmax(1) == targets).float()
