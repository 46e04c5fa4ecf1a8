"""Every backend gives what a plain loop in float64 gives, and leaves everything as it was."""

from __future__ import annotations

import copy
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

import pysclice as ps
from pysclice.core.evaluation import choice, lowering, products
from pysclice.core.evaluation.replay import Replay
from pysclice.core.evaluation.tape import record
from pysclice.core.evaluation.trial import Candidate, Trial
from pysclice.core.evaluation.work import Portion, Unsuitable
from pysclice.core.objective import Objective

GRID = np.array([[0.0, 0.0], [1.0, -1.0], [0.3, 0.0], [0.0, -0.7], [-1.0, 0.4], [0.2, 0.2]])


# Architectures. Each strategy draws a model and a batch of inputs, in double precision.


def _activation(draw: Any) -> nn.Module:
    kinds = [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.Tanh(),
        nn.GELU(),
        nn.Sigmoid(),
        nn.LeakyReLU(0.1),
    ]
    return draw(st.sampled_from(kinds))


class Residual(nn.Module):
    def __init__(self, inner: nn.Module, scale: float) -> None:
        super().__init__()
        self.inner, self.scale = inner, scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x) * self.scale


@st.composite
def linear_networks(draw: Any) -> tuple[nn.Module, Any]:
    width = draw(st.sampled_from([3, 17, 20]))
    layers: list[nn.Module] = []
    before = draw(st.sampled_from([4, 16, 33]))
    inputs = torch.randn(draw(st.sampled_from([7, 70])), before)
    shared = nn.Linear(width, width)
    for _ in range(draw(st.integers(0, 3))):
        layers.append(nn.Linear(before, width, bias=draw(st.booleans())))
        kind = draw(st.sampled_from(["none", "layer", "batch", "dropout", "residual", "tied"]))
        if kind == "layer":
            layers.append(nn.LayerNorm(width, elementwise_affine=draw(st.booleans())))
        elif kind == "batch":
            layers.append(nn.BatchNorm1d(width, affine=draw(st.booleans())))
        elif kind == "dropout":
            layers.append(nn.Dropout(0.5))
        elif kind == "residual":
            inner = draw(st.sampled_from([[nn.Linear(width, width)], [nn.Dropout(0.5)], []]))
            layers.append(Residual(nn.Sequential(*inner, nn.Tanh()), 0.5))
        elif kind == "tied":
            layers.append(shared)
        layers.append(_activation(draw))
        before = width
    layers.append(nn.Linear(before, 5))
    return nn.Sequential(*layers), inputs


class Images(nn.Module):
    def __init__(self, draw: Any) -> None:
        super().__init__()
        width = draw(st.sampled_from([4, 8]))
        bias = draw(st.booleans())
        self.stem = nn.Sequential(
            nn.Conv2d(2, width, 3, padding=1, bias=bias),
            nn.BatchNorm2d(width, affine=draw(st.booleans())),
            nn.ReLU(inplace=draw(st.booleans())),
            nn.MaxPool2d(2) if draw(st.booleans()) else nn.AvgPool2d(2),
        )
        groups = draw(st.sampled_from([1, 2]))
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=groups),
            nn.BatchNorm2d(width) if draw(st.booleans()) else nn.GroupNorm(2, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.skip = nn.Conv2d(width, width, 1) if draw(st.booleans()) else nn.Identity()
        self.in_place = draw(st.booleans())
        self.view = draw(st.booleans())
        self.head = nn.Linear(width * 9, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        out = self.inner(x)
        if self.in_place:
            out += self.skip(x)
        else:
            out = out + self.skip(x)
        out = functional.relu(out, inplace=self.in_place)
        return self.head(out.view(x.size(0), -1) if self.view else out.flatten(1))


@st.composite
def convolutional_networks(draw: Any) -> tuple[nn.Module, Any]:
    return Images(draw), torch.randn(draw(st.sampled_from([6, 70])), 2, 6, 6)


class Attention(nn.Module):
    """A transformer, of torch's layers or written by hand, its embedding tied or not."""

    def __init__(self, draw: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 8)
        self.torch_layer = draw(st.booleans())
        if self.torch_layer:
            self.layer: nn.Module = nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True)
        else:
            self.norm, self.qkv, self.project = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.head = nn.Linear(8, 5, bias=False)
        if draw(st.booleans()):
            self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        x = self.embedding(tokens)
        if self.torch_layer:
            x = self.layer(x, src_key_padding_mask=mask)
        else:
            q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
            attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=~mask[:, None])
            x = x + self.project(attended)
        return self.head(x.mean(1))


@st.composite
def transformers(draw: Any) -> tuple[nn.Module, Any]:
    tokens = torch.randint(0, 5, (draw(st.sampled_from([6, 40])), 4))
    mask = torch.zeros(tokens.shape, dtype=torch.bool)
    mask[::2, 3] = True
    return Attention(draw), {"tokens": tokens, "mask": mask}


class Counts(nn.Module):
    """Has buffers and attributes that its forward pass writes to, and a parametrized weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.utils.parametrizations.weight_norm(nn.Linear(6, 9))
        self.second = nn.Linear(9, 5)
        self.register_buffer("scale", torch.rand(9) + 0.5)
        self.register_buffer("calls", torch.zeros(()))
        self.seen = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen += 1
        hidden = torch.tanh(self.first(x)) * self.scale
        hidden[:, 0] = hidden[:, 1]
        return self.second(hidden)


@st.composite
def stateful_networks(draw: Any) -> tuple[nn.Module, Any]:
    return Counts(), torch.randn(draw(st.sampled_from([5, 40])), 6)


NETWORKS = st.one_of(
    linear_networks(), convolutional_networks(), transformers(), stateful_networks()
)


def settled(model: nn.Module, seed: int) -> nn.Module:
    """The model with unlike statistics and scales, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        for name, tensor in module.named_buffers(recurse=False):
            if name == "running_mean":
                tensor.normal_(0, 0.3, generator=generator)
            elif name == "running_var":
                tensor.uniform_(0.5, 2.0, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.empty_like(parameter).normal_(0, 0.05, generator=generator))
    return model.eval()


def size_of(inputs: Any) -> int:
    return len(inputs["tokens"]) if isinstance(inputs, dict) else len(inputs)


def plainly(
    model: nn.Module, inputs: Any, targets: Tensor, directions: Any, rows: np.ndarray
) -> np.ndarray:
    """(points, examples): each example's loss, by plain torch in float64."""
    found = []
    for row in rows:
        moved = copy.deepcopy(model).double()
        with torch.no_grad():
            for name, parameter in moved.named_parameters():
                for coefficient, direction in zip(row, directions, strict=True):
                    if name in direction:
                        parameter += float(coefficient) * direction[name].to_dense().double()
            if isinstance(inputs, dict):
                outputs = moved(**inputs)
            else:
                outputs = moved(inputs.double())
            found.append(functional.cross_entropy(outputs, targets, reduction="none").numpy())
    return np.stack(found)


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Everything that a user can see of the model and of random states stays, to the bit."""
    tensors = {n: (t, t.data_ptr(), t.clone()) for n, t in model.state_dict(keep_vars=True).items()}
    attributes = [
        (module, {k: v for k, v in vars(module).items() if not k.startswith("_")})
        for module in model.modules()
    ]
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        after = model.state_dict(keep_vars=True)
        for name, (tensor, place, value) in tensors.items():
            assert after[name] is tensor and tensor.data_ptr() == place
            assert torch.equal(tensor, value), name
        for module, own in attributes:
            assert {k: v for k, v in vars(module).items() if not k.startswith("_")} == own
        assert torch.equal(before[0], torch.get_rng_state())
        assert np.array_equal(before[1][1], np.random.get_state()[1])
        assert before[2] == random.getstate()
        assert torch.get_num_threads() == threads


@contextmanager
def by_onednn(always: bool) -> Iterator[None]:
    """oneDNN multiplies whatever its size and the machine, where torch has it; or never does."""
    with pytest.MonkeyPatch.context() as patch:
        if always and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
            patch.setattr(products, "onednn_is_faster", lambda: True)
            patch.setattr(products, "_LEAST_NUMBERS", 1)
        else:
            patch.setattr(products, "onednn_is_faster", lambda: False)
        yield


@pytest.mark.parametrize("onednn", [False, True], ids=["torch", "oneDNN"])
@pytest.mark.parametrize("backend", ["auto", "reference", "replay", "stacked"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=NETWORKS, seed=st.integers(0, 99), frozen=st.booleans(), data=st.data())
def test_every_backend_gives_what_float64_gives(
    backend: str, onednn: bool, network: tuple[nn.Module, Any], seed: int, frozen: bool, data: Any
) -> None:
    model, inputs = network
    model = settled(model, seed)
    targets = torch.randint(0, 5, (size_of(inputs),), generator=torch.Generator().manual_seed(seed))
    if frozen:
        parameters = list(model.parameters())
        parameters[data.draw(st.integers(0, len(parameters) - 1))].requires_grad_(False)
    surface = ps.LossSurface(
        model, nn.CrossEntropyLoss(), [(inputs, targets)], mode="eval", backend=backend
    )
    start = surface.parameters()
    if not start:
        return
    names = list(start)
    directions = [dict(ps.Random(number, "layer")(surface, start)) for number in range(2)]
    # From some layer on, as where only a head moves; or everything.
    first = data.draw(st.integers(0, len(names) - 1))
    directions = [{n: d[n] for n in names[first:]} for d in directions]
    with untouched(model), by_onednn(onednn):
        found = surface.measure(start, directions, GRID)
    expected = plainly(model, inputs, targets, directions, GRID)
    np.testing.assert_allclose(found.values["train/loss"], expected.mean(1), rtol=2e-5, atol=1e-6)
    errors = (expected - expected[0]).std(axis=1, ddof=1) / np.sqrt(expected.shape[1])
    np.testing.assert_allclose(found.errors["train/loss"], errors, rtol=1e-3, atol=1e-6)


def perceptron() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 5)
    )


def images_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 5),
    ).eval()  # fmt: skip


def pairs(count: int = 90, features: tuple[int, ...] = (20,)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(count, *features, generator=generator)
    return inputs, torch.randint(0, 5, (count,), generator=generator)


@pytest.mark.parametrize(
    ("backend", "model", "features"),
    [
        ("stacked", perceptron, (20,)),
        ("replay", perceptron, (20,)),
        ("replay", images_network, (1, 8, 8)),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_what_was_asked_for_ran_and_the_record_says_so(
    backend: str, model: Callable[[], nn.Module], features: tuple[int, ...], threads: int
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        made = model()
        surface = ps.LossSurface(made, nn.CrossEntropyLoss(), pairs(150, features), backend=backend)
        with untouched(made):
            line = surface.slice(ps.Line(ps.Random(0), samples=41))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    evaluation = line.notes["evaluation"]
    assert evaluation["backend"] == backend
    assert evaluation["workers"] in ({1} if threads == 1 else {1, 2})
    assert evaluation["check"]["points"] == 3
    assert 0 <= evaluation["check"]["largest_difference"] < 1e-5
    plain = ps.LossSurface(
        made, nn.CrossEntropyLoss(), pairs(150, features), backend="reference"
    ).slice(ps.Line(ps.Random(0), samples=41))
    assert plain.notes["evaluation"] == {"backend": "reference"}
    np.testing.assert_allclose(line.losses, plain.losses, rtol=1e-5)
    np.testing.assert_allclose(
        line.errors["train/loss"], plain.errors["train/loss"], rtol=1e-3, atol=1e-7
    )


@pytest.mark.parametrize("backend", ["replay", "stacked"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_touched_when_it_ends_early(
    backend: str, threads: int, error: type[BaseException]
) -> None:
    model = perceptron()
    calls = {"count": 0}

    def interrupted(outputs: Tensor, targets: Tensor) -> Tensor:
        calls["count"] += 1
        if calls["count"] > 30:
            raise error("out of luck")
        return functional.cross_entropy(outputs, targets)

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        surface = ps.LossSurface(model, interrupted, pairs(), backend=backend)
        with untouched(model), pytest.raises(error):
            surface.slice(ps.Line(ps.Random(0), samples=97))
    finally:
        torch.set_num_threads(before)
    assert not [t for t in threading.enumerate() if t.name.startswith("pysclice")]


def test_a_backend_that_is_wrong_is_dropped_with_a_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right = lowering.losses_of_logits

    def wrong(logits: Tensor, exponentials: Tensor, own: Tensor) -> Tensor:
        return right(logits, exponentials, own) * 1.0001

    monkeypatch.setattr(lowering, "losses_of_logits", wrong)
    model = perceptron()
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), pairs(), backend="stacked")
    with caplog.at_level(logging.WARNING):
        line = surface.slice(ps.Line(ps.Random(0), samples=13))
    assert line.notes["evaluation"]["backend"] == "reference"
    assert "where the reference has" in line.notes["evaluation"]["dropped"]["stacked"]
    assert len([r for r in caplog.records if "dropped" in r.message]) >= 1
    plain = ps.LossSurface(model, nn.CrossEntropyLoss(), pairs(), backend="reference")
    np.testing.assert_array_equal(
        line.losses, plain.slice(ps.Line(ps.Random(0), samples=13)).losses
    )


class Steered(nn.Module):
    """Its values decide what it computes."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.layer, self.other, self.how = nn.Linear(20, 5), nn.Linear(20, 5), how

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        if self.how == "if":
            return y if y.mean() > 0 else self.other(x)
        if self.how == "item":
            return y * y.abs().max().item()
        if self.how == "numpy":
            return y + float(y.detach().numpy().sum())
        if self.how == "autocast":
            with torch.autocast("cpu", torch.bfloat16):
                return self.layer(x).float()
        base = x.new_zeros(len(x), 5)
        window = base[:, :3]
        window.add_(y[:, :3])
        return base + y


@pytest.mark.parametrize("how", ["if", "item", "numpy", "autocast", "alias"])
@pytest.mark.parametrize("backend", ["replay", "auto"])
def test_what_cannot_be_followed_is_left_to_the_reference(how: str, backend: str) -> None:
    torch.manual_seed(0)
    model, data = Steered(how), pairs()
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend=backend)
    start = surface.parameters()
    directions = [ps.Random(number)(surface, start) for number in range(2)]
    found = surface.measure(start, directions, GRID)
    assert found.evaluation["backend"] == "reference"
    if how != "autocast":
        expected = plainly(model, *data, directions, GRID).mean(1)
        np.testing.assert_allclose(found.values["train/loss"], expected, rtol=2e-5)


def test_a_tape_holds_what_moves_and_nothing_else() -> None:
    weight, fixed, x = torch.ones(3, 3), torch.ones(3, 3), torch.randn(2, 3)
    prefix = {"calls": 0}

    def run() -> Tensor:
        prefix["calls"] += 1
        early = torch.tanh(x @ fixed)
        shape = early.shape
        return (early @ weight).relu_().reshape(shape)

    returned, tape = record(run, {"weight": weight}, [fixed])
    assert [step.name for step in tape.steps] == ["matmul", "relu", "reshape"]
    assert torch.equal(returned, torch.relu(torch.tanh(x @ fixed) @ weight))
    assert list(tape.moving.values()) == ["weight"]
    with pytest.raises(Unsuitable, match="item"):
        record(lambda: weight.sum().item(), {"weight": weight})
    with pytest.raises(Unsuitable, match="weight"):
        record(lambda: weight.mul_(2.0), {"weight": weight})


class Read(Dataset[tuple[Tensor, Tensor]]):
    """A data set with a transform, which counts how often it is read."""

    def __init__(self) -> None:
        self.inputs, self.targets = pairs(48)
        self.reads = 0

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.reads += 1
        return self.inputs[index] * 2 - 1, self.targets[index]


@pytest.mark.parametrize("backend", ["auto", "reference", "replay", "stacked"])
@pytest.mark.parametrize("cache_bytes", [1, 2**30], ids=["streamed", "cached"])
def test_a_loader_is_read_once_a_slice(backend: str, cache_bytes: int) -> None:
    data = Read()
    surface = ps.LossSurface(
        perceptron(),
        nn.CrossEntropyLoss(),
        DataLoader(data, batch_size=16),
        cache_bytes=cache_bytes,
        backend=backend,
    )
    for samples in (3, 25):
        data.reads = 0
        plane = surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=samples))
        assert plane.evaluations == samples**2
        assert data.reads == (48 if samples == 3 or cache_bytes == 1 else 0)


def test_lines_of_a_crowd_share_what_rests() -> None:
    """Coordinates of the last layer: all before it runs once, whatever the number of lines."""
    model = nn.Sequential(*images_network()[:-1], nn.Linear(128, 16), nn.ReLU(), nn.Linear(16, 5))
    data = pairs(40, (1, 8, 8))
    calls = {"count": 0}
    model[0].register_forward_hook(lambda *_: calls.update(count=calls["count"] + 1))
    axes = ps.AxisParallel(
        coordinates=(*(("7.weight", (i, 3)) for i in range(5)), ("5.bias", (2,))), samples=13
    )
    for backend in ("replay", "stacked"):
        surface = ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend=backend)
        surface.slice(axes)
        calls["count"] = 0
        again = surface.slice(axes)
        assert again.notes["evaluation"]["backend"] == backend
        # On all examples once. The check: on a few, at each of its points by the reference.
        assert calls["count"] <= 2 + again.notes["evaluation"]["check"]["points"] + 3
        plain = ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend="reference").slice(axes)
        np.testing.assert_allclose(again.losses, plain.losses, rtol=1e-5)
        assert again.evaluations == plain.evaluations


def test_extreme_logits_lose_nothing() -> None:
    model, data = nn.Sequential(nn.Linear(20, 5)), pairs()
    for scale in (1e-6, 1.0, 1e3, 1e30, 1e38):
        weight = torch.linspace(-scale, scale, 5)[:, None].expand(5, 20)
        start = {name: p.detach() for name, p in model.named_parameters()}
        found = [
            ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend=backend).measure(
                start, [{"0.weight": weight}], np.array([[0.0], [0.3], [1.0], [-2.0]])
            )
            for backend in ("reference", "stacked")
        ]
        # Along a direction so long, what it adds is infinite, where what is added up is not.
        expected = "stacked" if scale < 1e38 else "reference"
        assert found[1].evaluation["backend"] == expected
        plain, fast = (f.values["train/loss"] for f in found)
        assert np.isfinite(plain).all() == (scale < 1e38)
        np.testing.assert_allclose(fast, plain, rtol=1e-5)


def test_a_plane_of_margins_that_exponentials_cannot_hold() -> None:
    model, (inputs, classes) = nn.Sequential(nn.Linear(20, 5)), pairs()
    for scale in (0.1, 1.0, 10.0, 100.0):
        weights = [scale * torch.randn(5, 20, generator=torch.Generator().manual_seed(n))
                   for n in (0, 1)]  # fmt: skip
        axis = np.linspace(-1, 1, 9)
        rows = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
        start = {name: p.detach() for name, p in model.named_parameters()}
        fast = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, classes), backend="stacked")
        found = fast.measure(start, [{"0.weight": w} for w in weights], rows)
        assert found.evaluation["backend"] == "stacked"
        along = torch.einsum("pk,kcf->pcf", torch.tensor(rows), torch.stack(weights).double())
        layers = start["0.weight"].double() + along
        logits = torch.einsum("pcf,nf->pnc", layers, inputs.double()) + start["0.bias"].double()
        expected = (
            -torch.log_softmax(logits, -1)
            .gather(-1, classes.expand(len(rows), -1).unsqueeze(-1))
            .mean((1, 2))
        )
        np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-5)


def test_metrics_and_several_data_sets() -> None:
    def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.argmax(1) == targets).float()

    data = {"train": pairs(), "validation": [pairs(30), pairs(17)]}
    found = {
        backend: ps.LossSurface(
            perceptron(),
            nn.CrossEntropyLoss(),
            data,
            metrics={"accuracy": accuracy},
            backend=backend,
        ).slice(ps.Plane(ps.Random(0), ps.Random(1), samples=5), replicates=3)
        for backend in ("reference", "replay", "stacked")
    }
    plain = found.pop("reference")
    for backend, plane in found.items():
        assert plane.notes["evaluation"]["backend"] == backend
        assert plane.channels == plain.channels
        for channel in plain.channels:
            np.testing.assert_allclose(plane.values[channel], plain.values[channel], rtol=1e-5)
            np.testing.assert_allclose(
                plane.errors[channel], plain.errors[channel], rtol=1e-3, atol=1e-7
            )
            np.testing.assert_allclose(
                plane.replicates[channel], plain.replicates[channel], rtol=1e-5
            )


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.MSELoss(reduction="sum"), nn.L1Loss()])
def test_regression_is_stacked_too(loss: nn.Module) -> None:
    model, x = nn.Sequential(nn.Linear(20, 8), nn.SiLU(), nn.Linear(8, 2)), pairs()[0]
    y = torch.randn(90, 2, generator=torch.Generator().manual_seed(3))
    found = [
        ps.LossSurface(model, loss, (x, y), backend=backend).slice(ps.Line(ps.Random(0), samples=9))
        for backend in ("reference", "stacked")
    ]
    assert found[1].notes["evaluation"]["backend"] == "stacked"
    np.testing.assert_allclose(found[1].losses, found[0].losses, rtol=1e-5)


def test_a_choice_is_kept_and_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 0.0)
    monkeypatch.setattr(choice, "_WORTH_NUMBERS", 0)
    tried: list[Candidate] = []
    agrees = Trial.agrees

    def watched(trial: Trial, candidate: Candidate) -> bool:
        tried.append(candidate)
        return agrees(trial, candidate)

    monkeypatch.setattr(Trial, "agrees", watched)
    surface = ps.LossSurface(perceptron(), nn.CrossEntropyLoss(), pairs(1500))
    plane = ps.Plane(ps.Random(0), ps.Random(1), samples=25)
    first = surface.slice(plane)
    assert first.notes["evaluation"]["backend"] == "stacked"
    assert len(tried) > 0
    tried.clear()
    again = surface.slice(plane)
    assert len(tried) == 1 and again.notes["evaluation"]["check"]["points"] == 3


def test_a_small_slice_does_not_decide_for_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_WORTH_NUMBERS", 0)
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 100.0)
    timed: list[str] = []
    share = Trial.share

    def noted(trial: Trial, candidate: Candidate) -> float | None:
        timed.append(candidate.kind)
        return share(trial, candidate)

    monkeypatch.setattr(Trial, "share", noted)
    surface = ps.LossSurface(perceptron(), nn.CrossEntropyLoss(), pairs(1500))
    line = ps.Line(ps.Random(0), samples=3)

    monkeypatch.setattr(choice, "_WORTH_A_CHECK", 1e9)
    assert surface.slice(line).notes["evaluation"] == {"backend": "reference"}
    assert not timed

    monkeypatch.setattr(choice, "_WORTH_SECONDS", 0.0)
    large = surface.slice(ps.Line(ps.Random(0), samples=1537))
    assert large.notes["evaluation"]["backend"] == "stacked" and timed


def test_nor_does_a_large_slice_for_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_WORTH_NUMBERS", 0)
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 0.0)
    monkeypatch.setattr(choice, "_cost", lambda *_: choice._Cost(call=1e-3, each=1e-3 / 1500))
    surface = ps.LossSurface(perceptron(), nn.CrossEntropyLoss(), pairs(1500))
    backends = [
        surface.slice(ps.Line(ps.Random(0), samples=samples)).notes["evaluation"]["backend"]
        for samples in (1537, 149, 151)
    ]
    # A check takes 50 calls, and a point is one: of 149 points it is too large a part.
    assert backends == ["stacked", "reference", "stacked"]


@pytest.mark.parametrize("share", [0.1, 0.9, None])
def test_short_work_is_stacked_if_that_saves_more_than_it_costs(
    share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_WORTH_NUMBERS", 0)
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 100.0)
    monkeypatch.setattr(choice, "_WORTH_A_CHECK", 0)
    # 300 points on as many examples as a call has: work of 300 calls, of which a check takes 50.
    cost = choice._Cost(call=1e-3, each=1e-3 / 1500)
    monkeypatch.setattr(choice, "_cost", lambda *_: cost)
    timed: list[str] = []

    def noted(trial: Trial, candidate: Candidate) -> float | None:
        timed.append(candidate.kind)
        return share

    monkeypatch.setattr(Trial, "share", noted)
    surface = ps.LossSurface(perceptron(), nn.CrossEntropyLoss(), pairs(1500))
    line = ps.Line(ps.Random(0), samples=301)
    for _ in range(2):  # timed once, checked each time
        found = surface.slice(line).notes["evaluation"]
        if share == 0.1:
            assert found["backend"] == "stacked" and found["check"]["points"] == 3
        else:
            assert found == {"backend": "reference"}
    assert timed == ["stacked"]
    # A slice of other size is tried out for itself.
    surface.slice(ps.Line(ps.Random(0), samples=1201))
    assert timed == ["stacked", "stacked"]
    images = ps.LossSurface(images_network(), nn.CrossEntropyLoss(), pairs(64, (1, 8, 8)))
    assert images.slice(line).notes["evaluation"] == {"backend": "reference"}
    assert len(timed) == 2


@pytest.mark.parametrize("samples", [7, 51])
def test_what_is_worth_nothing_is_not_looked_into(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Trial, "glance", looked)
    surface = ps.LossSurface(perceptron(), nn.CrossEntropyLoss(), pairs(32))
    found = surface.slice(ps.Line(ps.Random(0), samples=samples))
    assert found.notes["evaluation"] == {"backend": "reference"}


@pytest.mark.parametrize(
    ("samples", "batch", "larger"),
    [
        (129, 256, 128),  # what 128 images save is seen
        (9, 256, None),  # it would take too long to see, and is known
        (129, 64, 64),  # no batch is larger
    ],
)
def test_images_are_timed_on_as_many_as_show_what_pays(
    samples: int, batch: int, larger: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_WORTH_NUMBERS", 0)
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 0.0)
    timed: list[int | None] = []

    def noted(trial: Trial, candidate: Candidate) -> float | None:
        timed.append(None if trial.larger is None else trial.larger.examples)
        return 0.5 if candidate.kind == "images" else 2.0

    monkeypatch.setattr(Trial, "share", noted)
    surface = ps.LossSurface(images_network(), nn.CrossEntropyLoss(), pairs(batch, (1, 8, 8)))
    taken = surface.slice(ps.Line(ps.Random(0), samples=samples))
    assert taken.notes["evaluation"]["examples_at_once"] == 64
    assert set(timed) <= {larger} and (larger is None or timed)


def test_a_mean_that_overflows_is_not_what_its_finite_values_say() -> None:
    # Each squared error fits float32, and torch's mean of two of them does not.
    inputs = torch.full((2, 1), 1.8e19)
    found = Objective(nn.MSELoss())(nn.Identity(), (inputs, torch.zeros(2, 1)), 2)
    assert found["loss"].ndim == 0 and torch.isinf(found["loss"])


def test_the_plain_cross_entropy_is_told_from_others() -> None:
    plain: list[Any] = [
        nn.CrossEntropyLoss(),
        functional.cross_entropy,
        nn.CrossEntropyLoss(reduction="sum"),
    ]
    assert all(Objective(loss).is_cross_entropy for loss in plain)
    others: list[Any] = [
        nn.CrossEntropyLoss(label_smoothing=0.1),
        nn.CrossEntropyLoss(weight=torch.ones(5)),
        nn.CrossEntropyLoss(ignore_index=3),
        nn.NLLLoss(),
        lambda outputs, targets: functional.cross_entropy(outputs, targets) * 2,
    ]
    assert not any(Objective(loss).is_cross_entropy for loss in others)


def test_batches_that_a_model_mixes_are_not_taken_apart() -> None:
    """Its outputs depend on the whole batch, so the check on 130 examples has to see parts."""

    class Mixes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(256, 5)

        def forward(self, x: Tensor) -> Tensor:
            hidden = torch.relu(self.convolution(x))
            return self.head((hidden - hidden.mean(0)).flatten(1))

    torch.manual_seed(0)
    model, data = Mixes(), pairs(130, (1, 8, 8))
    found = [
        ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend=backend).slice(
            ps.Line(ps.Random(0), samples=9)
        )
        for backend in ("reference", "replay")
    ]
    np.testing.assert_allclose(found[1].losses, found[0].losses, rtol=1e-5)


@pytest.mark.parametrize("backend", ["reference", "replay"])
def test_half_precision_that_does_not_move_is_told(backend: str) -> None:
    model, (x, y) = perceptron().to(torch.bfloat16), pairs()
    surface = ps.LossSurface(
        model, nn.CrossEntropyLoss(), (x.to(torch.bfloat16), y), backend=backend
    )
    start = surface.parameters()
    directions = [ps.Random(0)(surface, start)]
    near, far = np.array([[0.0], [1e-4], [1.0]]), np.array([[0.0], [0.5], [1.0]])
    with pytest.warns(RuntimeWarning, match="half-precision weights .* round to where they were"):
        found = surface.measure(start, directions, near)
    assert 0.9 < found.evaluation["unmoved"] <= 1.0
    assert "unmoved" not in surface.measure(start, directions, far).evaluation
    # Summed in float32 and rounded once.
    moved = {n: (t.float() + directions[0][n]).to(torch.bfloat16) for n, t in start.items()}
    with torch.no_grad():
        expected = functional.cross_entropy(
            torch.func.functional_call(model, moved, (x.to(torch.bfloat16),)), y, reduction="none"
        )
    assert found.values["train/loss"][2] == pytest.approx(float(expected.double().mean()), rel=1e-2)


def test_what_is_kept_of_the_examples_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last layer moves, so its inputs are kept: for a few batches at a time."""
    model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 5))
    model[0].requires_grad_(False)
    batches = [pairs(30), pairs(20), pairs(50)]
    plane = ps.Plane(ps.Random(0), ps.Random(1), samples=5)
    plain = ps.LossSurface(model, nn.CrossEntropyLoss(), batches, backend="reference").slice(plane)
    held: list[int] = []
    prepare = Replay.prepare

    def watched(self: Replay, portion: Portion) -> Any:
        held.append(portion.examples)
        return prepare(self, portion)

    monkeypatch.setattr(Replay, "prepare", watched)
    for most, expected in ((2**29, [100]), (64 * 4 * 60, [50, 50])):
        monkeypatch.setattr(choice, "_KEPT_BYTES", most)
        surface = ps.LossSurface(model, nn.CrossEntropyLoss(), batches, backend="replay")
        found = surface.slice(plane)
        assert [n for n in held if n >= 50] == expected
        np.testing.assert_allclose(found.losses, plain.losses, rtol=1e-5)
        np.testing.assert_allclose(
            found.errors["train/loss"], plain.errors["train/loss"], rtol=1e-4, atol=1e-8
        )
        held.clear()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("network", [perceptron, images_network])
def test_a_graph_is_captured_on_cuda_and_left_alone_elsewhere(
    device: str, network: Callable[[], nn.Module]
) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model = network().to(device)
    features = (20,) if network is perceptron else (1, 8, 8)
    x, y = pairs(150, features)
    data = (x.to(device), y.to(device))
    plane = ps.Plane(ps.Random(0), ps.Random(1), samples=5)
    plain = ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend="reference").slice(plane)
    with untouched(model):
        found = ps.LossSurface(model, nn.CrossEntropyLoss(), data, backend="graph").slice(plane)
    expected = "graph" if device == "cuda" else "reference"
    assert found.notes["evaluation"]["backend"] == expected
    np.testing.assert_allclose(found.losses, plain.losses, rtol=1e-5)


@pytest.mark.parametrize("backend", ["replay", "stacked"])
def test_a_metric_with_a_state_is_asked_by_one_thread_at_a_time(backend: str) -> None:
    class Accuracy:
        """Keeps its sums in itself between two lines, as metrics of other libraries do."""

        def __init__(self) -> None:
            self.right = torch.zeros(90)
            self.inside = 0

        def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
            self.inside += 1
            assert self.inside == 1
            self.right = (outputs.argmax(1) == targets).float()
            time.sleep(1e-4)
            self.inside -= 1
            return self.right

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = [
            ps.LossSurface(
                perceptron(),
                nn.CrossEntropyLoss(),
                pairs(),
                metrics={"accuracy": Accuracy()},
                backend=which,
            ).slice(ps.Plane(ps.Random(0), ps.Random(1), samples=9))
            for which in (backend, "reference")
        ]
    finally:
        torch.set_num_threads(before)
    assert found[0].notes["evaluation"]["backend"] == backend
    np.testing.assert_array_equal(*(plane.values["train/accuracy"] for plane in found))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_reference_goes_on_where_a_backend_fails(
    threads: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = lowering.Lowered._run
    calls = {"count": 0}

    def fails(self: Any, *rest: Any) -> None:
        calls["count"] += 1
        if calls["count"] > 20:
            raise RuntimeError("out of luck")
        run(self, *rest)

    model = perceptron()
    line = ps.Line(ps.Random(0), samples=1537)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        plain = ps.LossSurface(model, nn.CrossEntropyLoss(), pairs(), backend="reference")
        expected = plain.slice(line)
        monkeypatch.setattr(lowering.Lowered, "_run", fails)
        # How often it would run while it is timed depends on the machine.
        monkeypatch.setattr(Trial, "share", lambda trial, candidate: 0.1)
        surface = ps.LossSurface(model, nn.CrossEntropyLoss(), pairs(), backend="stacked")
        with untouched(model), caplog.at_level(logging.WARNING):
            found = surface.slice(line)
    finally:
        torch.set_num_threads(before)
    assert found.notes["evaluation"]["backend"] == "stacked+reference"
    assert found.notes["evaluation"]["dropped"] == {"stacked": "RuntimeError: out of luck"}
    assert sum("goes on" in record.message for record in caplog.records) == 1
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-5)
    np.testing.assert_allclose(
        found.errors["train/loss"], expected.errors["train/loss"], rtol=1e-3, atol=1e-7
    )
