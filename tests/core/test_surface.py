"""The loss surface: every form of data gives the loss that the model itself would give."""

from __future__ import annotations

import copy
import random
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

import pysclice as ps
from tests.models import SmallConvNet, images


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(1) == targets).float().mean()


def direct(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """The loss by a plain forward pass of a copy."""
    twin = copy.deepcopy(model).eval()
    with torch.no_grad():
        return float(nn.functional.cross_entropy(twin(inputs).double(), targets))


FORMS = {
    "pair": lambda x, y: (x, y),
    "batches": lambda x, y: [(x[:10], y[:10]), (x[10:50], y[10:50]), (x[50:], y[50:])],
    "lists in batches": lambda x, y: [[x[:40], y[:40]], [x[40:], y[40:]]],
    "loader": lambda x, y: DataLoader(TensorDataset(x, y), batch_size=24),
    "shuffled loader": lambda x, y: DataLoader(TensorDataset(x, y), batch_size=24, shuffle=True),
    "workers": lambda x, y: DataLoader(TensorDataset(x, y), batch_size=24, num_workers=1),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("cache_bytes", [0, 2**30], ids=["streamed", "cached"])
def test_every_form_of_data_is_averaged_by_example(form: Any, cache_bytes: int) -> None:
    model = SmallConvNet()
    x, y = images(67)
    surface = ps.LossSurface(
        model,
        nn.CrossEntropyLoss(),
        form(x, y),
        metrics={"accuracy": accuracy},
        cache_bytes=cache_bytes,
    )
    found = surface(surface.parameters())
    assert list(found) == ["train/loss", "train/accuracy"]
    assert found["train/loss"] == pytest.approx(direct(model, x, y), rel=1e-6)
    twin = copy.deepcopy(model).eval()
    assert found["train/accuracy"] == pytest.approx(float(accuracy(twin(x), y)), abs=1e-6)


def test_named_data_sets_become_channels() -> None:
    model = SmallConvNet()
    first, second = images(32), images(48, seed=1)
    loader = DataLoader(TensorDataset(*second), batch_size=7)
    surface = ps.LossSurface(
        model,
        nn.CrossEntropyLoss(),
        {"train": first, "validation": loader},
        metrics={"accuracy": accuracy},
    )
    line = surface.slice(ps.Line(ps.Random(0), samples=3))
    assert line.channels == (
        "train/loss",
        "train/accuracy",
        "validation/loss",
        "validation/accuracy",
    )
    assert line.center["train/loss"][0] == pytest.approx(direct(model, *first), rel=1e-6)
    assert line.center["validation/loss"][0] == pytest.approx(direct(model, *second), rel=1e-6)
    assert line.examples == 32


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_batches_are_weighted_by_their_size(sizes: list[int]) -> None:
    generator = torch.Generator().manual_seed(sum(sizes))
    x = torch.randn(sum(sizes), 3, generator=generator, dtype=torch.float64)
    y = torch.randn(sum(sizes), 2, generator=generator, dtype=torch.float64)
    model = nn.Linear(3, 2).double()
    batches = list(zip(x.split(sizes), y.split(sizes), strict=True))
    whole = ps.LossSurface(model, nn.MSELoss(), (x, y))
    parts = ps.LossSurface(model, nn.MSELoss(), batches)
    at = whole.parameters()
    assert parts(at)["train/loss"] == pytest.approx(whole(at)["train/loss"], rel=1e-12)
    summed = ps.LossSurface(model, nn.MSELoss(reduction="sum"), batches)
    assert summed(at)["train/loss"] == pytest.approx(whole(at)["train/loss"] * y.numel(), rel=1e-12)
    each = ps.LossSurface(model, nn.MSELoss(reduction="none"), batches)
    assert each(at)["train/loss"] == pytest.approx(whole(at)["train/loss"], rel=1e-12)


class Counted(TensorDataset):
    reads = 0

    def __getitem__(self, index: Any) -> Any:
        Counted.reads += 1
        return super().__getitem__(index)


@pytest.mark.parametrize(("cache_bytes", "slices", "expected"), [(0, 1, 40), (2**30, 3, 40)])
def test_a_loader_is_read_once_whatever_the_number_of_points(
    cache_bytes: int, slices: int, expected: int
) -> None:
    Counted.reads = 0
    loader = DataLoader(Counted(*images(40)), batch_size=8)
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), loader, cache_bytes=cache_bytes)
    for _ in range(slices):
        surface.slice(ps.Line(ps.Random(0), samples=9))
    assert expected == Counted.reads


class Augmented(TensorDataset):
    def __getitem__(self, index: Any) -> Any:
        x, y = super().__getitem__(index)
        return x + torch.randn(x.shape) * float(np.random.rand()), y


def test_augmented_data_are_the_same_at_every_point_and_step() -> None:
    loader = DataLoader(Augmented(*images(24)), batch_size=8, shuffle=True)
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), loader, cache_bytes=0)
    first = surface.slice(ps.Line(ps.Random(0), samples=5))
    torch.randn(5)
    second = surface.slice(ps.Line(ps.Random(0), samples=5))
    np.testing.assert_array_equal(first.losses, second.losses)


def test_a_loader_over_part_of_the_data_keeps_to_that_part() -> None:
    x, y = images(40)
    model = SmallConvNet()
    sampler = torch.utils.data.SubsetRandomSampler(range(10), torch.Generator().manual_seed(1))
    by_sampler = DataLoader(TensorDataset(x, y), batch_size=4, sampler=sampler)
    by_subset = DataLoader(Subset(TensorDataset(x, y), range(10)), batch_size=4)
    for loader in (by_sampler, by_subset):
        surface = ps.LossSurface(model, nn.CrossEntropyLoss(), loader)
        found = surface(surface.parameters())["train/loss"]
        assert found == pytest.approx(direct(model, x[:10], y[:10]), rel=1e-6)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(zip(*images(20), strict=True))


def test_iterable_data_sets_are_read_from_their_beginning() -> None:
    model = SmallConvNet()
    loader = DataLoader(Stream(), batch_size=6)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), loader, cache_bytes=0)
    for _ in range(2):
        found = surface(surface.parameters())["train/loss"]
        assert found == pytest.approx(direct(model, *images(20)), rel=1e-6)


class TakesKeywords(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, values: Tensor, labels: Tensor | None = None) -> Any:
        logits = self.fc(values)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SimpleNamespace(loss=loss, logits=logits)


def test_batch_loss_takes_any_batch_and_any_kind_of_answer() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, 3, generator=generator)
    y = torch.randint(0, 2, (12,), generator=generator)
    model = TakesKeywords()
    batches = [{"values": x[:4], "labels": y[:4]}, {"values": x[4:], "labels": y[4:]}]
    expected = model(x, y).loss.item()
    answers = {
        "an object with a loss": lambda model, batch: model(**batch),
        "a scalar": lambda model, batch: model(**batch).loss,
        "a float": lambda model, batch: float(model(**batch).loss),
        "a mapping": lambda model, batch: {"loss": model(**batch).loss, "one": 1},
        "a loss per example": lambda model, batch: nn.functional.cross_entropy(
            model(batch["values"]).logits, batch["labels"], reduction="none"
        ),
    }
    for what, batch_loss in answers.items():
        surface = ps.LossSurface(model, data=batches, batch_loss=batch_loss)
        found = surface(surface.parameters())
        assert found["train/loss"] == pytest.approx(expected, rel=1e-6), what
    surface = ps.LossSurface(model, data=batches, batch_loss=answers["a mapping"])
    assert surface(surface.parameters())["train/one"] == 1.0
    single = ps.LossSurface(model, data=batches[0], batch_loss=answers["a scalar"])
    assert list(single(single.parameters())) == ["train/loss"]


def test_inputs_may_be_a_tuple_or_keywords() -> None:
    model = nn.Bilinear(3, 4, 1)
    a, b, y = torch.randn(5, 3), torch.randn(5, 4), torch.randn(5, 1)
    expected = nn.functional.mse_loss(model(a, b), y).item()
    for inputs in ((a, b), {"input1": a, "input2": b}):
        surface = ps.LossSurface(model, nn.MSELoss(), (inputs, y))
        assert surface(surface.parameters())["train/loss"] == pytest.approx(expected, rel=1e-6)


def test_a_weight_of_ones_own_replaces_the_number_of_examples() -> None:
    model = nn.Linear(1, 1)
    batches = [(torch.ones(1, 1), torch.zeros(1, 1)), (torch.zeros(3, 1), torch.ones(3, 1))]
    surface = ps.LossSurface(model, nn.MSELoss(), batches, weight=lambda batch: 1)
    losses = [nn.functional.mse_loss(model(x), y).item() for x, y in batches]
    found = surface(surface.parameters())["train/loss"]
    assert found == pytest.approx(sum(losses) / 2, rel=1e-6)


def test_names_of_data_sets_and_metrics_may_hold_slashes() -> None:
    model = SmallConvNet()
    surface = ps.LossSurface(
        model, nn.CrossEntropyLoss(), {"a/b": images(8)}, metrics={"top/1": accuracy}
    )
    found = surface(surface.parameters())
    assert list(found) == ["a/b/loss", "a/b/top/1"]
    assert found["a/b/loss"] == pytest.approx(direct(model, *images(8)), rel=1e-6)


def test_frozen_parameters_stay_and_tied_ones_move_together() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(7, 5)
            self.middle = nn.Linear(5, 5)
            self.head = nn.Linear(5, 7, bias=False)
            self.head.weight = self.embed.weight
            self.middle.requires_grad_(False)

        def forward(self, tokens: Tensor) -> Tensor:
            return self.head(torch.tanh(self.middle(self.embed(tokens))))

    model = Tied()
    tokens, targets = torch.randint(0, 7, (9,)), torch.randint(0, 7, (9,))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (tokens, targets))
    assert list(surface.parameters()) == ["embed.weight"]
    other = {"embed.weight": torch.randn(7, 5)}
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.embed.weight.copy_(other["embed.weight"])
    assert twin.head.weight is twin.embed.weight
    assert surface(other)["train/loss"] == pytest.approx(direct(twin, tokens, targets), rel=1e-6)


def test_recurrent_and_parametrized_models_follow_the_point() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4, batch_first=True)
            self.head = nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.lstm(x)[0][:, -1])

    torch.manual_seed(0)
    model, other = Recurrent(), Recurrent()
    x, y = torch.randn(6, 5, 3), torch.randint(0, 2, (6,))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y))
    at_other = {n: p.detach() for n, p in other.named_parameters()}
    assert surface(at_other)["train/loss"] == pytest.approx(direct(other, x, y), rel=1e-6)
    here = surface(surface.parameters())["train/loss"]
    assert here == pytest.approx(direct(model, x, y), rel=1e-6)


def test_train_mode_shows_every_point_the_same_dropout_masks() -> None:
    model = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.Linear(50, 2))
    data = torch.randn(16, 4), torch.randint(0, 2, (16,))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), data, mode="train")
    still = ps.Line(lambda s, p: {n: torch.zeros_like(t) for n, t in p.items()}, samples=5)
    assert np.ptp(surface.slice(still).losses) == 0.0
    in_eval = ps.LossSurface(model, nn.CrossEntropyLoss(), data)
    assert surface(surface.parameters()) != in_eval(in_eval.parameters())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_any_dtype(dtype: torch.dtype) -> None:
    model = nn.Linear(4, 1).to(dtype)
    data = torch.randn(8, 4, dtype=dtype), torch.randn(8, 1, dtype=dtype)
    surface = ps.LossSurface(model, nn.MSELoss(), data)
    line = surface.slice(ps.Line(ps.Random(0), samples=5))
    assert surface.parameters()["weight"].dtype == dtype
    assert np.all(np.isfinite(line.losses)) and np.ptp(line.losses) > 0


def test_half_precision_parameters_are_rounded_once() -> None:
    model = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    with torch.no_grad():
        model.weight.fill_(1.0)
    data = torch.ones(1, 1, dtype=torch.bfloat16), torch.zeros(1, 1, dtype=torch.bfloat16)
    surface = ps.LossSurface(model, lambda outputs, _: outputs.sum().float(), data)
    # Neither step alone reaches the next bfloat16 above 1, but both together do.
    step = {"weight": torch.full((1, 1), 2.0**-8)}
    plane = surface.slice(ps.Plane(lambda s, p: step, lambda s, p: step, span=(0, 1), samples=2))
    np.testing.assert_array_equal(plane.losses[0], [[1.0, 1.0], [1.0, 1.0 + 2.0**-7]])


def test_a_diverged_loss_is_a_finding() -> None:
    model = nn.Linear(1, 1, bias=False)
    data = torch.ones(2, 1), torch.zeros(2, 1)
    surface = ps.LossSurface(model, lambda outputs, _: torch.log(outputs).mean(), data)
    up = {"weight": torch.ones(1, 1)}
    at = {"weight": torch.zeros(1, 1)}
    line = surface.slice(ps.Line(lambda s, p: up, samples=3), at)
    assert np.isnan(line.losses[0, 0, 0])
    assert line.losses[0, 0, 1] == -np.inf
    assert line.losses[0, 0, 2] == 0.0


def test_the_gradient_is_that_of_the_averaged_loss() -> None:
    x, y = (t.double() if t.is_floating_point() else t for t in images(30))
    model = SmallConvNet().double()
    batches = [(x[:7], y[:7]), (x[7:], y[7:])]
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), batches)
    found = surface.gradient(surface.parameters())
    twin = copy.deepcopy(model).eval()
    nn.functional.cross_entropy(twin(x), y).backward()
    for name, parameter in twin.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-9, atol=1e-12)


def test_the_progress_bar_shows_when_asked_and_not_in_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images(8))
    surface.slice(ps.Line(ps.Random(0), samples=13), progress=True)
    assert "/13 " in capsys.readouterr().err
    surface.slice(ps.Line(ps.Random(0), samples=13))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": "resnet"}, TypeError, "expected a torch.nn.Module"),
        ({"data": None}, TypeError, "needs data"),
        ({"loss_fn": None}, TypeError, "neither"),
        ({"batch_loss": lambda m, b: 0}, TypeError, "both"),
        ({"data": []}, ValueError, "empty"),
        ({"data": {}}, ValueError, "empty"),
        ({"data": iter([1])}, TypeError, "only once"),
        ({"data": 3}, TypeError, "expected"),
        ({"mode": "test"}, ValueError, "expected 'eval' or 'train'"),
        ({"metrics": {"loss": accuracy}}, ValueError, "another one"),
        ({"model": nn.ReLU()}, ValueError, "no trainable parameters"),
        ({"model": nn.LazyLinear(3)}, ValueError, "not initialized"),
    ],
)
def test_bad_arguments_get_a_sentence(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    good: dict[str, Any] = {
        "model": SmallConvNet(),
        "loss_fn": nn.CrossEntropyLoss(),
        "data": images(),
    }
    with pytest.raises(error, match=message):
        ps.LossSurface(**(good | arguments))


def test_batches_that_do_not_fit_the_loss_get_a_sentence() -> None:
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), [{"x": torch.ones(2)}])
    with pytest.raises(ValueError, match="batch_loss"):
        surface(surface.parameters())
    empty = DataLoader(TensorDataset(*images(4)), batch_size=8, drop_last=True)
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), empty)
    with pytest.raises(ValueError, match="no batches"):
        surface(surface.parameters())
    surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images())
    with pytest.raises(ValueError, match=r"lack 'conv\.weight'"):
        surface({"fc.weight": torch.ones(1)})


def test_a_script_module_anywhere_in_the_model_is_refused_by_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(nn.Linear(3, 3))
    data = (torch.randn(4, 3), torch.randn(4, 3))
    for model, words in ((scripted, "The model is"), (nn.Sequential(scripted), "Submodule '0' is")):
        with pytest.raises(TypeError, match=f"{words} a TorchScript module"):
            ps.LossSurface(model, nn.MSELoss(), data)


@pytest.mark.parametrize("draw", ["torch", "numpy", "python"])
def test_a_loss_that_draws_in_eval_mode_sees_the_same_dice_at_every_point(draw: str) -> None:
    def noise() -> float:
        draws = {"torch": torch.rand(1).item, "numpy": np.random.rand, "python": random.random}
        return float(draws[draw]())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs * 0 + noise()).mean()

    batches = [(torch.randn(5, 3), torch.randn(5, 2)) for _ in range(3)]
    surface = ps.LossSurface(nn.Linear(3, 2), loss, batches)
    line = surface.slice(ps.Line(ps.Random(0, "layer"), samples=7))
    assert np.ptp(line.losses) == 0.0 < float(line.losses[0, 0, 0])
    each = [
        float(
            ps.LossSurface(surface.model, loss, [b])
            .slice(ps.Line(ps.Random(0, "layer"), samples=2))
            .losses[0, 0, 0]
        )
        for b in batches
    ]
    assert each[0] == each[1] == each[2]  # the first batch of each surface
    assert float(line.losses[0, 0, 0]) != pytest.approx(each[0])  # the others have other dice
