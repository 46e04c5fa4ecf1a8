"""Products by oneDNN against numpy in float64, and whole slices with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import pysclice as ps
from pysclice.core.evaluation import products

pytestmark = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="this torch was built without oneDNN"
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """oneDNN multiplies whatever its size; the shapes that it was asked for."""
    shapes: list[tuple[int, ...]] = []
    product = products.by_onednn

    def noted(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        shapes.append(tuple(weight.shape))
        return product(inputs, weight, bias)

    monkeypatch.setattr(products, "by_onednn", noted)
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(products, "_LEAST_NUMBERS", 1)
    yield shapes


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 70)] * 3),
    outer=st.sampled_from([(), (3,), (2, 2)]),
    with_bias=st.booleans(),
    transposed=st.booleans(),
    sparse_inputs=st.booleans(),
)
def test_products_are_those_of_float64(
    sizes: tuple[int, int, int],
    outer: tuple[int, ...],
    with_bias: bool,
    transposed: bool,
    sparse_inputs: bool,
) -> None:
    examples, features, outputs = sizes
    inputs = random(*outer, examples, features)
    if sparse_inputs:  # every other row of something larger
        inputs = inputs.repeat_interleave(2, dim=-2)[..., ::2, :]
    weight = random(features, outputs, seed=1).t() if transposed else random(outputs, features)
    bias = random(outputs, seed=2) if with_bias else None
    expected = inputs.double().numpy() @ weight.double().numpy().T
    expected = expected + (0.0 if bias is None else bias.double().numpy())
    with torch.inference_mode():
        found = products.by_onednn(inputs, weight, bias)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)
        stack = torch.empty(2, outputs, examples)
        twice = inputs.reshape(-1, examples, features)[0].t().expand(2, -1, -1)
        biases = None if bias is None else torch.stack([bias, -bias])
        weights = torch.stack([weight, 2 * weight])
        products.of_each_point(weights, twice, biases, stack)
    plain = np.einsum("pof,pfe->poe", weights.double().numpy(), twice.double().numpy())
    if biases is not None:
        plain += biases.double().numpy()[:, :, None]
    np.testing.assert_allclose(stack, plain, rtol=1e-5, atol=4e-5)


@pytest.mark.parametrize(
    "other",
    [
        lambda x, w, b: (x.double(), w.double(), b.double()),
        lambda x, w, b: (x.bfloat16(), w.bfloat16(), b.bfloat16()),
        lambda x, w, b: (x[..., ::2], w[:, ::2], b),  # of strides that leave nothing dense
        lambda x, w, b: (x[:0], w, b),
    ],
    ids=["float64", "bfloat16", "strided", "empty"],
)
def test_what_onednn_is_not_for_stays_torchs(
    other: Callable[..., tuple[Tensor, Tensor, Tensor]],
    asked: list[tuple[int, ...]],
) -> None:
    inputs, weight, bias = other(random(9, 12), random(5, 12, seed=1), random(5, seed=2))
    found = products.linear(inputs, weight, bias)
    assert found.dtype == inputs.dtype
    torch.testing.assert_close(found, functional.linear(inputs, weight, bias))
    assert not asked


def test_a_bias_that_is_a_matrix_stays_torchs(asked: list[tuple[int, ...]]) -> None:
    bias, inputs, weight = random(9, 5), random(9, 12, seed=1), random(12, 5, seed=2)
    expected = torch.addmm(bias, inputs, weight)
    torch.testing.assert_close(products.addmm(bias, inputs, weight), expected)
    assert not asked
    torch.testing.assert_close(products.addmm(bias[0], inputs, weight), inputs @ weight + bias[0])
    assert asked == [(5, 12)]


def test_whoever_is_timed_draws_no_random_number() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    assert products.onednn_is_faster.__wrapped__() in (True, False)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
    assert not products.may_be_faster(torch.device("meta"))
    with torch.autocast("cpu"):
        assert not products.may_be_faster(torch.device("cpu"))


class Backwards(nn.Module):
    """A layer whose weight lies the other way round, as in OpenAI's code of GPT-2."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(random(features, outputs, seed=5) / features**0.5)
        self.bias = nn.Parameter(random(outputs, seed=6))

    def forward(self, x: Tensor) -> Tensor:
        flat = torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight)
        return torch.relu(flat.view(*x.shape[:-1], -1))


@pytest.mark.parametrize("backend", ["stacked", "replay"])
def test_a_slice_uses_them_and_says_the_same(backend: str, asked: list[tuple[int, ...]]) -> None:
    torch.manual_seed(0)
    middle = nn.Linear(17, 17) if backend == "stacked" else Backwards(17, 17)
    model = nn.Sequential(nn.Linear(20, 17), nn.Tanh(), middle, nn.ReLU(), nn.Linear(17, 4))
    data = random(50, 20), torch.arange(50) % 4
    slicer = ps.Line(ps.Random(1), samples=9)
    found = ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend=backend).slice(slicer)
    used = set(asked)
    plain = ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend="reference").slice(slicer)
    np.testing.assert_allclose(found.losses, plain.losses, rtol=1e-5)
    assert found.notes["evaluation"]["backend"] == backend
    if backend == "replay":
        assert used == {(17, 20), (17, 17), (4, 17)}
    else:
        # Stacks hold examples where layers hold features; the first layer is affine in the
        # coordinates and needs no product.
        assert {features for _, features in used} == {17} and (50, 17) in used
