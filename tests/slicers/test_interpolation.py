"""Interpolation: its ends are the two networks, and its barrier what lies between."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

import pysclice as ps
from pysclice import measures


def digits() -> dict[str, tuple[Tensor, Tensor]]:
    pixels, classes = load_digits(return_X_y=True)
    inputs, targets = torch.tensor(pixels / 8 - 1, dtype=torch.float32), torch.tensor(classes)
    return {
        "train": (inputs[:400], targets[:400]),
        "validation": (inputs[400:700], targets[400:700]),
    }


def trained(seed: int, width: int = 32, batch_norm: bool = False) -> nn.Sequential:
    torch.manual_seed(seed)
    norm = [nn.BatchNorm1d(width)] if batch_norm else []
    model = nn.Sequential(nn.Linear(64, width), *norm, nn.ReLU(), nn.Linear(width, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    inputs, targets = digits()["train"]
    for _ in range(60):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return model


def surface(model: nn.Module, **options: Any) -> ps.LossSurface:
    return ps.LossSurface(model, nn.CrossEntropyLoss(), digits(), **options)


def loss_of(model: nn.Module, name: str) -> float:
    s = surface(model)
    return s(s.parameters())[f"{name}/loss"]


@pytest.mark.parametrize("match_units", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_both_ends_are_the_networks(match_units: bool, batch_norm: bool) -> None:
    first, second = trained(0, batch_norm=batch_norm), trained(1, batch_norm=batch_norm)
    s = surface(first)
    line = s.slice(ps.Interpolation(second, samples=5, match_units=match_units))
    for name in ("train", "validation"):
        values = line.values[f"{name}/loss"][0, 0]
        assert values[0] == pytest.approx(loss_of(first, name), rel=1e-5)
        # Permuted units compute the same function.
        assert values[-1] == pytest.approx(loss_of(second, name), rel=1e-4)
    assert line.kind == "lines" and line.shape == (1, 1, 5)
    assert line.method == "linear interpolation"


def test_the_noted_barrier_is_that_of_each_data_set() -> None:
    first, second = trained(0), trained(1)
    s = surface(first, metrics={"accuracy": lambda o, t: (o.argmax(1) == t).float()})
    line = s.slice(ps.Interpolation(second, samples=9))
    assert set(line.notes["barrier"]) == {"train/loss", "validation/loss"}
    for channel, found in line.notes["barrier"].items():
        values = line.values[channel][0, 0].astype(float)
        along = np.linspace(0, 1, 9)
        rise = values - ((1 - along) * values[0] + along * values[-1])
        assert found["value"] == pytest.approx(rise.max(), rel=1e-6) and found["value"] > 0.05
        assert found["where"] == along[rise.argmax()]
        assert 0 < found["error"] < found["value"]
    again = ps.Slice.from_bytes(line.to_bytes())
    assert again.notes == line.notes


def test_a_network_with_shuffled_units_is_found_again_without_a_barrier() -> None:
    first = trained(0)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(3))
    shuffled = copy.deepcopy(first)
    with torch.no_grad():
        shuffled[0].weight.copy_(first[0].weight[order])  # type: ignore[union-attr,operator,index]
        shuffled[0].bias.copy_(first[0].bias[order])  # type: ignore[union-attr,operator,index]
        shuffled[2].weight.copy_(first[2].weight[:, order])  # type: ignore[union-attr,operator,index]
    s = surface(first)
    plain = s.slice(ps.Interpolation(shuffled, samples=9))
    matched = s.slice(ps.Interpolation(shuffled, samples=9, match_units=True))
    assert plain.notes["barrier"]["train/loss"]["value"] > 0.05
    assert matched.notes["barrier"]["train/loss"]["value"] < 1e-6
    assert matched.notes["similarity"]["after"] > matched.notes["similarity"]["before"]
    assert matched.axes[0].length < 1e-5 < plain.axes[0].length


def test_units_of_a_frozen_layer_keep_their_places() -> None:
    torch.manual_seed(0)
    first = nn.Sequential(
        nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 10)
    )
    second = copy.deepcopy(first)
    for layer in (2, 4):
        second[layer].reset_parameters()  # type: ignore[operator]
    for model in (first, second):
        model[0].requires_grad_(False)
    line = surface(first).slice(ps.Interpolation(second, samples=3, match_units=True))
    # The permuted network computes the same: only units behind the frozen layer were moved.
    end = float(line.losses[0, 0, -1])
    assert end == pytest.approx(loss_of(second, "train"), rel=1e-5)
    assert line.notes["similarity"]["after"] > line.notes["similarity"]["before"]
    first[2].requires_grad_(False)
    with pytest.raises(ValueError, match="is frozen, or missing"):
        surface(first).slice(ps.Interpolation(second, samples=3, match_units=True))


def test_recomputed_statistics_lower_the_barrier_of_matched_networks() -> None:
    first, second = trained(0, 64, batch_norm=True), trained(1, 64, batch_norm=True)
    s = surface(first)
    kept = s.slice(ps.Interpolation(second, samples=5, match_units=True))
    new = s.slice(ps.Interpolation(second, samples=5, match_units=True, batch_norm="recomputed"))
    assert new.notes["batch_norm"] == "recomputed"
    assert measures.barrier(new).value < measures.barrier(kept).value
    assert np.isfinite(new.losses).all()


def test_a_diverged_end_has_no_barrier_but_a_line() -> None:
    model = nn.Linear(1, 1, bias=False)

    def loss(m: nn.Module, batch: Any) -> Tensor:
        weight = m.weight.squeeze()  # type: ignore[union-attr,operator]
        return torch.where(weight > 0.9, torch.nan, weight**2)  # type: ignore[no-any-return]

    with torch.no_grad():
        model.weight.zero_()
    s = ps.LossSurface(model, data=(torch.zeros(1),), batch_loss=loss)
    line = s.slice(ps.Interpolation({"weight": torch.ones(1, 1)}, samples=5))
    assert line.notes["barrier"] == {}
    assert np.isfinite(line.losses[0, 0, :-1]).all() and np.isnan(line.losses[0, 0, -1])


def test_a_path_that_overflows_has_an_infinite_barrier() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(-1.0)

    def loss(m: nn.Module, batch: Any) -> Tensor:
        weight = m.weight.squeeze()  # type: ignore[union-attr,operator]
        return torch.where(weight.abs() < 0.1, torch.inf, 1.0)  # type: ignore[no-any-return]

    s = ps.LossSurface(model, data=(torch.zeros(1),), batch_loss=loss)
    line = s.slice(ps.Interpolation({"weight": torch.ones(1, 1)}, samples=5))
    assert line.notes["barrier"]["train/loss"]["value"] == "Infinity"
    assert line.notes["barrier"]["train/loss"]["error"] is None
    assert ps.Slice.from_bytes(line.to_bytes()) == line


def test_what_cannot_be_interpolated_gets_a_sentence() -> None:
    other = trained(1)
    with pytest.raises(ValueError, match="holds both"):
        ps.Interpolation(other, span=(0.0, 0.5))
    with pytest.raises(ValueError, match="'interpolated' or 'recomputed'"):
        ps.Interpolation(other, batch_norm="reset")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a module"):
        ps.Interpolation(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one architecture"):
        surface(trained(0, 16)).slice(ps.Interpolation(other, samples=3))
    with pytest.raises(ValueError, match="no BatchNorm layer"):
        surface(trained(0)).slice(ps.Interpolation(other, samples=3, batch_norm="recomputed"))
