"""Directions made from others, against arithmetic on flat vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import pysclice as ps
from pysclice.directions import Directional
from pysclice.directions.axis import axis_along


def surface() -> ps.LossSurface:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
    inputs = torch.randn(20, 5)
    return ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, (inputs[:, 0] > 0).long()))


def flat(tensors: Any, like: Any) -> np.ndarray:
    zeros = {name: torch.zeros_like(t) for name, t in like.items()} | dict(tensors)
    return torch.cat([zeros[name].reshape(-1) for name in like]).double().numpy()


def bias_only(surface: ps.LossSurface, parameters: Any) -> dict[str, torch.Tensor]:
    return {"2.bias": torch.tensor([1.0, -2.0])}


numbers = st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3)


@given(numbers, numbers)
def test_sums_are_those_of_vectors(first: float, second: float) -> None:
    s = surface()
    start = s.parameters()
    direction = first * ps.Random(0) - ps.Gradient() * second + bias_only
    expected = (
        first * flat(ps.Random(0)(s, start), start)
        - second * flat(ps.Gradient()(s, start), start)
        + flat(bias_only(s, start), start)
    )
    np.testing.assert_allclose(flat(direction(s, start), start), expected, atol=1e-5)


def test_sums_know_what_they_are_called_and_made_of() -> None:
    assert (ps.Random(0) + ps.Random(1)).name == "random 0 + random 1"
    assert (0.5 * ps.Random(0) - 2 * ps.Gradient()).name == "0.5 random 0 - 2 gradient"
    assert (-ps.Gradient()).name == "-gradient"
    both = ps.Random(0) + ps.Gradient()
    assert both.method == "random direction and gradient"
    assert both.recipe is None  # a gradient is found and not drawn
    assert (bias_only + ps.Random(1)).name == "bias_only + random 1"
    assert (bias_only - ps.Random(1)).terms[1][0] == -1.0


def test_equal_sums_of_drawn_directions_have_equal_fingerprints() -> None:
    s, along = surface(), np.linspace(-1, 1, 3)
    start = s.parameters()

    def fingerprint(direction: Directional, at: Any) -> str:
        return axis_along(direction, direction(s, at), at, along).fingerprint

    elsewhere = {name: tensor + 0.1 for name, tensor in start.items()}
    one, other = ps.Random(0) + ps.Random(1), ps.Random(0) + 2 * ps.Random(1)
    assert fingerprint(one, start) == fingerprint(one, elsewhere)
    assert fingerprint(one, start) != fingerprint(other, start)
    turned = ps.Random(0).orthogonal_to(ps.Random(1))
    assert fingerprint(turned, start) != fingerprint(ps.Random(0), start)


def test_orthogonal_complements_are_orthogonal_and_keep_their_length() -> None:
    s = surface()
    start = s.parameters()
    others: tuple[Directional, ...] = (ps.Random(1), ps.Gradient(), bias_only, ps.Random(1))
    direction = ps.Random(0, normalization="unit").orthogonal_to(*others)
    found = flat(direction(s, start), start)
    assert np.linalg.norm(found) == pytest.approx(1.0, rel=1e-5)
    for other in others:
        vector = flat(other(s, start), start)
        assert abs(found @ vector) / np.linalg.norm(vector) < 1e-6
    # What is left lies in the span of all of them: nothing else came in.
    span = np.stack([flat(d(s, start), start) for d in (ps.Random(0, "unit"), *others)])
    residual = found - span.T @ np.linalg.lstsq(span.T, found, rcond=None)[0]
    assert np.linalg.norm(residual) < 1e-5


def test_nothing_left_and_nonsense_get_a_sentence() -> None:
    s = surface()
    with pytest.raises(ValueError, match="nothing is left"):
        ps.Random(0).orthogonal_to(ps.Random(0))(s, s.parameters())
    with pytest.raises(TypeError, match="combined with a int"):
        ps.Random(0) + 3  # type: ignore[operator]
    with pytest.raises(TypeError, match="multiplied by a number"):
        ps.Random(0) * "3"  # type: ignore[operator]
    with pytest.raises(TypeError, match="expected a dictionary"):
        ps.Custom(3)  # type: ignore[arg-type]


def test_a_line_along_a_sum_is_the_diagonal_of_the_plane() -> None:
    s = surface()
    plane = s.slice(ps.Plane(ps.Random(0), ps.Gradient(), samples=7))
    line = s.slice(ps.Line(ps.Random(0) + ps.Gradient(), samples=7))
    np.testing.assert_allclose(line.losses[0, 0], plane.losses[0].diagonal(), rtol=1e-5)


def test_sparse_and_dense_directions_add_in_either_order() -> None:
    s = surface()
    start = s.parameters()
    single = ps.Coordinate("0.weight", (1, 2), length=1.0)
    expected = flat(ps.Random(0)(s, start), start)
    expected[1 * 5 + 2] += 1.0
    for direction in (single + ps.Random(0), ps.Random(0) + single):
        tensors = {n: t.to_dense() for n, t in direction(s, start).items()}
        np.testing.assert_allclose(flat(tensors, start), expected, atol=1e-6)


def test_custom_directions_are_checked_and_normalized() -> None:
    s = surface()
    start = s.parameters()
    custom = ps.Custom({"2.bias": np.array([3.0, 4.0])}, "bias", normalization="unit")  # type: ignore[dict-item]
    np.testing.assert_allclose(custom(s, start)["2.bias"], [0.6, 0.8])
    assert "unit length" in custom.description
    with pytest.raises(ValueError, match="not a trainable parameter"):
        ps.Custom({"elsewhere": torch.ones(2)})(s, start)
