"""Checkpoints in every form that training loops write them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from torch.distributed import checkpoint
from torch.utils.data import DataLoader, TensorDataset

import pysclice as ps
from pysclice.core import checkpoints
from pysclice.core.checkpoints import (
    fitted,
    load_into,
    read_buffers,
    read_checkpoint,
    read_parameters,
    read_tensors,
    step_and_epoch,
)
from pysclice.offline.series_of_checkpoints import found_checkpoints


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


# Lightning's own, with torch 2.13; and its advice on loaders.
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore:.*many workers")
def test_what_lightning_writes(tmp_path: Path) -> None:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.save_hyperparameters({"rate": 0.1})
            self.model = torch.compile(
                network(3), backend="eager"
            )  # its names have a prefix of their own
            self.criterion = nn.CrossEntropyLoss(weight=torch.ones(3))

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return self.criterion(self.model._orig_mod(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters())

    examples = TensorDataset(torch.randn(24, 4), torch.arange(24) % 3)
    module = Module()
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(module, DataLoader(examples, batch_size=6))
    path = tmp_path / "last.ckpt"
    trainer.save_checkpoint(path)
    held = read_checkpoint(path)
    assert (held.step, held.epoch) == (8, 2) == step_and_epoch(path)
    model = network(0)
    load_into(model, fitted(held.tensors, model, "it"))
    for name, tensor in module.model._orig_mod.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)


def as_written_by_transformers(path: Path, **options: Any) -> nn.Module:
    config = transformers.GPT2Config(n_layer=2, n_head=2, n_embd=8, vocab_size=11, n_positions=8)
    torch.manual_seed(3)
    model = transformers.GPT2LMHeadModel(config)
    model.save_pretrained(path, **options)
    return model


@pytest.mark.parametrize("options", [{}, {"max_shard_size": "2KB"}])
def test_what_transformers_writes(options: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-12"
    written = as_written_by_transformers(folder, **options)
    assert bool(list(folder.glob("*.index.json"))) == bool(options)
    (folder / "trainer_state.json").write_text('{"global_step": 12, "epoch": 1.5}')
    held = read_checkpoint(folder)
    assert (held.step, held.epoch) == (12, 1.5) == step_and_epoch(folder)
    # The output layer is tied to the embedding, and stands in the files under one name only.
    assert "lm_head.weight" not in held.tensors
    torch.manual_seed(4)
    model = transformers.GPT2LMHeadModel(written.config)
    load_into(model, fitted(held.tensors, model, "it"))
    for name, tensor in written.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_the_older_folder_of_transformers(tmp_path: Path) -> None:
    torch.save(network(2).state_dict(), tmp_path / "pytorch_model.bin")
    assert torch.equal(read_tensors(tmp_path)["0.weight"], network(2)[0].weight)


def test_the_older_format_of_torch(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    held = {"step": 4, "model": network(2).state_dict()}
    torch.save(held, path, _use_new_zipfile_serialization=False)
    assert step_and_epoch(path) == (4, None)
    assert torch.equal(read_tensors(path)["0.weight"], network(2)[0].weight)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")  # saving alone is meant
def test_what_one_process_writes_distributed(tmp_path: Path) -> None:
    model = network(2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    checkpoint.save({**state, "step": 40, "epoch": torch.tensor(2)}, checkpoint_id=tmp_path / "all")
    checkpoint.save(model.state_dict(), checkpoint_id=tmp_path / "alone")
    held = read_checkpoint(tmp_path / "all")
    assert (held.step, held.epoch) == (40, 2) == step_and_epoch(tmp_path / "all")
    alone = read_checkpoint(tmp_path / "alone")
    assert (alone.step, alone.epoch) == (None, None)
    for tensors in (held.tensors, alone.tensors):
        assert tensors.keys() == model.state_dict().keys()
        assert all(torch.equal(tensors[n], t) for n, t in model.state_dict().items())


def test_what_two_processes_write_distributed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, torch\n"
        "from torch.distributed import checkpoint, init_process_group, destroy_process_group\n"
        "from torch.distributed.device_mesh import init_device_mesh\n"
        "from torch.distributed.tensor import Shard, distribute_tensor\n"
        "init_process_group('gloo')\n"
        "mesh = init_device_mesh('cpu', (2,))\n"
        "state = torch.load(sys.argv[1])\n"
        "spread = {n: distribute_tensor(t, mesh, [Shard(0)]) if t.ndim else t\n"
        "          for n, t in state.items()}\n"
        "checkpoint.save({'model': spread, 'global_step': 9}, checkpoint_id=sys.argv[2])\n"
        "destroy_process_group()\n"
    )
    state = network(5).state_dict()
    torch.save(state, tmp_path / "whole.pt")
    folder = tmp_path / "spread"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(program), str(tmp_path / "whole.pt"), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list(folder.glob("*.distcp"))) == 2
    held = read_checkpoint(folder)
    assert held.step == 9 and held.tensors.keys() == state.keys()
    assert all(torch.equal(held.tensors[n], t) for n, t in state.items())


class _Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")  # saving alone is meant
@pytest.mark.parametrize("kind", ["torch.save", "pytorch_model.bin", ".metadata", "value", "step"])
def test_pickled_code_is_refused_and_not_run(kind: str, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    path = tmp_path / "checkpoint"
    if kind == "torch.save":
        saved({"state_dict": network().state_dict(), "extra": _Harm(touched)}, path)
    elif kind == "pytorch_model.bin":
        path.mkdir()
        saved({**network().state_dict(), "extra": _Harm(touched)}, path / kind)
    elif kind == ".metadata":
        checkpoint.save(network().state_dict(), checkpoint_id=path)
        (path / kind).write_bytes(pickle.dumps(_Harm(touched)))
    elif kind == "value":
        # What is no tensor and no count is never even opened.
        checkpoint.save({"model": network().state_dict(), "x": _Harm(touched)}, checkpoint_id=path)
        assert read_checkpoint(path).tensors.keys() == network().state_dict().keys()
        assert not touched.exists()
        return
    else:
        checkpoint.save({"model": network().state_dict(), kind: _Harm(touched)}, checkpoint_id=path)
    with pytest.raises(ValueError, match=r"without running code|cannot be read"):
        read_checkpoint(path)
    assert not touched.exists()


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")  # saving alone is meant
@pytest.mark.parametrize("kind", ["pt", "safetensors", "index", "distributed", "distributed index"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_files_that_were_cut_short_are_refused(
    kind: str, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_PATIENCE", 0.0)  # nobody is writing here
    path = tmp_path / f"checkpoint.{kind}"
    cut = path
    if kind == "pt":
        saved(network().state_dict(), path)
    elif kind == "safetensors":
        save_file(network().state_dict(), path)
    elif kind == "index":
        cut = as_sharded_folder(network(), path) / "model.safetensors.index.json"
    else:
        checkpoint.save(network().state_dict(), checkpoint_id=path)
        cut = path / ".metadata" if kind == "distributed index" else next(path.glob("*.distcp"))
    assert read_checkpoint(path).tensors
    data = cut.read_bytes()
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=r"Save|complete"):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")  # saving alone is meant
def test_an_index_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "inner" / "checkpoint"
    checkpoint.save(network().state_dict(), checkpoint_id=folder)
    index = pickle.loads((folder / ".metadata").read_bytes())
    [shard] = folder.glob("*.distcp")
    shard.rename(tmp_path / "elsewhere.distcp")
    for info in index.storage_data.values():
        info.relative_path = "../../elsewhere.distcp"
    (folder / ".metadata").write_bytes(pickle.dumps(index))
    with pytest.raises(ValueError, match="leads out of its folder"):
        read_checkpoint(folder)
    shards = as_sharded_folder(network(), tmp_path / "sharded")
    (shards / "a.safetensors").rename(tmp_path / "a.safetensors")
    weights = shards / "model.safetensors.index.json"
    weights.write_text(weights.read_text().replace('"a.safetensors"', '"../a.safetensors"'))
    with pytest.raises(FileNotFoundError, match="which is not in"):
        read_checkpoint(shards)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"global_step": 7, "step": 3, "epoch": 1}, (7, 1)),
        ({"step": torch.tensor(3), "epoch": torch.tensor(0.5)}, (3, 0.5)),
        ({"step": "3", "epoch": None}, (None, None)),
        ({"step": -1, "epoch": True}, (None, None)),
        ({"step": 2.5}, (None, None)),
        ({"step": torch.ones(3)}, (None, None)),
    ],
)
def test_steps_and_epochs(
    held: dict[str, Any], expected: tuple[int | None, float | None], tmp_path: Path
) -> None:
    path = saved({"model": network().state_dict(), **held}, tmp_path / "x.pt")
    assert step_and_epoch(path) == expected
    found = read_checkpoint(path)
    assert (found.step, found.epoch) == expected
    assert found.tensors.keys() == network().state_dict().keys()


def test_safetensors_may_note_their_step(tmp_path: Path) -> None:
    save_file(network().state_dict(), tmp_path / "a.safetensors", metadata={"step": "31"})
    assert step_and_epoch(tmp_path / "a.safetensors") == (31, None)
    assert read_checkpoint(tmp_path / "a.safetensors").step == 31


def test_prefixes_come_off_only_where_that_makes_the_names_fit() -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = network(1)
            self.head = nn.Linear(3, 2)

    own = Wrapped()
    assert fitted(own.state_dict(), own, "it").keys() == own.state_dict().keys()
    inner = fitted(own.state_dict(), network(0), "it")  # what is not below `model.` is left out
    assert inner.keys() == network(0).state_dict().keys()
    assert torch.equal(inner["0.weight"], own.model[0].weight)
    parallel = {f"module.{name}": tensor for name, tensor in own.state_dict().items()}
    assert fitted(parallel, own, "it").keys() == own.state_dict().keys()
    with pytest.raises(ValueError, match=r"it does not fit the model: 'head\.weight'"):
        fitted({f"module.model.{n}": t for n, t in network(0).state_dict().items()}, own, "it")


def test_names_and_shapes_that_do_not_fit_are_listed() -> None:
    model = network(0)
    state = dict(model.state_dict())
    renamed = {f"encoder.{name}": tensor for name, tensor in state.items()}
    with pytest.raises(
        ValueError,
        match=r"'0\.weight', '0\.bias', '1\.weight' and 6 more missing; 'encoder\.0\.weight', ",
    ):
        fitted(renamed, model, "it")
    with pytest.raises(ValueError, match="no name in common"):
        fitted(renamed, model, "it", strict=False)
    state["3.bias"] = torch.zeros(4)
    with pytest.raises(ValueError, match=r"'3\.bias' has shape \(4,\), expected \(3,\)"):
        fitted(state, model, "it")
    del state["3.bias"]
    assert "3.bias" not in fitted(state, model, "it", strict=False)


def test_a_pattern_means_what_was_written_last(tmp_path: Path) -> None:
    for number, (name, seed) in enumerate([("a-10", 1), ("a-9", 2), ("b-1", 3)]):
        path = saved(network(seed).state_dict(), tmp_path / f"{name}.pt")
        os.utime(path, (1000 + number, 1000 + number))
    here = surface(network(0)).parameters()
    found = read_parameters(str(tmp_path / "a-*.pt"), here)
    assert torch.equal(found["0.weight"], network(2)[0].weight)
    os.utime(tmp_path / "a-10.pt", (1001, 1001))  # the same time: numbers count as such
    held = read_checkpoint(tmp_path / "a-*.pt")
    assert held.path.name == "a-10.pt"
    with pytest.raises(FileNotFoundError, match="no checkpoint matches"):
        read_checkpoint(tmp_path / "c-*.pt")
    saved(network(4).state_dict(), tmp_path / "[x].pt")  # a name that looks like a pattern
    assert torch.equal(read_tensors(tmp_path / "[x].pt")["0.weight"], network(4)[0].weight)


def test_a_file_that_is_being_written_is_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(network(1).state_dict(), tmp_path / "a.pt")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    waited = []

    def finish(seconds: float) -> None:
        waited.append(seconds)
        path.write_bytes(whole)

    monkeypatch.setattr(checkpoints.time, "sleep", finish)
    assert torch.equal(read_tensors(path)["0.weight"], network(1)[0].weight)
    assert len(waited) == 1
    path.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(checkpoints.time, "sleep", waited.append)
    with pytest.raises(ValueError, match="Either it is not complete"):
        read_tensors(path)
    assert len(waited) == 2
    os.utime(path, (1000, 1000))  # long ago: nobody is writing
    with pytest.raises(ValueError, match="Either it is not complete"):
        read_tensors(path)
    assert len(waited) == 2


def test_a_file_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(network(1).state_dict(), tmp_path / "a.pt")
    load, loads = torch.load, []

    def load_while_it_changes(*given: Any, **options: Any) -> Any:
        loads.append(given)
        found = load(*given, **options)
        if len(loads) == 1:
            saved(network(2).state_dict(), path)
        return found

    monkeypatch.setattr(checkpoints.torch, "load", load_while_it_changes)
    assert torch.equal(read_tensors(path)["0.weight"], network(2)[0].weight)
    assert len(loads) == 2


def test_which_checkpoints_a_command_means(tmp_path: Path) -> None:
    def names(*given: str) -> list[tuple[str, int]]:
        found, _ = found_checkpoints([str(tmp_path / one) for one in given])
        return [(one.path.name, one.step) for one in found]

    (tmp_path / "all").mkdir()
    saved({"model": network().state_dict(), "global_step": 20}, tmp_path / "all" / "epoch=1.ckpt")
    saved(network().state_dict(), tmp_path / "all" / "epoch=3-step=5.ckpt")
    saved({"model": network().state_dict(), "step": 9}, tmp_path / "all" / "last.pt")
    as_sharded_folder(network(), tmp_path / "all" / "checkpoint-100")
    (tmp_path / "all" / "notes.txt").write_text("no checkpoint")
    (tmp_path / "all" / "images").mkdir()
    ordered = [("epoch=3-step=5.ckpt", 5), ("last.pt", 9), ("epoch=1.ckpt", 20)]
    assert names("all") == [*ordered, ("checkpoint-100", 100)]
    assert names("all/*.ckpt") == [ordered[0], ordered[2]]
    assert names("all/checkpoint-100") == [("checkpoint-100", 100)]
    assert names("all/last.pt", "all") == names("all")  # each once
    for name in ("first", "second"):
        saved(network().state_dict(), tmp_path / f"{name}.pt")
    assert names("first.pt", "second.pt") == [("first.pt", 0), ("second.pt", 1)]
    assert found_checkpoints([tmp_path / "first.pt"], 8)[0][0].step == 8
    with pytest.raises(ValueError, match="--step goes with one checkpoint"):
        found_checkpoints([tmp_path / "all"], 8)
    with pytest.raises(FileNotFoundError, match="is no checkpoint and holds none"):
        found_checkpoints([tmp_path / "all" / "images"])


def test_two_checkpoints_of_one_step(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        saved({"model": network().state_dict(), "step": 9}, tmp_path / name / "step-9.pt")
    saved({"model": network().state_dict(), "step": 9}, tmp_path / "a" / "last.pt")
    found, left_out = found_checkpoints([tmp_path / "a"])
    assert [one.path.name for one in found] == ["step-9.pt"]
    assert left_out == ["last.pt has the same step as step-9.pt, and is left out."]
    with pytest.raises(ValueError, match="both have step 9"):
        found_checkpoints([tmp_path / "a", tmp_path / "b"])


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")  # saving alone is meant
def test_a_path_is_recorded_from_checkpoints_of_any_kind(tmp_path: Path) -> None:
    draws = ps.Random(0), ps.Random(1)
    expected = ps.Trajectory(tmp_path / "expected", directions=draws)
    found = ps.Trajectory(tmp_path / "found", directions=draws)
    models = [network(seed) for seed in range(4)]
    for trajectory in (expected, found):
        trajectory.record(0, models[0])
    wrapped = {f"module.{name}": t for name, t in models[1].state_dict().items()}
    saved({"model": wrapped}, tmp_path / "1.pt")
    save_file(models[2].state_dict(), tmp_path / "2.safetensors")
    checkpoint.save({"model": models[3].state_dict()}, checkpoint_id=tmp_path / "3")
    for step, path in enumerate(("1.pt", "2.safetensors", "3"), start=1):
        expected.record(step, models[step])
        found.record(step, tmp_path / path)
    planes = [
        surface(models[0]).slice(ps.Plane(*draws, samples=3, trajectory=trajectory)).trajectory
        for trajectory in (expected, found)
    ]
    assert planes[0] is not None and planes[1] is not None
    assert len(found.steps) == 4 and planes[0].coordinates.any()
    assert (planes[0].coordinates == planes[1].coordinates).all()
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        found.record(5, tmp_path / "nothing.pt")
