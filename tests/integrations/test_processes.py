"""Several processes train: the first one slices, and a model that is shared out is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

import pysclice as ps
from pysclice.integrations.slicing import check_whole
from tests.models import SmallConvNet

ROOT = Path(__file__).resolve().parent.parent.parent

# Two processes of Lightning's, with and without slices; prints whether they end at the same bits.
SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger
import pysclice as ps
from pysclice.integrations.lightning import SliceCallback
from tests.models import SmallConvNet, images


class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = SmallConvNet()

    def training_step(self, batch, batch_idx):
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("loss", loss, sync_dist=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.01)


def fit(name, *callbacks):
    pl.seed_everything(0)
    module = Module()
    trainer = pl.Trainer(
        accelerator="cpu", devices=2, strategy="ddp_fork", max_epochs=2, callbacks=list(callbacks),
        logger=TensorBoardLogger(sys.argv[1], name=name, version=""), enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False,
    )
    trainer.fit(module, DataLoader(TensorDataset(*images(24)), 4, shuffle=True))
    return list(module.state_dict().values())


alone = fit("alone")
line = ps.Line(ps.Random(0), samples=3)
sliced = fit("sliced", SliceCallback({"line": line}, every=2))
print("same:", all(map(torch.equal, alone, sliced)))
"""


def test_two_processes_train_as_before_and_the_first_one_slices(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "same: True" in done.stdout
    assert list(ps.read_slices(tmp_path)) == ["sliced"]
    slices = ps.read_slices(tmp_path)["sliced"]["line"]
    assert list(slices) == [0, 2, 4, 6]
    assert {slice_.examples for slice_ in slices.values()} == {24}  # not the share of a process
    assert len(list((tmp_path / "sliced").glob("events*"))) == 1


@pytest.fixture
def process_group() -> Iterator[None]:
    """A group of this process alone."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("process_group")
@pytest.mark.filterwarnings("ignore:.*(deprecated|barrier):")
def test_a_model_that_is_shared_out_is_refused() -> None:
    model = SmallConvNet()
    check_whole(model)
    fully_shard(model, mesh=init_device_mesh("cpu", (1,)))
    with pytest.raises(ValueError, match=r"a share of the parameter 'conv\.weight' only"):
        check_whole(model)
