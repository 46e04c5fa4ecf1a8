"""Single coordinates: where they are, what they cover, and what they cost."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

import pysclice as ps


class Parts(nn.Module):
    """Tensors of several shapes, one of zeros and one without dimensions."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.kernel = nn.Parameter(torch.randn(2, 3, 4, generator=generator))
        self.shift = nn.Parameter(torch.zeros(3))
        self.scale = nn.Parameter(torch.tensor(-2.5))
        self.narrow = nn.Parameter(torch.ones(4, dtype=torch.float16))


def surface() -> ps.LossSurface:
    return ps.LossSurface(
        Parts(), data=[torch.zeros(1)], batch_loss=lambda m, _: m.kernel.square().sum() * m.scale
    )


@pytest.mark.parametrize(
    ("name", "index", "place"),
    [
        ("kernel", (1, 2, 3), (1, 2, 3)),
        ("kernel", (-1, 0, -4), (1, 0, 0)),
        ("shift", (2,), (2,)),
        ("scale", (), ()),
        ("narrow", (-1,), (3,)),
    ],
)
def test_a_coordinate_is_one_entry(name: str, index: Any, place: Any) -> None:
    where = surface()
    start = where.parameters()
    found = ps.Coordinate(name, index, length=0.75)(where, start)
    assert list(found) == [name]
    tensor = found[name]
    expected = torch.zeros(start[name].shape)
    expected[place] = 0.75
    assert torch.equal(tensor.to_dense() if tensor.is_sparse else tensor, expected)
    assert tensor.dtype == torch.float32  # also where the parameters are in half precision
    if index:
        assert tensor.values().numel() == 1


def test_lengths() -> None:
    where = surface()
    start = where.parameters()
    numbers = torch.cat([t.float().reshape(-1) for t in start.values()])
    every = numbers.square().mean().sqrt().item()
    kernel = start["kernel"].square().mean().sqrt().item()

    def length(*arguments: Any) -> float:
        (tensor,) = ps.Coordinate(*arguments)(where, start).values()
        return float(tensor.to_dense().sum() if tensor.is_sparse else tensor)

    assert length("kernel", (0, 1, 2)) == pytest.approx(kernel, rel=1e-6)
    assert length("shift", (0,)) == pytest.approx(every, rel=1e-5)
    weight = abs(start["kernel"][0, 1, 2].item())
    assert length("kernel", (0, 1, 2), "weight") == pytest.approx(weight, rel=1e-6)
    assert length("shift", (0,), "weight") == pytest.approx(every, rel=1e-5)
    assert length("scale", (), "weight") == 2.5
    nothing = {name: torch.zeros_like(tensor) for name, tensor in start.items()}
    assert ps.Coordinate("shift", (0,))(where, nothing)["shift"].to_dense().sum() == 1.0


def test_a_line_along_a_number_without_dimensions_is_straight_here() -> None:
    where = surface()
    line = where.slice(ps.Line(ps.Coordinate("scale", (), length=1.0), samples=3))
    slope = (line.losses[0, 0, 2] - line.losses[0, 0, 0]) / 2
    assert slope == pytest.approx(where.model.kernel.square().sum().item(), rel=1e-5)


@pytest.mark.parametrize("length", ["filter", 0, -1.0, math.inf, math.nan, True, None])
def test_other_lengths_are_refused(length: Any) -> None:
    with pytest.raises(ValueError, match="'layer', 'weight' or a number above 0"):
        ps.Coordinate("w", (0,), length)


def test_descriptions_name_the_unit() -> None:
    texts = [ps.Coordinate("w", (0,), unit).description for unit in ("layer", "weight", 0.5)]  # type: ignore[arg-type]
    for text, unit in zip(texts, ("root mean square", "its own magnitude", "0.5"), strict=True):
        assert unit in text
    prints = {ps.Coordinate("w", (0,), unit).recipe["length"] for unit in ("layer", "weight", 0.5)}  # type: ignore[arg-type]
    assert len(prints) == 3
