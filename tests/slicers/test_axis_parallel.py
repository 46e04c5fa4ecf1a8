"""Which coordinates are chosen, what they cover, and what their lines cost."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pysclice as ps
from pysclice.slicers.choosing import choose_coordinates, hessian_diagonal
from tests.models import SmallConvNet, images, quadratic_surface


def conv_surface() -> ps.LossSurface:
    torch.manual_seed(0)
    return ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(32))


def names(found: ps.Slice) -> list[str]:
    return [axis.name for axis in found.axes]


def ranked(scores: dict[str, Tensor], count: int) -> tuple[list[str], list[float]]:
    """The largest magnitudes of all tensors together, by sorting every number."""
    every = [
        (abs(float(value)), f"{name}[{', '.join(map(str, index))}]")
        for name, tensor in scores.items()
        for index, value in np.ndenumerate(tensor.numpy())
    ]
    every.sort(key=lambda pair: -pair[0])
    return [name for _, name in every[:count]], [score for score, _ in every[:count]]


def test_the_largest_gradients_and_products_with_weights_are_chosen() -> None:
    surface = conv_surface()
    start = surface.parameters()
    gradient = surface.gradient(start)
    products = {name: g * start[name] for name, g in gradient.items()}
    for choose, scores in (("gradient", gradient), ("gradient x weight", products)):
        found = surface.slice(ps.AxisParallel(count=12, choose=choose, samples=2))  # type: ignore[arg-type]
        expected = ranked(scores, 12)
        assert names(found) == expected[0]
        assert found.notes["choice"]["choose"] == choose
        np.testing.assert_allclose(found.notes["choice"]["scores"], expected[1], rtol=1e-5)
    within = surface.slice(ps.AxisParallel(count=3, within="fc.*", samples=2))
    assert names(within) == ranked({n: g for n, g in gradient.items() if n[:2] == "fc"}, 3)[0]
    assert within.notes["choice"]["within"] == "fc.*"


def test_the_diagonal_of_the_hessian_is_unbiased_with_the_known_variance() -> None:
    surface, model = quadratic_surface(size=8)
    start = surface.parameters()
    matrix = model.matrix
    # Of a row, the squares of all but the diagonal are the variance of one probe.
    variance = matrix.square().sum(1) - matrix.diagonal().square()
    probes = 500
    estimate = hessian_diagonal(surface, start, ["w"], probes)["w"]
    deviation = (estimate - matrix.diagonal()) / (variance / probes).sqrt()
    assert deviation.abs().max() < 4
    each = torch.stack(
        [hessian_diagonal(surface, start, ["w"], 1, seed)["w"] for seed in range(100)]
    )
    np.testing.assert_allclose(each.var(0), variance, rtol=0.6)
    again = hessian_diagonal(surface, start, ["w"], 3)["w"]
    assert torch.equal(again, hessian_diagonal(surface, start, ["w"], 3)["w"])


def test_a_diagonal_hessian_is_found_by_a_single_probe() -> None:
    surface, model = quadratic_surface(size=8)
    curvature = torch.tensor([1.0, -7.0, 3.0, 0.0, 5.0, -2.0, 6.0, 4.0], dtype=torch.float64)
    model.matrix.copy_(curvature.diag())
    slicer = ps.AxisParallel(count=3, choose="Hessian diagonal", probes=1, samples=2)
    found = surface.slice(slicer)
    assert names(found) == ["w[1]", "w[6]", "w[4]"]
    assert found.notes["choice"] == {
        "choose": "Hessian diagonal",
        "probes": 1,
        "seed": 0,
        "scores": [7.0, 6.0, 5.0],
    }


def test_a_stratified_choice_gives_all_tensors_an_equal_share() -> None:
    surface = conv_surface()
    start = surface.parameters()
    sizes = {name: tensor.numel() for name, tensor in start.items()}
    assert sizes["norm.bias"] == 6
    for count in (6, 24, 100, 3, 10**6):
        chosen = choose_coordinates(surface, start, list(start), "stratified", count, 0, 1)
        assert len(set(chosen.places)) == len(chosen.places) == min(count, sum(sizes.values()))
        shares = Counter(name for name, _ in chosen.places)
        largest = max(shares.values())
        for name, size in sizes.items():
            # A share is smaller only by the remainder, or where the tensor has no more.
            assert shares[name] >= largest - 1 or shares[name] == size
    # Which tensors get one more is drawn.
    first = {
        choose_coordinates(surface, start, list(start), "stratified", 1, seed, 1).places[0][0]
        for seed in range(30)
    }
    assert len(first) > 3


@pytest.mark.parametrize("choose", ["random", "stratified"])
def test_drawn_positions_are_uniform(choose: Any) -> None:
    surface = ps.LossSurface(nn.Linear(4, 5), nn.MSELoss(), (torch.ones(1, 4), torch.ones(1, 5)))
    start = surface.parameters()
    counts: Counter[Any] = Counter()
    draws = 1500
    for seed in range(draws):
        counts.update(
            choose_coordinates(surface, start, ["weight", "bias"], choose, 4, seed, 1).places
        )
    share = {
        "random": {"weight": 4 / 25, "bias": 4 / 25},
        "stratified": {"weight": 0.1, "bias": 0.4},
    }
    for (name, _), found in counts.items():
        p = share[choose][name]
        assert abs(found - draws * p) < 4.5 * math.sqrt(draws * p * (1 - p))
    assert len(counts) == 25
    same = [
        choose_coordinates(surface, start, ["weight", "bias"], choose, 4, 7, 1).places
        for _ in range(2)
    ]
    assert same[0] == same[1]


def test_coordinates_cover_what_the_scale_says() -> None:
    surface = conv_surface()
    start = surface.parameters()
    places: Any = (("fc.weight", (3, 7)), ("norm.bias", (2,)))
    for scale, expected in (
        ("layer", [start["fc.weight"].square().mean().sqrt().item(), None]),
        ("weight", [abs(start["fc.weight"][3, 7].item()), None]),
        (0.25, [0.25, 0.25]),
    ):
        found = surface.slice(ps.AxisParallel(coordinates=places, scale=scale, samples=2))  # type: ignore[arg-type]
        # A bias of zeros has no scale of its own, so it takes that of all parameters.
        total = sum(t.square().sum().item() for t in start.values())
        every = math.sqrt(total / sum(t.numel() for t in start.values()))
        lengths = [every if length is None else length for length in expected]
        assert [axis.length for axis in found.axes] == pytest.approx(lengths, rel=1e-6)
    own = ps.Coordinate("conv.bias", (-1,), length=0.5)
    found = surface.slice(ps.AxisParallel(coordinates=(own, places[0]), scale=2.0, samples=2))
    assert [axis.length for axis in found.axes] == [0.5, 2.0]


def test_a_line_in_units_of_the_weight_passes_through_its_removal() -> None:
    surface = conv_surface()
    start = surface.parameters()
    place = ("fc.weight", (3, 7))
    line = surface.slice(
        ps.AxisParallel(coordinates=(place,), scale="weight", span=(-1, 1), samples=3)
    )
    sign = 1 if start["fc.weight"][3, 7] > 0 else -1
    start["fc.weight"][3, 7] = 0.0
    assert line.losses[0, 0, 1 - sign] == np.float32(surface(start)["train/loss"])


class Large(nn.Module):
    """1.1 million parameters, of which all but 1,000 are in one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0
        self.table = nn.Embedding(1100, 1000)
        self.out = nn.Linear(1000, 1, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.table(tokens))[:, 0]


def test_lines_of_a_large_network_cost_what_their_count_says() -> None:
    torch.manual_seed(0)
    model = Large()
    runs: list[int] = []
    model.register_forward_hook(lambda *_: runs.append(1))
    data = (torch.arange(5), torch.ones(5))
    surface = ps.LossSurface(model, nn.MSELoss(), data, backend="reference")
    assert sum(p.numel() for p in model.parameters()) > 1_100_000
    slicer = ps.AxisParallel(count=64, samples=25)
    settled = slicer.settled(surface, surface.parameters())
    runs.clear()
    found = surface.slice(settled)
    assert len(runs) == found.evaluations == slicer.evaluations == 64 * 24 + 1
    held = [coordinate(surface, surface.current()) for coordinate in settled.coordinates]  # type: ignore[operator]
    assert sum(t.values().numel() for direction in held for t in direction.values()) == 64


def test_a_settled_choice_keeps_its_notes_and_its_axes() -> None:
    surface = conv_surface()
    slicer = ps.AxisParallel(count=4, choose="gradient x weight", samples=3)
    settled = slicer.settled(surface, surface.parameters())
    before = surface.slice(settled)
    assert settled.settled(surface, surface.parameters()) is settled
    with torch.no_grad():
        for parameter in surface.model.parameters():
            parameter.mul_(-0.5)
    after = surface.slice(settled)
    assert [a.fingerprint for a in before.axes] == [a.fingerprint for a in after.axes]
    assert before.notes["choice"] == after.notes["choice"] == surface.slice(settled).notes["choice"]
    assert names(surface.slice(slicer)) != names(after)


def test_a_gradient_that_is_not_finite_does_not_win() -> None:
    surface, model = quadratic_surface(size=3)
    model.matrix.copy_(torch.diag(torch.tensor([math.nan, 1.0, 2.0], dtype=torch.float64)))
    chosen = choose_coordinates(surface, surface.parameters(), ["w"], "gradient", 3, 0, 1)
    assert chosen.scores is not None and all(map(math.isfinite, chosen.scores))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"count": 0}, ValueError, "count is 0"),
        ({"count": True}, ValueError, "count is True"),
        ({"probes": 0}, ValueError, "probes is 0"),
        ({"choose": "hessian"}, ValueError, "'Hessian diagonal'"),
        ({"scale": "filter"}, ValueError, "scale is 'filter'"),
        ({"scale": 0}, ValueError, "above 0"),
        ({"scale": math.inf}, ValueError, "above 0"),
        ({"within": 3}, TypeError, "within is 3"),
        ({"coordinates": ("fc.weight",)}, TypeError, "names no coordinate"),
    ],
)
def test_bad_choices_get_a_sentence(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ps.AxisParallel(**options)


def test_a_choice_within_nothing_lists_what_there_is() -> None:
    with pytest.raises(ValueError, match=re.escape("'encoder.*'") + ".*'conv.weight'.*BatchNorm2d"):
        conv_surface().slice(ps.AxisParallel(within="encoder.*"))
