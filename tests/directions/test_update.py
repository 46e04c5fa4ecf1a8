"""Updates of real optimizers against parameters that were copied by hand."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pysclice as ps

OPTIMIZERS: dict[str, Any] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "LBFGS": lambda p: torch.optim.LBFGS(p, lr=0.5, max_iter=5),
}


def task() -> tuple[nn.Module, ps.LossSurface, Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Tanh(), nn.Linear(8, 3))
    inputs, targets = torch.randn(32, 4), torch.randint(0, 3, (32,))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))

    def closure_of(optimizer: torch.optim.Optimizer) -> Any:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            return loss

        return closure

    return model, surface, closure_of


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_update_is_what_the_last_step_did(kind: str) -> None:
    model, surface, closure_of = task()
    optimizer = OPTIMIZERS[kind](model.parameters())
    update = ps.Update(optimizer)
    for _ in range(3):
        before = surface.parameters()
        optimizer.step(closure_of(optimizer))
    after = surface.parameters()
    found = update(surface, after)
    assert list(found) == list(after)
    for name, tensor in found.items():
        assert torch.equal(tensor, after[name] - before[name]) and tensor.any()
    line = surface.slice(ps.Line(update, span=(-1, 1), samples=3))
    loss = surface(before)["train/loss"]
    assert float(line.losses[0, 0, 0]) == pytest.approx(loss, rel=1e-5)
    assert line.axes[0].name == line.method == "update"
    assert line.axes[0].description == f"Last step of {kind}, not normalized"


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_comes_out_bit_for_bit_as_without_it(kind: str) -> None:
    def trained(with_update: bool) -> tuple[dict[str, Tensor], Any]:
        model, surface, closure_of = task()
        optimizer = OPTIMIZERS[kind](model.parameters())
        update = ps.Update(optimizer) if with_update else None
        for _ in range(5):
            optimizer.step(closure_of(optimizer))
            if update is not None:
                update(surface, surface.current())
        return dict(model.state_dict()), [torch.get_rng_state(), *flattened(optimizer.state_dict())]

    def flattened(value: Any) -> list[Tensor]:
        if isinstance(value, Tensor):
            return [value]
        inner = value.values() if isinstance(value, dict) else value
        return [t for v in inner for t in flattened(v)] if isinstance(value, dict | list) else []

    plain, dice = trained(False)
    watched, same_dice = trained(True)
    assert all(torch.equal(plain[name], watched[name]) for name in plain)
    assert len(dice) == len(same_dice) and all(map(torch.equal, dice, same_dice))


def test_an_update_can_be_normalized() -> None:
    model, surface, closure_of = task()
    optimizer = OPTIMIZERS["Adam"](model.parameters())
    update = ps.Update(optimizer, "unit")
    optimizer.step(closure_of(optimizer))
    found = np.concatenate([t.numpy().ravel() for t in update(surface, surface.current()).values()])
    assert np.linalg.norm(found) == pytest.approx(1.0, rel=1e-6)
    assert update.description == "Last step of Adam, scaled to unit length"
    assert (-update).name == "-update"


def test_parameters_that_the_optimizer_does_not_hold_do_not_move() -> None:
    model, surface, closure_of = task()
    optimizer = torch.optim.SGD(model[3].parameters(), lr=0.1)  # type: ignore[index]
    update = ps.Update(optimizer)
    optimizer.step(closure_of(optimizer))
    assert list(update(surface, surface.current())) == ["3.weight", "3.bias"]
    # A group that joins later is copied from its first step on.
    optimizer.add_param_group({"params": [model[0].weight]})  # type: ignore[index]
    before = model[0].weight.detach().clone()  # type: ignore[index, operator]
    optimizer.step(closure_of(optimizer))
    found = update(surface, surface.current())
    assert list(found) == ["0.weight", "3.weight", "3.bias"]
    assert torch.equal(found["0.weight"], model[0].weight - before)  # type: ignore[index]


def test_half_precision_parameters_have_updates_in_float32() -> None:
    model = nn.Linear(3, 2).bfloat16()
    surface = ps.LossSurface(model, batch_loss=lambda m, b: 0.0, data=[torch.zeros(1)])
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    update = ps.Update(optimizer)
    before = model.weight.detach().clone()
    model.weight.grad = torch.full_like(model.weight, 0.3)
    optimizer.step()
    found = update(surface, surface.current())["weight"]
    assert found.dtype == torch.float32
    assert torch.equal(found, model.weight.float() - before.float())


def test_closing_and_forgetting_take_the_hook_away() -> None:
    model, surface, closure_of = task()
    optimizer = OPTIMIZERS["SGD"](model.parameters())
    first, second = ps.Update(optimizer), ps.Update(optimizer)
    hooks = optimizer._optimizer_step_pre_hooks
    assert len(hooks) == 2
    first.close()
    first.close()
    assert len(hooks) == 1
    optimizer.step(closure_of(optimizer))
    with pytest.raises(ValueError, match="was closed"):
        first(surface, surface.current())
    second(surface, surface.current())
    del second
    gc.collect()
    assert len(hooks) == 0
    optimizer.step(closure_of(optimizer))


def test_optimizers_can_still_be_saved_and_copied() -> None:
    model, _, closure_of = task()
    optimizer = OPTIMIZERS["Adam"](model.parameters())
    update = ps.Update(optimizer)
    optimizer.step(closure_of(optimizer))
    assert pickle.loads(pickle.dumps(optimizer)).state_dict().keys() == {"state", "param_groups"}
    assert copy.deepcopy(optimizer).param_groups[0]["lr"] == 0.01
    update.close()


def test_what_cannot_be_gets_a_sentence() -> None:
    model, surface, closure_of = task()
    optimizer = OPTIMIZERS["SGD"](model.parameters())
    update = ps.Update(optimizer)
    with pytest.raises(ValueError, match="has not stepped"):
        update(surface, surface.current())
    with pytest.raises(TypeError, match=r"expected a torch.optim.Optimizer"):
        ps.Update(model)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one of"):
        ps.Update(optimizer, "weights")  # type: ignore[arg-type]
    optimizer.step(closure_of(optimizer))
    other = task()[1]
    with pytest.raises(ValueError, match="no trainable parameter of this model"):
        update(other, other.current())
