"""Random directions: the same everywhere, normal, and normalized as promised."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

import pysclice as ps
from pysclice.core.normalization import normalize
from pysclice.core.parameters import norm
from pysclice.directions.random import normal, standard_normal

CPU = torch.device("cpu")


def test_a_seed_means_these_numbers_for_good() -> None:
    """Fixed for good: fingerprints promise that equal seeds are equal directions."""
    found = normal(0, "fc.weight", torch.empty(2, 3))
    expected = reference(0, "fc.weight", 6).reshape(2, 3)
    np.testing.assert_array_equal(found.numpy(), expected)
    assert found.flatten().tolist()[:3] == FIRST_THREE


def reference(seed: int, name: str, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The same numbers from the definition, in Python's own integers and NumPy's float32."""
    import hashlib
    import statistics

    digest = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    key, mask = int.from_bytes(digest, "little"), 2**64 - 1
    inverse = statistics.NormalDist().inv_cdf

    def border(i: int) -> np.float32:
        value = 4.7533 if i == 65536 else inverse(0.5 + 0.5 * i / 65536)
        return np.float32(round(value * 2**18) / 2**18)

    result = []
    for index in range(1, count + 1):
        z = (key + index * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        z ^= z >> 31
        segment = (z >> 24) & 0xFFFF
        place = np.float32(z & 0xFFFFFF) * np.float32(2.0**-24)
        low, high = border(segment), border(segment + 1)
        magnitude = (high - low) * place + low
        result.append(-magnitude if z >> 63 else magnitude)
    return np.array(result, dtype=np.float32)


FIRST_THREE = reference(0, "fc.weight", 3).tolist()


@given(st.integers(0, 2**64 - 1), st.integers(0, 5000), st.integers(1, 5000), st.integers(0, 5000))
def test_numbers_do_not_depend_on_the_chunks(key: int, start: int, size: int, cut: int) -> None:
    whole = standard_normal(key, start, start + size, CPU)
    cut = min(cut, size)
    parts = [
        standard_normal(key, start, start + cut, CPU),
        standard_normal(key, start + cut, start + size, CPU),
    ]
    assert torch.equal(whole, torch.cat(parts))


def test_numbers_do_not_depend_on_threads_or_on_torchs_random_state() -> None:
    like = torch.empty(1000, 700)
    threads = torch.get_num_threads()
    first = normal(7, "w", like)
    torch.manual_seed(99)
    torch.set_num_threads(1)
    try:
        second = normal(7, "w", like)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(first, second)
    assert not torch.equal(first, normal(8, "w", like))
    assert not torch.equal(first, normal(7, "v", like))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_numbers_are_the_same_on_a_gpu() -> None:
    like = torch.empty(1000, 700)
    assert torch.equal(normal(7, "w", like), normal(7, "w", like.cuda()).cpu())


def test_numbers_are_standard_normal() -> None:
    drawn = standard_normal(12345, 0, 2_000_000, CPU).double().numpy()
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    assert abs(drawn.mean()) < 4 / math.sqrt(drawn.size)
    assert abs(drawn.var() - 1) < 4 * math.sqrt(2 / drawn.size)
    assert abs(stats.kurtosis(drawn)) < 4 * math.sqrt(24 / drawn.size)
    neighbors = np.corrcoef(drawn[:-1], drawn[1:])[0, 1]
    assert abs(neighbors) < 4 / math.sqrt(drawn.size)
    other = standard_normal(12346, 0, 2_000_000, CPU).double().numpy()
    assert abs(np.corrcoef(drawn, other)[0, 1]) < 4 / math.sqrt(drawn.size)


def slabs(weight: Tensor) -> list[Tensor]:
    return list(weight)


def transposed(groups: int) -> Any:
    def split(weight: Tensor) -> list[Tensor]:
        return [
            part[:, channel] for part in weight.chunk(groups) for channel in range(weight.shape[1])
        ]

    return split


# module, parameter -> the list of its filters, written out by hand.
MODULES: list[tuple[nn.Module, str, Any, int]] = [
    (nn.Linear(5, 7), "weight", slabs, 7),
    (nn.Bilinear(3, 4, 5), "weight", slabs, 5),
    (nn.Conv1d(4, 6, 3), "weight", slabs, 6),
    (nn.Conv2d(4, 6, 3, groups=2), "weight", slabs, 6),
    (nn.Conv3d(2, 4, 3), "weight", slabs, 4),
    (nn.ConvTranspose1d(4, 6, 3), "weight", transposed(1), 6),
    (nn.ConvTranspose2d(4, 6, 3, groups=2), "weight", transposed(2), 6),
    (nn.ConvTranspose3d(2, 4, 2), "weight", transposed(1), 4),
    (nn.Embedding(9, 4), "weight", slabs, 9),
    (nn.EmbeddingBag(9, 4), "weight", slabs, 9),
    (nn.MultiheadAttention(8, 2), "in_proj_weight", slabs, 24),
    (nn.MultiheadAttention(8, 2), "out_proj.weight", slabs, 8),
    (nn.LSTM(3, 4), "weight_hh_l0", slabs, 16),
    (Conv1D(7, 5), "weight", lambda weight: list(weight.T), 7),
]


@pytest.mark.parametrize(
    ("module", "name", "split", "count"),
    MODULES,
    ids=[f"{type(m).__name__}.{n}" for m, n, _, _ in MODULES],
)
def test_filters_get_the_norms_of_the_parameters_filters(
    module: nn.Module, name: str, split: Any, count: int
) -> None:
    """Li et al. 2018, section 4, equation d_ij <- d_ij / |d_ij| * |theta_ij|."""
    surface = ps.LossSurface(module, batch_loss=lambda m, b: 0.0, data=[torch.zeros(1)])
    parameters = surface.parameters()
    direction = ps.Random(3)(surface, parameters)
    filters, wanted = split(direction[name]), split(parameters[name])
    assert len(filters) == len(wanted) == count
    for found, like in zip(filters, wanted, strict=True):
        torch.testing.assert_close(found.norm(), like.norm())
    for other, tensor in direction.items():
        assert parameters[other].ndim >= 2 or not tensor.any(), other


@pytest.mark.parametrize("normalization", ["layer", "model", "unit", "none"])
def test_the_other_normalizations_have_the_norms_they_promise(normalization: Any) -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))
    surface = ps.LossSurface(model, batch_loss=lambda m, b: 0.0, data=[torch.zeros(1)])
    parameters = surface.parameters()
    direction = ps.Random(0, normalization)(surface, parameters)
    raw = ps.Random(0, "none")(surface, parameters)
    assert set(direction) == set(parameters)
    if normalization == "layer":
        for name, tensor in direction.items():
            torch.testing.assert_close(tensor.norm(), parameters[name].norm())
            assert torch.allclose(tensor * raw[name].norm(), raw[name] * tensor.norm(), atol=1e-5)
    elif normalization == "none":
        assert all(torch.equal(direction[n], normal(0, n, parameters[n])) for n in parameters)
    else:
        assert norm(direction) == pytest.approx(
            norm(parameters) if normalization == "model" else 1.0, rel=1e-5
        )
        cosine = sum(float((direction[n] * raw[n]).sum()) for n in raw)
        assert cosine == pytest.approx(norm(direction) * norm(raw), rel=1e-5)


def test_zero_filters_stay_still() -> None:
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.weight[0] = 0
    surface = ps.LossSurface(model, batch_loss=lambda m, b: 0.0, data=[torch.zeros(1)])
    direction = ps.Random(0)(surface, surface.parameters())
    assert not direction["weight"][0].any() and direction["weight"][1].any()
    zero = {"weight": torch.zeros(2, 3)}
    for normalization in ("filter", "layer", "model", "unit", "none"):
        found = normalize(zero, surface.parameters(), normalization, surface.filters())  # type: ignore[arg-type]
        assert not found["weight"].any(), normalization


def test_fingerprints_are_equal_where_axes_compare() -> None:
    def axis(direction: Any, model: nn.Module) -> ps.Axis:
        data = torch.randn(4, 3), torch.randn(4, 2)
        surface = ps.LossSurface(model, nn.MSELoss(), data)
        return surface.slice(ps.Line(direction, samples=3)).axes[0]

    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    assert axis(ps.Random(0), one).fingerprint == axis(ps.Random(0), two).fingerprint
    different = [
        axis(ps.Random(1), one),
        axis(ps.Random(0, "layer"), one),
        axis(ps.Random(0), nn.Linear(3, 2, bias=False)),
        axis(ps.Towards(two), one),
        axis(ps.Towards(nn.Linear(3, 2)), one),
    ]
    fingerprints = {a.fingerprint for a in different} | {axis(ps.Random(0), one).fingerprint}
    assert len(fingerprints) == 6
    assert axis(ps.Towards(two), one).fingerprint == axis(ps.Towards(two), one).fingerprint


def test_an_unknown_normalization_is_named() -> None:
    with pytest.raises(ValueError, match="expected one of"):
        ps.Random(0, "weights")  # type: ignore[arg-type]


def test_half_precision_and_complex_parameters_get_directions() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low = nn.Parameter(torch.randn(3, 4).bfloat16())
            self.complex = nn.Parameter(torch.randn(3, 4, dtype=torch.complex64))

    model = Odd()
    surface = ps.LossSurface(model, batch_loss=lambda m, b: 0.0, data=[torch.zeros(1)])
    direction = ps.Random(0)(surface, surface.parameters())
    assert direction["low"].dtype == torch.float32
    assert direction["complex"].dtype == torch.complex64
    assert direction["complex"].imag.any()
    for name, tensor in direction.items():
        like = surface.parameters()[name]
        torch.testing.assert_close(
            tensor.norm(dim=1).float(), like.to(tensor.dtype).norm(dim=1).float()
        )
