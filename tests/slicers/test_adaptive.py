from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import pysclice as ps
from pysclice.slicers.adaptive import HOLD_OUTS, Refinement, refinements, stages, start_positions
from pysclice.slicers.surrogate import interpolated
from pysclice.slices import Float64, Int64


class Oracle:
    """Known values, and who asked for which."""

    def __init__(self, *channels: Float64) -> None:
        self.channels = channels
        self.asked: list[int] = []

    def __call__(self, which: Int64) -> Float64:
        assert len(set(which.tolist())) == len(which)
        assert not set(which.tolist()) & set(self.asked), "asked twice"
        self.asked += which.tolist()
        return np.stack([channel.ravel()[which] for channel in self.channels], axis=1)


def refined(*channels: Float64, tolerance: float = 0.01) -> Refinement:
    oracle = Oracle(*channels)
    for last in refinements(oracle, channels[0].shape, tolerance):
        assert np.count_nonzero(last.evaluated) == len(oracle.asked)
        for found, known in zip(last.values, channels, strict=True):
            np.testing.assert_array_equal(found[last.evaluated], known[last.evaluated])
    assert last.evaluated.all() == (last.hold_outs is None)
    return last


def square(samples: tuple[int, int] = (51, 51)) -> tuple[Float64, Float64]:
    x, y = np.meshgrid(*(np.linspace(-1, 1, n) for n in samples), indexing="ij")
    return x, y


def off(found: Refinement, known: Float64) -> Float64:
    """Errors as shares of the range."""
    return np.abs(found.values[0] - known) / np.ptp(known)


def bowl(x: Float64, y: Float64) -> Float64:
    return x**2 + 2 * y**2 + 0.3 * x * y


def hilly(x: Float64, y: Float64) -> Float64:
    return np.exp(-3 * (x - 0.2) ** 2 - 4 * (y + 0.1) ** 2) + 0.3 * x * y + 0.1 * np.sin(5 * x)


# ---- the algorithm, without a model ----------------------------------------------------------


@pytest.mark.parametrize("samples", [(51, 51), (49, 25), (26, 26), (97, 40), (5, 60)])
def test_smooth_surfaces_take_few_evaluations_on_grids_of_any_size(
    samples: tuple[int, int],
) -> None:
    known = hilly(*square(samples))
    found = refined(known)
    assert off(found, known).max() <= 0.01
    assert np.count_nonzero(found.evaluated) <= min(185, 0.5 * known.size)


@pytest.mark.parametrize("height", [0.0, 3.0, -1e-30, 1e30])
def test_constant_and_linear_surfaces_take_the_first_round_and_the_hold_outs(height: float) -> None:
    x, y = square()
    for known in (np.full_like(x, height), height + x - 2 * y):
        found = refined(known)
        assert np.count_nonzero(found.evaluated) <= 81 + 64 + HOLD_OUTS[0] + 2
        np.testing.assert_allclose(found.values[0], known, rtol=1e-9, atol=1e-9)


def test_rounding_is_no_structure() -> None:
    noise = np.random.default_rng(0).standard_normal((51, 51))
    assert np.count_nonzero(refined(3.0 + 1e-6 * noise).evaluated) < 200


def test_noise_is_measured_as_a_whole() -> None:
    known = bowl(*square())
    noisy = known + 0.05 * np.ptp(known) * np.random.default_rng(0).standard_normal(known.shape)
    assert refined(noisy).evaluated.all()


def test_a_spike_at_a_single_point_is_missed_as_the_documentation_says() -> None:
    known = bowl(*square())
    known[13, 29] += 3.0
    found = refined(known)
    assert not found.evaluated[13, 29]
    assert off(found, known)[13, 29] > 0.5
    assert np.count_nonzero(found.evaluated) < 200


def test_a_kink_is_refined_and_most_of_it_is_within_the_tolerance() -> None:
    x, y = square()
    known = np.abs(x + 0.3 * y)
    found = refined(known)
    assert np.count_nonzero(found.evaluated) < 700
    errors = off(found, known)[~found.evaluated]
    assert errors.max() < 0.02 and np.mean(errors <= 0.01) > 0.98
    # Where it bends is where it was looked at.
    bend = np.abs(known) < 0.1
    assert found.evaluated[bend].mean() > 3 * found.evaluated[~bend].mean()


def test_the_border_of_a_divergence_is_measured_cell_by_cell() -> None:
    x, y = square()
    known = bowl(x, y)
    known[x + y > 1.3] = np.nan
    known[(x < -0.7) & (y < -0.5)] = np.inf
    found = refined(known)
    assert not found.evaluated.all()
    assert np.isfinite(found.values[0][~found.evaluated]).all()
    assert off_finite(found, known) <= 0.01
    beside_nonfinite_nothing_is_interpolated(found)


def off_finite(found: Refinement, known: Float64) -> float:
    finite = np.isfinite(known)
    errors = np.abs(found.values[0][finite] - known[finite])
    return float(errors.max() / np.ptp(known[finite]))


def beside_nonfinite_nothing_is_interpolated(found: Refinement) -> None:
    starts = [start_positions(n, found.evaluated.ndim) for n in found.evaluated.shape]
    for i, j in zip(*np.nonzero(~np.isfinite(found.values[0])), strict=True):
        cells = []
        for place, start in zip((i, j), starts, strict=True):
            low = start[start <= place].max() if (start == place).sum() == 0 else place
            high = start[start >= place].min() if (start == place).sum() == 0 else place
            position = np.flatnonzero(start == place)
            if len(position):  # on a line of the coarse grid: the cells on both sides
                low = start[max(position[0] - 1, 0)]
                high = start[min(position[0] + 1, len(start) - 1)]
            cells.append(slice(int(low), int(high) + 1))
        assert found.evaluated[cells[0], cells[1]].all()


def test_the_first_channel_decides_and_all_of_them_are_interpolated() -> None:
    x, y = square()
    steps = np.sign(x - 0.31) * np.sign(y + 0.17)  # cannot be interpolated to 1 %
    found = refined(bowl(x, y), steps)
    assert np.count_nonzero(found.evaluated) < 200
    assert found.hold_outs is not None and found.hold_outs.missed.shape == (2, 30)
    assert found.hold_outs.missed[1].max() > 0.1
    assert np.abs(found.values[1]).max() <= 1.0  # never beyond what was measured


def test_what_is_not_finite_in_any_channel_is_measured() -> None:
    x, y = square()
    accuracy = np.where(x > 0.9, np.nan, 1.0)
    found = refined(bowl(x, y), accuracy)
    np.testing.assert_array_equal(np.isnan(found.values[1]), np.isnan(accuracy))


def test_a_channel_that_is_never_finite_leaves_nothing_to_interpolate() -> None:
    x, y = square()
    assert refined(bowl(x, y), np.full_like(x, np.nan)).evaluated.all()


def test_hold_outs_that_are_missed_are_drawn_again_in_greater_number() -> None:
    # Ripples that the coarse grid and its middles cannot see, away from where it looks closer.
    x = np.arange(501.0)
    wiggles = np.sin(2 * np.pi * x / 7) * (x > 250) * 0.2 + x / 501
    oracle = Oracle(wiggles)
    *_, last = refinements(oracle, (501,), 0.01)
    assert last.evaluated.all() or off(last, wiggles).max() <= 0.01


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.tuples(st.integers(2, 60), st.integers(2, 60)),
    roughness=st.sampled_from([0.0, 1e-3, 0.05]),
    tolerance=st.sampled_from([0.05, 0.01, 1e-3]),
    hole=st.none() | st.tuples(*(st.floats(-1, 1) for _ in range(3))),
)
def test_on_any_grid_it_costs_no_more_than_the_grid_and_changes_no_measured_value(
    seed: int,
    samples: tuple[int, int],
    roughness: float,
    tolerance: float,
    hole: tuple[float, float, float] | None,
) -> None:
    generator = np.random.default_rng(seed)
    x, y = square(samples)
    a, b, c, d = generator.uniform(-3, 3, 4)
    known = np.sin(a * x + b * y) + c * x**2 * y + np.abs(d * x - y)
    known += roughness * generator.standard_normal(known.shape)
    if hole is not None:
        known[np.hypot(x - hole[0], y - hole[1]) < abs(hole[2])] = generator.choice(
            [np.nan, np.inf, -np.inf]
        )
    found = refined(known, tolerance=tolerance)  # asserts both
    assert np.isfinite(found.values[0][~found.evaluated]).all()
    measured = known[found.evaluated & np.isfinite(known)]
    if measured.size and not found.evaluated.all():
        guessed = found.values[0][~found.evaluated]
        assert measured.min() <= guessed.min() and guessed.max() <= measured.max()
        beside_nonfinite_nothing_is_interpolated(found)


@settings(max_examples=40)
@given(samples=st.integers(2, 700), seed=st.integers(0, 2**32 - 1))
def test_lines_cost_no_more_than_their_samples(samples: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x = np.linspace(-1, 1, samples)
    known = np.sin(generator.uniform(0, 20) * x) + np.abs(x - generator.uniform(-1, 1))
    refined(known)


def test_what_clean_hold_outs_say_holds_more_often_than_95_times_in_100() -> None:
    generator = np.random.default_rng(1)
    x, y = square((41, 41))
    wrong = tested = 0
    for _ in range(35):
        # Bumps of any width at any place, some of which no coarse grid can know.
        known = bowl(x, y)
        for _ in range(6):
            px, py = generator.uniform(-1, 1, 2)
            width = generator.uniform(0.03, 0.3)
            known += generator.normal() * np.exp(-((x - px) ** 2 + (y - py) ** 2) / width**2)
        found = refined(known)
        if not found.evaluated.all():
            tested += 1
            wrong += np.mean(off(found, known)[~found.evaluated] <= 0.01) < 0.9
    assert tested >= 20 and wrong <= 0.05 * tested


def test_stages_hold_every_point_once_and_the_coarse_grid_first() -> None:
    stage = stages((51, 51))
    assert stage.min() == 0 and np.count_nonzero(stage == 0) == 81
    assert np.count_nonzero(stage == 1) == 64
    assert stages((501,)).max() > 4
    assert np.count_nonzero(stages((501,)) == 0) == 7


def test_surrogates_give_back_the_polynomials_that_they_hold() -> None:
    generator = np.random.default_rng(0)
    x, y = square((23, 31))
    quadratic = np.stack([1 + x - y + 2 * x * y - x**2, 3 * y**2])
    nodes = generator.random(x.shape) < 0.1
    hidden = np.where(nodes, quadratic, np.nan)
    found = interpolated(nodes, hidden)
    assert found is not None
    np.testing.assert_allclose(found, quadratic, atol=1e-9)
    t = np.linspace(-1, 1, 40)
    cubic = (1 - t + t**3)[None]
    found = interpolated(np.arange(40) % 6 == 0, cubic)
    assert found is not None
    np.testing.assert_allclose(found, cubic, atol=1e-12)


def test_a_surrogate_that_its_nodes_do_not_determine_is_none() -> None:
    nodes = np.zeros((20, 20), dtype=np.bool_)
    nodes[:, 3] = True
    assert interpolated(nodes, np.ones((1, 20, 20))) is None
    assert interpolated(np.arange(40) < 3, np.ones((1, 40))) is None


# ---- trained networks ------------------------------------------------------------------------


def digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    return torch.tensor(pixels / 8 - 1, dtype=torch.float32), torch.tensor(classes)


def trained(
    model: nn.Module, inputs: Tensor, targets: Tensor, steps: int, measured: int
) -> ps.LossSurface:
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return ps.LossSurface(
        model.eval(), nn.CrossEntropyLoss(), (inputs[:measured], targets[:measured])
    )


def mlp() -> ps.LossSurface:
    layers = nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    return trained(nn.Sequential(*layers), *digits(), steps=100, measured=1797)


def cnn() -> ps.LossSurface:
    inputs, targets = digits()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    return trained(model, inputs.reshape(-1, 1, 8, 8), targets, steps=40, measured=64)


class SmallGPT(nn.Module):
    """A decoder of two layers over the characters of a text."""

    def __init__(self, width: int = 32, length: int = 16) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, width)
        self.position = nn.Parameter(torch.randn(length, width) / 10)
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, 0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 64)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.embedding(tokens) + self.position
        outputs: Tensor = self.head(self.layers(hidden, mask=self.mask, is_causal=True))
        return outputs.transpose(1, 2)


def gpt() -> ps.LossSurface:
    text = "\n".join(filter(None, (nn.Module.__doc__, nn.Linear.__doc__, nn.Conv2d.__doc__)))
    tokens = torch.tensor([byte % 64 for byte in text.encode()])
    windows = tokens[: 17 * (len(tokens) // 17)].reshape(-1, 17)
    return trained(SmallGPT(), windows[:48, :-1], windows[:48, 1:], steps=60, measured=16)


@pytest.mark.parametrize("network", [mlp, cnn, gpt])
def test_trained_networks_are_drawn_from_a_tenth_of_the_points(
    network: Callable[[], ps.LossSurface],
) -> None:
    torch.manual_seed(0)
    surface = network()
    directions = ps.Random(seed=0), ps.Random(seed=1)
    whole = surface.slice(ps.Plane(*directions, samples=51))
    plane = surface.slice(ps.Plane(*directions, samples=51, sampling="adaptive", tolerance=0.01))
    assert plane.evaluations <= 220
    errors = np.abs(plane.losses - whole.losses)
    assert errors.max() <= 0.01 * np.ptp(whole.losses)
    assert plane.evaluated is not None
    assert plane.evaluated.sum() == plane.notes["sampling"]["evaluated"]
    np.testing.assert_allclose(
        plane.losses[plane.evaluated], whole.losses[plane.evaluated], rtol=2e-5, atol=2e-7
    )

    whole = surface.slice(ps.Line(directions[0], samples=501))
    line = surface.slice(ps.Line(directions[0], samples=501, sampling="adaptive", tolerance=1e-3))
    assert line.evaluations <= 60
    assert np.abs(line.losses - whole.losses).max() <= 1e-3 * np.ptp(whole.losses)
    assert math.isclose(line.center["train/loss"][0], line.losses[0, 0, 250], rel_tol=1e-6)
