"""Models with their data, briefly trained: what all contenders are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from benchmarks.data import CountedDigits, Pairs, digits, pictures, source
from benchmarks.models import GPT, ResNet20, convolutional, logistic, of_each_token, perceptron

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Case:
    """A trained model in eval mode with its data.

    Attributes:
        name: what the table calls it.
        model: on the device that is measured.
        inputs: of all examples, in one tensor on that device.
        targets: of all examples.
        loss: ``loss(outputs, targets)``, averaged.
        data_set: the same examples one by one, in the computer's memory.
        batch_size: of a loader of the data set. It divides the number of examples, since some
            tools average the averages of batches.
        from_loader: everyone is given the loader instead of the tensors.
    """

    name: str
    model: nn.Module
    inputs: Tensor
    targets: Tensor
    loss: Loss
    data_set: Dataset[Any]
    batch_size: int
    from_loader: bool = False

    def loader(self) -> DataLoader[Any]:
        """The data as most tools' documentation hands them over."""
        return DataLoader(self.data_set, batch_size=self.batch_size)

    def data(self) -> Any:
        """The data as pysclice's documentation hands them over."""
        return self.loader() if self.from_loader else (self.inputs, self.targets)

    def batches(self) -> Iterable[Pairs]:
        """What a loop iterates over at each point: one batch in memory, or the loader."""
        return self.loader() if self.from_loader else [(self.inputs, self.targets)]

    def center(self) -> float:
        """The loss where the model stands."""
        with torch.no_grad():
            return self.loss(self.model(self.inputs), self.targets).item()


def made(
    name: str,
    build: Callable[[], nn.Module],
    data: Pairs,
    batch_size: int,
    steps: int,
    *,
    rate: float = 3e-3,
    loss: Loss | None = None,
    device: str = "cpu",
    data_set: Dataset[Any] | None = None,
) -> Case:
    """A case whose model was trained for some steps of Adam on batches of 16."""
    loss = loss or nn.CrossEntropyLoss()
    inputs, targets = data
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        model = build().train()
        optimizer = torch.optim.Adam(model.parameters(), rate)
        for _ in range(steps):
            chosen = torch.randperm(len(inputs))[:16]
            optimizer.zero_grad()
            loss(model(inputs[chosen]), targets[chosen]).backward()
            optimizer.step()
        optimizer.zero_grad()
    return Case(
        name,
        model.eval().to(device),
        inputs.to(device),
        targets.to(device),
        loss,
        data_set or TensorDataset(inputs, targets),
        batch_size,
        data_set is not None,
    )


def cases(device: str = "cpu") -> dict[str, Callable[[], Case]]:
    """Name -> what makes the case; nothing is made before it is asked for."""
    return {
        "logistic": lambda: made(
            "logistic", logistic, digits(1797), 599, 1000, rate=1e-2, device=device
        ),
        "MLP": lambda: made("MLP", perceptron, digits(1797), 599, 1000, device=device),
        "MLP, 64 examples": lambda: made(
            "MLP, 64 examples", perceptron, digits(64), 64, 100, device=device
        ),
        "MLP, loader": lambda: made(
            "MLP, loader",
            perceptron,
            digits(1797),
            599,
            1000,
            device=device,
            data_set=CountedDigits(),
        ),
        "CNN": lambda: made("CNN", convolutional, pictures(512), 256, 120, device=device),
        "ResNet-20": lambda: made("ResNet-20", ResNet20, pictures(256), 128, 50, device=device),
        "GPT": lambda: made("GPT", GPT, source(32, 64), 32, 30, loss=of_each_token, device=device),
    }
