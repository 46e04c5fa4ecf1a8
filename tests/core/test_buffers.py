"""BatchNorm's statistics along a path: moved, or measured anew, against doing it by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import pysclice as ps


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    )


def data(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    return torch.randn(count, 1, 8, 8), torch.arange(count) % 3


def by_hand(
    first: nn.Module, second: nn.Module, coordinate: float, batches: list[tuple[torch.Tensor, ...]]
) -> float:
    """Interpolate, average the statistics over all batches in train mode, measure in eval mode."""
    model = copy.deepcopy(first)
    ends = zip(model.parameters(), first.parameters(), second.parameters(), strict=True)
    with torch.no_grad():
        for parameter, a, b in ends:
            parameter.copy_(a + coordinate * (b - a))
        (layer,) = (m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
        layer.reset_running_stats()
        layer.momentum = None
        model.train()
        for inputs, _ in batches:
            model(inputs)
        model.eval()
        losses = [functional.cross_entropy(model(x), y, reduction="sum").item() for x, y in batches]
    return sum(losses) / sum(len(y) for _, y in batches)


@pytest.mark.parametrize("cache_bytes", [2**30, 1])
def test_statistics_measured_anew_are_those_found_by_hand(cache_bytes: int) -> None:
    first, second = network(0), network(1)
    loader = DataLoader(TensorDataset(*data()), batch_size=16)
    before = copy.deepcopy(first.state_dict())
    surface = ps.LossSurface(first, nn.CrossEntropyLoss(), loader, cache_bytes=cache_bytes)
    direction = ps.Towards(second)(surface, surface.parameters())
    coordinates = np.array([[0.0], [0.5], [1.0]])
    found = surface.measure(
        surface.parameters(), [direction], coordinates, recompute_batch_norm=True
    )
    expected = [by_hand(first, second, float(c), list(loader)) for c in coordinates[:, 0]]
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-5)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_interpolated_statistics_reach_the_other_network() -> None:
    first, second = network(0), network(1)
    second.train()
    second(data()[0])  # statistics of its own
    surface = ps.LossSurface(first, nn.CrossEntropyLoss(), data())
    other = ps.LossSurface(second, nn.CrossEntropyLoss(), data())
    line = surface.slice(ps.Line(ps.Towards(second), span=(0, 1), samples=3))
    end = other(other.parameters())["train/loss"]
    assert float(line.losses[0, 0, -1]) == pytest.approx(end, rel=1e-6)
    plane = surface.slice(
        ps.Plane(ps.Towards(second), ps.Random(0), span=((0, 1), (-1, 1)), samples=3)
    )
    assert float(plane.losses[0, -1, 1]) == pytest.approx(end, rel=1e-6)


def test_what_cannot_be_recomputed_is_said() -> None:
    zero = np.zeros((1, 0))
    without = ps.LossSurface(nn.Linear(3, 2), nn.MSELoss(), (torch.randn(4, 3), torch.randn(4, 2)))
    with pytest.raises(ValueError, match="no BatchNorm layer"):
        without.measure(without.parameters(), [], zero, recompute_batch_norm=True)
    trained = ps.LossSurface(network(0), nn.CrossEntropyLoss(), data(), mode="train")
    with pytest.raises(ValueError, match="mode='eval'"):
        trained.measure(trained.parameters(), [], zero, recompute_batch_norm=True)
    surface = ps.LossSurface(network(0), nn.CrossEntropyLoss(), data())
    for name, tensor, sentence in (
        ("1.nothing", torch.zeros(4), "no such buffer"),
        ("1.num_batches_tracked", torch.tensor(1), "cannot move"),
    ):
        with pytest.raises(ValueError, match=sentence):
            surface.measure(surface.parameters(), [], zero, buffers=[{name: tensor}])
