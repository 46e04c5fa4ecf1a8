"""Arithmetic on dictionaries of tensors, dense and sparse, against plain dense arithmetic."""

from __future__ import annotations

import math
import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

import pysclice as ps
from pysclice.core.normalization import Filters, normalize
from pysclice.core.parameters import (
    Point,
    bits_fingerprint,
    check_direction,
    dot,
    move,
    norm,
    sparse,
)
from tests.models import quadratic_surface

SHAPES = {"weight": (5, 7), "kernel": (2, 3, 1, 4), "bias": (9,), "scale": ()}
DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64)


def drawn(seed: int, dtype: torch.dtype) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.randn(s, generator=generator, dtype=dtype) for n, s in SHAPES.items()}


def thinned(direction: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    """The direction with most of its entries at zero, in sparse tensors."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: (t * (torch.rand(t.shape, generator=generator) < 0.3)).to_sparse()
        for name, t in direction.items()
    }


def dense(direction: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n: t.to_dense() if t.is_sparse else t for n, t in direction.items()}


def moved_plainly(
    center: dict[str, Tensor], directions: list[dict[str, Tensor]], coefficients: list[float]
) -> dict[str, Tensor]:
    """All terms one after the other, on all of the tensor, rounded to half precision at the end."""
    result = {}
    for name, start in center.items():
        half = start.dtype in (torch.float16, torch.bfloat16)
        total = start.float() if half else start.clone()
        for direction, coefficient in zip(directions, coefficients, strict=True):
            if coefficient != 0.0 and name in direction:
                total = torch.add(total, direction[name], alpha=coefficient)
        result[name] = total.to(start.dtype)
    return result


coordinates = st.sampled_from([0.0, 0.0, 1.0, -1.0, 0.3, -2.7])


@settings(max_examples=150, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    kinds=st.lists(st.sampled_from(["dense", "sparse", "partial"]), min_size=1, max_size=4),
    table=st.lists(st.lists(coordinates, min_size=4, max_size=4), min_size=1, max_size=6),
    touched=st.sets(st.integers(0, 5)),
)
def test_every_point_has_the_bits_that_it_has_when_reached_directly(
    dtype: torch.dtype, kinds: list[str], table: list[list[float]], touched: set[int]
) -> None:
    center = drawn(0, dtype)
    wide = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
    directions = []
    for number, kind in enumerate(kinds):
        direction = drawn(number + 1, wide)
        if kind == "sparse":
            direction = thinned(direction, number)
        elif kind == "partial":
            direction = {"weight": direction["weight"], **thinned({"bias": direction["bias"]}, 0)}
        directions.append(direction)
    plain = [dense(direction) for direction in directions]
    out = {name: torch.full_like(tensor, math.nan) for name, tensor in center.items()}
    point = Point(center, directions, out)
    for step, row in enumerate(table):
        coefficients = row[: len(kinds)]
        point.to(coefficients)
        expected = moved_plainly(center, plain, coefficients)
        alone = {name: torch.full_like(tensor, math.nan) for name, tensor in center.items()}
        move(center, directions, coefficients, alone)
        for name in SHAPES:
            assert torch.equal(out[name], expected[name]), (name, coefficients)
            assert torch.equal(alone[name], expected[name])
        if step in touched:  # as a forward pass does that clamps its weights
            for tensor in out.values():
                tensor.mul_(0.5)


def test_only_what_changed_is_written() -> None:
    center = {"a": torch.randn(1000), "b": torch.randn(3)}
    one = {"a": sparse(torch.tensor([[7]]), torch.ones(1), (1000,))}
    out = {name: torch.empty_like(tensor) for name, tensor in center.items()}
    point = Point(center, [one, {"b": torch.ones(3)}], out)
    point.to([0.0, 0.0])
    out["a"].data[0] = 100.0  # by a way that leaves no trace: what is not written keeps it
    version = out["b"]._version
    point.to([2.0, 0.0])
    assert out["a"][0] == 100.0 and out["a"][7] == center["a"][7] + 2.0
    point.to([0.0, 0.0])
    assert out["a"][0] == 100.0 and out["a"][7] == center["a"][7]
    assert out["b"]._version == version
    point.to([0.0, 1.0])
    assert out["b"]._version > version


def test_points_are_right_in_inference_mode_where_tensors_have_no_version() -> None:
    with torch.inference_mode():
        center = {"a": torch.randn(5)}
        out = {"a": torch.empty(5)}
        point = Point(center, [{"a": torch.ones(5)}], out)
        for coefficient in (0.0, 1.0, 1.0):
            point.to([coefficient])
            assert torch.equal(out["a"], center["a"] + coefficient)
            out["a"].zero_()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**16), dtype=st.sampled_from([torch.float64, torch.complex64]))
def test_norms_and_products_of_sparse_directions_are_those_of_dense_ones(
    seed: int, dtype: torch.dtype
) -> None:
    first, second = thinned(drawn(seed, dtype), seed), thinned(drawn(seed + 1, dtype), seed + 1)

    def flat(direction: dict[str, Tensor]) -> np.ndarray[Any, Any]:
        return torch.cat([t.reshape(-1) for t in dense(direction).values()]).numpy()

    assert norm(first) == pytest.approx(np.linalg.norm(flat(first)), rel=1e-6)
    product = float(np.vdot(flat(second), flat(first)).real)
    for one in (first, dense(first)):
        for other in (second, dense(second)):
            assert dot(one, other) == pytest.approx(product, rel=1e-5, abs=1e-6)


def test_a_fingerprint_does_not_depend_on_how_a_tensor_is_kept() -> None:
    direction = thinned(drawn(0, torch.float32), 0)
    hybrid = {**direction, "weight": direction["weight"].to_dense().to_sparse(1)}
    assert bits_fingerprint(direction) == bits_fingerprint(dense(direction))
    assert bits_fingerprint(hybrid) == bits_fingerprint(dense(direction))
    large = {"a": sparse(torch.tensor([[1, 2**22 - 1, 2**22]]), torch.ones(3), (2**22 + 5,))}
    assert bits_fingerprint(large) == bits_fingerprint(dense(large))
    assert bits_fingerprint(large) != bits_fingerprint({"a": dense(large)["a"] * 2})


@pytest.mark.parametrize("normalization", ["filter", "layer", "model", "unit", "none"])
def test_sparse_directions_are_normalized_as_dense_ones(normalization: Any) -> None:
    parameters = drawn(5, torch.float64)
    direction = thinned(drawn(6, torch.float64), 0)
    filters = {n: Filters(None if t.ndim < 2 else 0) for n, t in parameters.items()}
    found = normalize(direction, parameters, normalization, filters)
    expected = normalize(dense(direction), parameters, normalization, filters)
    assert all(tensor.is_sparse for tensor in found.values())
    for name, tensor in dense(found).items():
        torch.testing.assert_close(tensor, expected[name])


def test_sparse_directions_serve_wherever_dense_ones_do() -> None:
    surface, model = quadratic_surface()
    values = torch.tensor([1.0, -2.0], dtype=torch.float64)
    thin = {"w": sparse(torch.tensor([[1, 4]]), values, (6,))}
    product = surface.hessian_product(surface.parameters(), thin)
    torch.testing.assert_close(product["w"], model.matrix @ dense(thin)["w"])
    gradient = ps.Gradient()
    found = [
        surface.slice(ps.Plane(x, y, samples=3, orthogonal=orthogonal)).losses
        for one in (lambda s, p: thin, lambda s, p: dense(thin))
        for x, y in ((one, gradient), (gradient, one))
        for orthogonal in (False, True)
    ]
    for sparse_one, dense_one in zip(found[:4], found[4:], strict=True):
        np.testing.assert_allclose(sparse_one, dense_one, rtol=1e-6)


def test_other_layouts_are_refused_with_a_way_out() -> None:
    parameters = {"weight": torch.zeros(3, 4)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch tells once a process that this layout is new
        compressed = torch.ones(3, 4).to_sparse_csr()
    with pytest.raises(ValueError, match="to_sparse_coo"):
        check_direction({"weight": compressed}, parameters, "The direction")
