"""Checkpoints in every form that training loops write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import pysclice as ps
from pysclice.core.checkpoints import read_buffers, read_parameters, read_tensors


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    first, norm, last = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)
    for buffer, draw in (("running_mean", torch.randn(6)), ("running_var", torch.rand(6) + 0.5)):
        norm.get_buffer(buffer).copy_(draw)
    return nn.Sequential(first, norm, nn.ReLU(), last)


def surface(model: nn.Module) -> ps.LossSurface:
    torch.manual_seed(9)
    return ps.LossSurface(model, nn.CrossEntropyLoss(), (torch.randn(30, 4), torch.arange(30) % 3))


def as_sharded_folder(model: nn.Module, path: Path) -> Path:
    path.mkdir()
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    names = sorted(state)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for shard, members in shards.items():
        save_file({name: state[name] for name in members}, path / shard)
    weight_map = {name: shard for shard, members in shards.items() for name in members}
    index = path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    return path


def saved(held: Any, path: Path) -> Path:
    torch.save(held, path)
    return path


def as_safetensors(model: nn.Module, path: Path) -> Path:
    save_file(model.state_dict(), path.with_suffix(".safetensors"))
    return path.with_suffix(".safetensors")


FORMS: dict[str, Callable[[nn.Module, Path], Any]] = {
    "module": lambda model, _: model,
    "state_dict": lambda model, _: model.state_dict(),
    "file": lambda model, path: saved(model.state_dict(), path),
    "path as text": lambda model, path: str(saved(model.state_dict(), path)),
    "training loop": lambda model, path: saved(
        {"epoch": 3, "optimizer": {"lr": 0.1}, "model_state_dict": model.state_dict()}, path
    ),
    "Lightning": lambda model, path: saved(
        {
            "epoch": 3,
            "state_dict": {f"model.{name}": t for name, t in model.state_dict().items()},
        },
        path,
    ),
    "data parallel and compiled": lambda model, path: saved(
        {f"module._orig_mod.{name}": t for name, t in model.state_dict().items()}, path
    ),
    "safetensors": as_safetensors,
    "sharded folder": as_sharded_folder,
}


@pytest.mark.parametrize("form", FORMS)
def test_coordinate_1_is_the_network_of_the_checkpoint(form: str, tmp_path: Path) -> None:
    here, there = surface(network(0)), network(1)
    source = FORMS[form](there, tmp_path / "last.ckpt")
    line = here.slice(ps.Line(ps.Towards(source), span=(0, 1), samples=3))
    expected = surface(there)
    end = expected(expected.parameters())["train/loss"]
    assert float(line.losses[0, 0, -1]) == pytest.approx(end, rel=1e-5)


def test_parameters_alone_move_no_buffers() -> None:
    here, there = network(0), network(1)
    parameters = surface(there).parameters()
    assert read_buffers(parameters, here, surface(here).parameters()) == {}
    buffers = read_buffers(there, here, surface(here).parameters())
    assert set(buffers) == {"1.running_mean", "1.running_var"}  # whole numbers stay


def test_beyond_the_ends_variances_stay_what_they_can_be() -> None:
    line = surface(network(0)).slice(ps.Line(ps.Towards(network(1)), span=(-30.0, 30.0), samples=7))
    assert torch.isfinite(torch.from_numpy(line.losses.copy())).all()


def test_files_that_would_run_code_are_refused(tmp_path: Path) -> None:
    path = saved(network(), tmp_path / "whole-module.pt")  # a pickled class
    with pytest.raises(ValueError, match=r"without running code.*Save the state_dict alone"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([1, 2], "holds a list"),
        ({"epoch": 3}, r"a dictionary with the keys \['epoch'\]"),
        ({"state_dict": {"epoch": 3}}, r"\['state_dict'\] holds a dictionary"),
    ],
)
def test_files_without_tensors_say_what_they_hold(held: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_tensors(saved(held, tmp_path / "x.pt"))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        read_tensors(tmp_path / "nothing.pt")
    with pytest.raises(FileNotFoundError, match="holds none of"):
        read_tensors(tmp_path)
    parameters = surface(network()).parameters()
    with pytest.raises(ValueError, match=r"no parameter '3\.weight'"):
        read_parameters(
            {"0.weight": torch.zeros(6, 4)}
            | {name: torch.zeros_like(t) for name, t in parameters.items() if name != "3.weight"},
            parameters,
        )
    with pytest.raises(ValueError, match="in shape"):
        read_parameters({n: torch.zeros(1) for n in parameters}, parameters)
