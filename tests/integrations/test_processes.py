"""Several processes train: they share the points of a slice, and training is as before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

import pysclice as ps
from pysclice.integrations.slicing import check_present
from tests.models import SmallConvNet, images
from tests.ranks.launch import torchrun

UNDISTURBED: list[dict[str, Any]] = [{"same": True, "warned": []}] * 2


class Trained:
    """What two processes found, of each training in turn, and what they logged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ranks: list[dict[str, Any]] = [{}, {}]
        for program in ("lightning", "transformers", "accelerate"):
            found = torchrun(program, 2, folder, module="tests.integrations.programs")
            for rank, own in zip(ranks, found, strict=True):
                rank.update(own)
        self.ranks = ranks

    def of(self, training: str) -> list[dict[str, Any]]:
        return [rank[training] for rank in self.ranks]

    def series(self, training: str) -> dict[str, dict[int, ps.Slice]]:
        return ps.read_slices(self.folder / training)["run"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("processes"))


@pytest.mark.parametrize("loop", ["lightning", "transformers", "accelerate"])
def test_processes_share_the_points_and_train_as_before(loop: str, trained: Trained) -> None:
    assert trained.of(loop) == UNDISTURBED
    series = trained.series(loop)
    assert set(series) == {"line", "plane"}
    for name, points in (("line", [3, 3]), ("plane", [13, 13])):
        assert list(series[name]) == [0, 2, 4, 6]
        for slice_ in series[name].values():
            assert slice_.examples == 24  # not the share of a process
            assert slice_.notes["evaluation"]["ranks"] == points  # the center is both's
    files = (trained.folder / loop / "run").rglob("*tfevents*")
    assert sum(b"line" in file.read_bytes() for file in files) == 1  # the first process writes
    torch.manual_seed(0)  # as the loops do
    net = SmallConvNet()
    # Directions are drawn by the parameters' names.
    model = net if loop == "accelerate" else nn.Sequential(OrderedDict(net=net))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), images(24))
    expected = surface.slice(ps.Line(ps.Random(0), samples=5))
    np.testing.assert_allclose(series["line"][0].losses, expected.losses, rtol=1e-5)


def test_a_model_that_lightning_divides_is_sliced_by_all(trained: Trained) -> None:
    assert trained.of("divided") == UNDISTURBED
    series, replicas = trained.series("divided"), trained.series("lightning")
    assert list(series["plane"]) == [0, 2, 4, 6]
    for step, slice_ in series["line"].items():
        assert slice_.examples == 24
        assert slice_.notes["evaluation"]["ranks"] == [5, 5]  # none can run the model alone
        np.testing.assert_allclose(slice_.losses, replicas["line"][step].losses, rtol=1e-4)


def test_the_first_process_slices_alone_if_that_is_wanted(trained: Trained) -> None:
    assert trained.of("alone") == UNDISTURBED
    for slice_ in trained.series("alone")["line"].values():
        assert "ranks" not in slice_.notes["evaluation"]


def test_what_fails_in_one_process_is_told_in_all_and_training_goes_on(trained: Trained) -> None:
    first, second = trained.of("without data")
    assert first["same"] and second["same"]
    (told,) = first["warned"]
    assert "not to be copied" in told and "Training goes on" in told
    (told,) = second["warned"]
    assert "Rank 0 failed at the first look: ValueError: No examples" in told


def test_a_step_that_gathers_from_other_processes_is_not_taken(trained: Trained) -> None:
    for found in trained.of("gathering"):
        assert found["same"]
        (told,) = found["warned"]
        assert "gathers from other processes" in told and "batch_loss" in told


@pytest.fixture
def process_group() -> Iterator[None]:
    """A group of this process alone."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("process_group")
@pytest.mark.filterwarnings("ignore:.*(deprecated|barrier):")
def test_a_share_of_a_model_is_not_sliced_alone() -> None:
    model = SmallConvNet()
    check_present(model, alone=True)
    fully_shard(model, mesh=init_device_mesh("cpu", (1,)))
    check_present(model, alone=False)
    with pytest.raises(ValueError, match=r"a share of the parameter 'conv\.weight' only"):
        check_present(model, alone=True)
