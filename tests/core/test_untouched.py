"""Looking without touching: model, optimizer and random states keep every bit."""

from __future__ import annotations

import collections
import copy
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pysclice as ps
from pysclice.core.untouched import stand_in
from tests.models import SmallConvNet, images

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def bits(state: object) -> object:
    """Everything in a nested state as comparable bytes and values."""
    if isinstance(state, Tensor):
        data = state.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        return (str(state.dtype), str(state.device), tuple(state.shape), data)
    if isinstance(state, np.ndarray):
        return (str(state.dtype), state.shape, state.tobytes())
    if isinstance(state, dict):
        return {key: bits(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [bits(part) for part in state]
    return state


def random_states() -> object:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return bits([torch.get_rng_state(), cuda, np.random.get_state(), random.getstate()])


def state_of(model: nn.Module) -> dict[str, object]:
    """All that a look must leave as it was."""
    return {
        "tensors": bits(dict(model.state_dict())),
        "gradients": bits({n: p.grad for n, p in model.named_parameters()}),
        "trainable": {n: p.requires_grad for n, p in model.named_parameters()},
        "identity": {n: (id(p), p.data_ptr()) for n, p in model.named_parameters()},
        "buffers": {n: (id(b), b.data_ptr()) for n, b in model.named_buffers()},
        "modes": [module.training for module in model.modules()],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "random": random_states(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "grad": torch.is_grad_enabled(),
    }


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    before = state_of(model)
    yield
    after = state_of(model)
    for what in before:
        assert before[what] == after[what], what


SLICERS = {
    "line": ps.Line(ps.Random(0), samples=5),
    "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=3),
    "axis-parallel": ps.AxisParallel(count=3, samples=3),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("slicer", SLICERS.values(), ids=SLICERS)
def test_a_slice_leaves_a_model_in_training_as_it_was(slicer: Any, mode: Any, device: str) -> None:
    model = SmallConvNet().to(device)
    inputs, targets = (t.to(device) for t in images())
    nn.functional.cross_entropy(model(inputs), targets).backward()
    model.drop.eval()  # a mode of its own
    model.conv.bias.requires_grad_(False)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets), mode=mode)
    with unchanged(model):
        found = surface.slice(slicer)
    assert np.ptp(found.losses) > 0
    assert found.mode == mode


def train(
    epochs: int, device: str, look: Callable[[nn.Module, int], None] | None
) -> tuple[object, object]:
    """A training run with momentum, dropout, BatchNorm and shuffling: all of its final state."""
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    model = SmallConvNet().to(device)
    loader = DataLoader(
        TensorDataset(*images(96)),
        batch_size=16,
        shuffle=True,
        generator=torch.Generator().manual_seed(5),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    step = 0
    for _ in range(epochs):
        for inputs, targets in loader:
            # The user's own randomness must not notice us either.
            noise = 0.01 * torch.randn(inputs.shape) * float(np.random.rand()) * random.random()
            optimizer.zero_grad()
            outputs = model((inputs + noise).to(device))
            nn.functional.cross_entropy(outputs, targets.to(device)).backward()
            optimizer.step()
            if look is not None:
                look(model, step)
            step += 1
    return bits(copy.deepcopy(dict(model.state_dict()))), bits(
        [optimizer.state_dict(), loader.generator.get_state(), random_states()]
    )  # type: ignore[union-attr]


@pytest.mark.parametrize("device", DEVICES)
def test_training_with_the_logger_is_bit_identical(tmp_path: Any, device: str) -> None:
    torch.use_deterministic_algorithms(device == "cpu")
    loggers: list[ps.SliceLogger] = []

    def look(model: nn.Module, step: int) -> None:
        if not loggers:
            loader = DataLoader(TensorDataset(*images(32, seed=1)), batch_size=8, shuffle=True)
            surface = ps.LossSurface(
                model,
                nn.CrossEntropyLoss(),
                {"train": tuple(t.to(device) for t in images()), "validation": loader},
            )
            loggers.append(ps.SliceLogger(tmp_path, surface, SLICERS, every=2))
        loggers[0].log_if_due(step)

    try:
        plain = train(3, device, None)
        looked_at = train(3, device, look)
    finally:
        torch.use_deterministic_algorithms(False)
    loggers[0].close()
    assert plain == looked_at
    logged = ps.read_slices(tmp_path)["."]
    assert set(logged) == set(SLICERS) and len(logged["line"]) == 10  # the last step, too


def test_training_with_a_loss_that_raises_is_bit_identical(tmp_path: Any) -> None:
    calls = {"count": 0}

    def fails_sometimes(outputs: Tensor, targets: Tensor) -> Tensor:
        calls["count"] += 1
        if calls["count"] % 7 == 0:
            raise RuntimeError("out of luck")
        return nn.functional.cross_entropy(outputs, targets)

    def look(model: nn.Module, step: int) -> None:
        surface = ps.LossSurface(model, fails_sometimes, images())
        with pytest.raises(RuntimeError, match="out of luck"):
            surface.slice(ps.Line(ps.Random(0), samples=9))

    assert train(2, "cpu", None) == train(2, "cpu", look)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_in_the_middle_leaves_the_model_as_it_was(error: type[BaseException]) -> None:
    model = SmallConvNet()
    calls: list[int] = []

    def interrupted(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) == 3:
            raise error
        return nn.functional.cross_entropy(outputs, targets)

    surface = ps.LossSurface(model, interrupted, images())
    with unchanged(model), pytest.raises(error):
        surface.slice(ps.Line(ps.Random(0), samples=9))


def test_ctrl_c_waits_for_the_end_of_a_batch_and_then_goes_through() -> None:
    model = SmallConvNet()
    finished: list[bool] = []

    def interrupted(outputs: Tensor, targets: Tensor) -> Tensor:
        if not finished:
            os.kill(os.getpid(), signal.SIGINT)  # arrives here, in the middle of an evaluation
        finished.append(True)
        return nn.functional.cross_entropy(outputs, targets)

    surface = ps.LossSurface(model, interrupted, images())
    handler = signal.getsignal(signal.SIGINT)
    with unchanged(model), pytest.raises(KeyboardInterrupt):
        surface.slice(ps.Line(ps.Random(0), samples=9))
    assert finished == [True]
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_ctrl_c_does_not_wait() -> None:
    model = SmallConvNet()

    def stuck(outputs: Tensor, targets: Tensor) -> Tensor:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second interrupt was held back")

    surface = ps.LossSurface(model, stuck, images())
    with unchanged(model), pytest.raises(KeyboardInterrupt):
        surface.slice(ps.Line(ps.Random(0), samples=9))


class Remembers(nn.Module):
    """A model that counts, caches and draws in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)
        self.calls = 0
        self.running = torch.zeros(4)  # a plain attribute, not a buffer
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x
        self.running += x.mean(0)
        self.seen += 1
        noise = torch.rand(()) + float(np.random.rand()) + random.random()
        return self.fc(x + 0 * noise)


def test_what_the_forward_pass_writes_down_is_forgotten() -> None:
    model = Remembers()
    data = torch.randn(8, 4), torch.randn(8, 2)
    model(data[0])
    running = model.running
    kept = running.clone()
    with unchanged(model):
        ps.LossSurface(model, nn.MSELoss(), data).slice(ps.Line(ps.Random(0), samples=5))
    assert model.calls == 1
    assert model.running is running and torch.equal(running, kept)
    assert model.last is data[0]


class Pretrained(nn.Module):
    """A model whose train() has side effects, as adapters that merge weights have."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def train(self, mode: bool = True) -> Pretrained:
        with torch.no_grad():
            self.fc.weight.add_(1.0)
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


def test_a_models_own_train_method_is_not_called() -> None:
    model = Pretrained()
    surface = ps.LossSurface(model, nn.MSELoss(), (torch.randn(8, 4), torch.randn(8, 2)))
    with unchanged(model):
        surface.slice(ps.Line(ps.Random(0), samples=5))


@pytest.mark.parametrize("outer", [True, False])
def test_the_callers_autocast_neither_changes_nor_leaks(outer: bool) -> None:
    model = SmallConvNet()
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), images())
    alone = surface.slice(ps.Line(ps.Random(0), samples=5))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=outer), unchanged(model):
        inside = surface.slice(ps.Line(ps.Random(0), samples=5))
    np.testing.assert_array_equal(alone.losses, inside.losses)


def test_a_persistent_loader_in_the_middle_of_an_epoch_goes_on() -> None:
    def epochs(look: bool) -> list[list[int]]:
        loader = DataLoader(
            TensorDataset(*images(32)),
            batch_size=4,
            shuffle=True,
            num_workers=1,
            persistent_workers=True,
            generator=torch.Generator().manual_seed(0),
        )
        surface = ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), loader)
        seen = []
        for _ in range(2):
            for number, (_, targets) in enumerate(loader):
                seen.append(targets.tolist())
                if look and number == 3:
                    surface.slice(ps.Line(ps.Random(0), samples=3))
        return seen

    assert epochs(look=True) == epochs(look=False)


def test_a_slice_leaves_no_order_to_seed_cuda_once_it_is_used() -> None:
    """`torch.manual_seed` would: it queues a call for the time when CUDA is initialized."""
    queued = len(torch.cuda._queued_calls)
    ps.LossSurface(SmallConvNet(), nn.CrossEntropyLoss(), images()).slice(
        ps.Line(ps.Random(0), samples=3)
    )
    assert len(torch.cuda._queued_calls) == queued


def test_what_a_model_collects_is_put_back_where_it_was() -> None:
    class Collector(nn.Linear):
        def __init__(self) -> None:
            super().__init__(2, 2)
            self.shared = [1]
            self.kept: dict[str, Any] = {"inside": [self.shared], "set": {1}}
            self.kept["itself"] = self.kept
            self.others = (
                collections.deque([1], maxlen=2), collections.Counter("aab"),
                collections.defaultdict(list, a=[1]), collections.OrderedDict(b=1, a=2),
            )  # fmt: skip
            for number, other in enumerate(self.others):
                setattr(self, f"other{number}", other)

    model = Collector()
    shared, kept, others = model.shared, model.kept, model.others
    with stand_in(model, {}, {}, "eval"):
        model.shared.append(2)
        model.kept["inside"][0].append(3)
        model.kept["set"].clear()
        del model.kept["itself"]
        model.kept = {}
        others[0].extend([2, 3])
        others[1].update("ab")
        others[2]["a"].append(2)
        others[2]["b"].append(2)
        others[3].move_to_end("b")
    assert model.shared is shared and shared == [1]
    assert model.kept is kept and list(kept) == ["inside", "set", "itself"]
    assert kept["inside"][0] is shared and kept["set"] == {1} and kept["itself"] is kept
    assert list(others[0]) == [1] and others[0].maxlen == 2
    assert others[1] == {"a": 2, "b": 1}
    assert others[2] == {"a": [1]} and others[2]["new"] == []
    assert list(others[3].items()) == [("b", 1), ("a", 2)]
