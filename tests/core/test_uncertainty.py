"""Standard errors, replicates and draws of examples, against what NumPy finds from raw losses."""

from __future__ import annotations

import copy
import functools
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import pysclice as ps
from pysclice.core.data import batch_size, drawn_examples


def digits(count: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    data = load_digits()
    return (
        torch.tensor(data.data[:count] / 16, dtype=torch.float32),
        torch.tensor(data.target[:count]),
    )


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 12), nn.Tanh(), nn.Linear(12, 10))


def losses_at(model: nn.Module, direction: Any, coordinate: float, data: Any) -> np.ndarray:
    """Every example's loss with the model moved along a direction, by plain torch in float64."""
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in moved.named_parameters():
            parameter += coordinate * direction[name]
        return functional.cross_entropy(moved(data[0]), data[1], reduction="none").double().numpy()


def accuracy_of_each(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (outputs.argmax(1) == targets).float()


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(),
        functional.cross_entropy,
        functools.partial(functional.cross_entropy, label_smoothing=0.0),
        nn.CrossEntropyLoss(reduction="none"),
    ],
    ids=["module", "function", "partial", "unreduced"],
)
@pytest.mark.parametrize("batches", ["one", "uneven"])
def test_errors_are_those_of_paired_differences(loss: Any, batches: str) -> None:
    model, data = network(), digits(100)
    source = data if batches == "one" else DataLoader(TensorDataset(*data), batch_size=37)
    surface = ps.LossSurface(model, loss, source, metrics={"accuracy": accuracy_of_each})
    line = surface.slice(ps.Line(ps.Random(0), samples=7))
    direction = ps.Random(0)(surface, surface.parameters())
    center = losses_at(model, direction, 0.0, data)
    for i, coordinate in enumerate(line.axes[0].coordinates):
        difference = losses_at(model, direction, float(coordinate), data) - center
        expected = difference.std(ddof=1) / np.sqrt(len(difference))
        assert line.errors["train/loss"][0, 0, i] == pytest.approx(expected, rel=1e-4, abs=1e-9)
    assert line.errors["train/loss"][0, 0, 3] == 0.0
    assert set(line.errors) == {"train/loss", "train/accuracy"}


def test_a_sum_has_the_error_of_a_sum() -> None:
    model, data = network(), digits(80)
    line = ps.Line(ps.Random(0), samples=5)
    mean = ps.LossSurface(model, nn.CrossEntropyLoss(), data).slice(line)
    total = ps.LossSurface(model, nn.CrossEntropyLoss(reduction="sum"), data).slice(line)
    np.testing.assert_allclose(total.errors["train/loss"], 80 * mean.errors["train/loss"], 1e-4)


def test_several_values_of_an_example_count_as_one_example() -> None:
    inputs = digits(60)[0]
    model = nn.Linear(64, 64)
    line = ps.Line(ps.Random(0, normalization="layer"), samples=5)
    surface = ps.LossSurface(model, nn.MSELoss(), (inputs, inputs))
    direction = line.direction(surface, surface.parameters())

    def each(coordinate: float) -> np.ndarray:
        outputs = functional.linear(
            inputs,
            model.weight + coordinate * direction["weight"],
            model.bias + coordinate * direction["bias"],
        )
        return ((outputs - inputs) ** 2).mean(1).detach().double().numpy()

    found = surface.slice(line)
    difference = each(1.0) - each(0.0)
    expected = difference.std(ddof=1) / np.sqrt(60)
    assert found.errors["train/loss"][0, 0, -1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(weight=torch.linspace(0.1, 2.0, 10)),  # another mean
        nn.CrossEntropyLoss(ignore_index=3),  # a mean over fewer
        lambda outputs, targets: functional.cross_entropy(outputs, targets),  # cannot be asked
    ],
    ids=["class weights", "ignored targets", "own function"],
)
def test_no_errors_are_claimed_where_the_mean_is_another_one(loss: Any) -> None:
    line = ps.LossSurface(network(), loss, digits(90)).slice(ps.Line(ps.Random(0), samples=5))
    assert line.errors == {}
    assert np.isfinite(line.losses).all()


def test_batch_loss_may_give_values_of_each_example() -> None:
    model, data = network(), digits(70)
    plain = ps.LossSurface(model, nn.CrossEntropyLoss(), data)
    by_hand = ps.LossSurface(
        model,
        data=data,
        batch_loss=lambda m, batch: {
            "loss": functional.cross_entropy(m(batch[0]), batch[1], reduction="none"),
            "right": accuracy_of_each(m(batch[0]), batch[1]),
        },
    )
    line = ps.Line(ps.Random(0), samples=5)
    first, second = plain.slice(line), by_hand.slice(line)
    np.testing.assert_allclose(first.errors["train/loss"], second.errors["train/loss"], 1e-6)
    assert "train/right" in second.errors


def test_a_diverged_point_has_no_error_and_spoils_no_other() -> None:
    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        each = functional.cross_entropy(outputs, targets, reduction="none")
        return torch.where(outputs.abs().amax(1) > 4.0, torch.inf, each)

    model, data = network(), digits(50)
    line = ps.LossSurface(model, loss, data).slice(ps.Line(ps.Random(0), (-8, 8), samples=9))
    finite = np.isfinite(line.losses)
    assert 1 < finite.sum() < 9
    np.testing.assert_array_equal(np.isfinite(line.errors["train/loss"]), finite)


def test_errors_and_values_do_not_depend_on_how_many_batches_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 12), nn.Dropout(0.5), nn.Linear(12, 10))
    loader = DataLoader(TensorDataset(*digits(120)), batch_size=25)

    def sliced(cache_bytes: int) -> ps.Slice:
        surface = ps.LossSurface(
            model, nn.CrossEntropyLoss(), loader, mode="train", cache_bytes=cache_bytes
        )
        return surface.slice(ps.Line(ps.Random(0), samples=5), replicates=3)

    whole = sliced(2**30)
    in_chunks = sliced(1)
    monkeypatch.setattr("pysclice.core.evaluation.work._GATHERED", 1)
    one_by_one = sliced(2**30)
    for other in (in_chunks, one_by_one):
        np.testing.assert_array_equal(whole.losses, other.losses)  # the same dropout masks
        np.testing.assert_allclose(whole.errors["train/loss"], other.errors["train/loss"], 1e-6)
        np.testing.assert_allclose(
            whole.replicates["train/loss"], other.replicates["train/loss"], 1e-6
        )


def test_a_replicate_is_the_slice_without_a_group() -> None:
    model, data = network(), digits(90)
    line = ps.Line(ps.Random(0), samples=5)
    loader = DataLoader(TensorDataset(*data), batch_size=20)
    found = ps.LossSurface(model, nn.CrossEntropyLoss(), loader).slice(line, replicates=4)
    assert found.replicates["train/loss"].shape == (4, 1, 1, 5)
    for group in range(4):
        rest = torch.arange(90) % 4 != group
        without = ps.LossSurface(model, nn.CrossEntropyLoss(), (data[0][rest], data[1][rest]))
        expected = without.slice(line)
        np.testing.assert_allclose(
            found.replicates["train/loss"][group], expected.losses, rtol=1e-6
        )
        assert found.center_replicates["train/loss"][group, 0] == pytest.approx(
            expected.center["train/loss"][0], rel=1e-6
        )
    assert ps.Slice.from_bytes(found.to_bytes()) == found


def test_planes_and_bundles_carry_errors_too() -> None:
    surface = ps.LossSurface(network(), nn.CrossEntropyLoss(), digits(60))
    plane = surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=5))
    assert plane.errors["train/loss"].shape == plane.shape
    assert plane.errors["train/loss"][0, 2, 2] == 0.0
    assert (np.delete(plane.errors["train/loss"].ravel(), 12) > 0).all()
    bundle = surface.slice(ps.AxisParallel(count=3, samples=5), replicates=2)
    assert bundle.errors["train/loss"].shape == bundle.shape
    assert bundle.replicates["train/loss"].shape == (2, *bundle.shape)
    np.testing.assert_array_equal(bundle.errors["train/loss"][:, :, 2], 0.0)


def test_bands_from_a_tenth_of_the_data_cover_the_whole() -> None:
    data = digits(1797)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        functional.cross_entropy(model(data[0]), data[1]).backward()
        optimizer.step()
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), data)
    line = ps.Line(ps.Random(0), span=(-1.5, 1.5), samples=13)
    whole = surface.slice(line)
    rise = whole.losses - whole.center["train/loss"]
    moved = whole.axes[0].coordinates != 0.0
    covered = []
    for seed in range(100):
        part = surface.slice(line, examples=180, seed=seed)
        assert part.examples == 180
        found = part.losses - part.center["train/loss"]
        inside = np.abs(found - rise) <= 1.96 * part.errors["train/loss"]
        covered.append(inside[0, 0, moved])
    assert 0.90 <= np.mean(covered) <= 0.99
    # Not one side of the line making up for the other.
    assert np.mean(covered, axis=0).min() > 0.85


@given(st.integers(1, 60), st.integers(1, 17), st.integers(1, 70), st.integers(0, 5))
def test_draws_hold_as_many_examples_as_asked_for_and_nest(
    total: int, size: int, count: int, seed: int
) -> None:
    numbers = torch.arange(total)
    batches = [(numbers[i : i + size, None], numbers[i : i + size]) for i in range(0, total, size)]

    def drawn(n: int) -> list[int]:
        parts = drawn_examples(batches, n, seed)
        assert all(batch_size(part) <= size for part in parts)
        for first, second in parts:
            assert torch.equal(first[:, 0], second)  # examples stay whole
        return [int(i) for _, second in parts for i in second]

    found = drawn(count)
    assert len(found) == min(count, total) == len(set(found))
    assert found == sorted(found)  # in the order of reading
    assert set(drawn(max(1, count // 2))) <= set(found)


def test_every_example_is_drawn_equally_often() -> None:
    numbers = torch.arange(40)
    batches = [numbers[:17], numbers[17:]]
    drawn: Counter[int] = Counter()
    for seed in range(2000):
        drawn.update(int(i) for part in drawn_examples(batches, 10, seed) for i in part)
    counts = np.array([drawn[i] for i in range(40)])
    # Each count is binomial(2000, 1/4): mean 500, standard deviation 19.4.
    assert np.abs(counts - 500).max() < 4 * 19.4
    assert counts.std() < 1.6 * 19.4


def test_draws_take_dictionaries_and_ragged_batches_apart() -> None:
    batches = [
        {"ids": torch.arange(6).reshape(3, 2), "labels": torch.arange(3), "words": list("abc")},
        {"ids": torch.arange(12).reshape(3, 4), "labels": torch.arange(3, 6), "words": list("def")},
    ]
    parts = drawn_examples(batches, 4, 0)
    assert sum(len(part["labels"]) for part in parts) == 4
    for part in parts:
        assert ["abcdef"[i] for i in part["labels"]] == part["words"]
        assert len(part["ids"]) == len(part["labels"])


def test_all_points_and_slices_see_the_same_draw() -> None:
    data = digits(200)
    loader = DataLoader(TensorDataset(*data), batch_size=32, shuffle=True)
    surface = ps.LossSurface(network(), nn.CrossEntropyLoss(), loader, examples=50, seed=3)
    line = ps.Line(ps.Random(0), samples=5)
    first, second = surface.slice(line), surface.slice(line)
    np.testing.assert_array_equal(first.losses, second.losses)
    assert first.examples == 50
    start = surface.parameters()
    assert surface(start)["train/loss"] == pytest.approx(float(first.center["train/loss"][0]))
    other = surface(start, examples=50, seed=4)["train/loss"]
    assert other != surface(start)["train/loss"]


@pytest.mark.parametrize("examples", [0, -1, 2.5, True])
def test_a_draw_of_no_example_is_refused(examples: Any) -> None:
    with pytest.raises(ValueError, match="expected a whole number of at least 1"):
        ps.LossSurface(network(), nn.CrossEntropyLoss(), digits(20), examples=examples)
    surface = ps.LossSurface(network(), nn.CrossEntropyLoss(), digits(20))
    with pytest.raises(ValueError, match="at least 2 groups"):
        surface.slice(ps.Line(ps.Random(0)), replicates=1)
