"""The documentation: its code runs, and every public name has its place in it."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import pysclice as ps
from pysclice import measures
from pysclice.offline.expression import PARTS, SLICERS, ExpressionError, slicer_from
from tests.test_docstrings import known

DOCS = Path(__file__).resolve().parent.parent / "docs"
LOOPS = (DOCS / "loops.md").read_text(encoding="utf-8")
METHODS = (DOCS / "methods.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)


def test_the_code_of_the_methods_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = known()
    torch.save(names["other"].state_dict(), "other.pt")
    found = blocks(METHODS)
    assert len(found) == 6
    for block in found:
        exec(compile(block, "docs/methods.md", "exec"), names)
    assert names["plane"].trajectory.explained > 0.9
    assert names["estimate"].method == "jackknife"
    assert names["band"].shape == names["quick"].shape


@pytest.mark.filterwarnings(
    # Other libraries' own: about our small settings, and about older names that they use.
    r"ignore:.*(does not have many workers|number of training batches|LeafSpec|litlogger)",
    r"ignore:.*pin_memory",
    r"ignore:__array__ implementation doesn't accept:DeprecationWarning",
    r"ignore:`torch.jit.script_method` is deprecated:DeprecationWarning",
    r"ignore:`is_gradient_checkpointing` is deprecated:FutureWarning",
)
def test_the_code_of_the_loops_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # Keras reads it when it is imported
    import keras
    import lightning.pytorch as pl
    import transformers
    from accelerate import Accelerator
    from peft import LoraConfig, get_peft_model
    from torch.utils.tensorboard import SummaryWriter

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Linear(8, 3)

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            outputs = self.net(batch[0])
            self.log("accuracy", (outputs.argmax(1) == batch[1]).float().mean())
            return torch.nn.functional.cross_entropy(outputs, batch[1])

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("validation", self.net(batch[0]).mean())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    monkeypatch.chdir(tmp_path)
    names = known()
    names |= {
        "writer": SummaryWriter("runs/first"),
        "optimizer": torch.optim.SGD(names["model"].parameters(), 0.1),
        "loader": DataLoader(TensorDataset(names["inputs"], names["targets"]), 32),
        "Trainer": pl.Trainer,
        "settings": {
            "max_epochs": 1,
            "accelerator": "cpu",
            "logger": pl.loggers.TensorBoardLogger("runs", name="lightning", version=""),
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        },
        "module": Module(),
        "hf": transformers,
        "language_model": transformers.GPT2LMHeadModel(
            transformers.GPT2Config(
                vocab_size=16, n_positions=8, n_embd=16, n_layer=1, n_head=2, bos_token_id=0,
                eos_token_id=0, loss_type="ForCausalLM",
            )
        ),
        "arguments": transformers.TrainingArguments(
            "hugging face", max_steps=1, report_to=["tensorboard"], use_cpu=True,
            save_strategy="no", disable_tqdm=True,
        ),
        "accelerator": Accelerator(cpu=True, log_with="tensorboard", project_dir="runs"),
        "get_peft_model": get_peft_model,
        "lora_config": LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True),
    }  # fmt: skip
    names["keras_model"] = keras.Sequential([keras.layers.Dense(3)])
    names["keras_model"].compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    names["train_loader"] = names["validation_loader"] = names["loader"]
    tokens = torch.randint(0, 16, (8, 8), generator=torch.Generator().manual_seed(0))
    names["rows"] = names["other_rows"] = [{"input_ids": row, "labels": row} for row in tokens]
    names["batch"] = {"input_ids": tokens, "labels": tokens}
    found = blocks(LOOPS)
    assert len(found) == 9
    for block in found:
        exec(compile(block, "docs/loops.md", "exec"), names)
    names["writer"].close()
    names["accelerator"].end_training()
    logged = ps.read_slices("runs")
    assert {"first", "keras", "lightning", "mine"} <= set(logged)
    assert list(logged["first"]["random line"]) == [0, 3]
    assert list(logged["lightning"]["random line"]) == [0, 3]
    (series,) = ps.read_slices("hugging face").values()
    assert list(series["random line"]) == [0, 1]
    assert series["random line"][1].channels == ("train/loss", "validation/loss")
    assert names["line"].examples == 8


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in ps.__all__ if name != "__version__"),
        *(f"measures.{name}" for name in measures.__all__),
    ],
)
def test_every_public_name_stands_in_a_table_of_methods(name: str) -> None:
    rows = [line for line in METHODS.splitlines() if line.startswith("|")]
    mention = re.compile(rf"`{re.escape(name)}[(`]")
    assert any(mention.search(row) for row in rows), f"{name} is missing in docs/methods.md"


OFFLINE = (DOCS / "offline.md").read_text(encoding="utf-8")


def offline_commands() -> list[list[str]]:
    """The command lines of the page on checkpoints, in their order."""
    shell = re.findall(r"^```sh\n(.*?)^```$", OFFLINE, flags=re.M | re.S)
    return [shlex.split(line) for block in shell for line in block.splitlines()]


def started(command: list[str]) -> subprocess.Popen[str]:
    modules = {"pysclice": ["-m", "pysclice"], "torchrun": ["-m", "torch.distributed.run"]}
    root = DOCS.parent
    path = os.pathsep.join([str(root), str(root / "tensorboard_plugin")])
    return subprocess.Popen(
        [sys.executable, *modules[command[0]], *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )


def test_the_commands_of_the_page_on_checkpoints_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project, reference = blocks(OFFLINE)
    Path("my_project.py").write_text(project, encoding="utf-8")
    names: dict[str, Any] = {"__name__": "my_project"}
    exec(compile(project, "docs/offline.md", "exec"), names)
    Path("checkpoints").mkdir()
    for step in (10, 20, 30):
        torch.manual_seed(step)
        torch.save({"model": names["network"]().state_dict()}, f"checkpoints/step-{step}.pt")
    alone, listing, shared, machines = offline_commands()

    commands = [alone, listing, shared]
    outputs = []
    for command in commands:
        process = started(command)
        outputs.append(process.communicate(timeout=120)[0])
        assert process.returncode == 0, outputs[-1][-2000:]
    assert "Wrote 6 of 6 slices" in outputs[0] and "Wrote 3 of 3 slices" in outputs[2]
    assert "AxisParallel(count=16, samples=13)" in outputs[1]

    # Both machines are this one.
    with socket.socket() as free:
        free.bind(("localhost", 0))
        endpoint = f"localhost:{free.getsockname()[1]}"
    place = machines.index("first-machine:29400")
    machines[place] = endpoint
    both = [started(machines) for _ in range(2)]
    told = [process.communicate(timeout=180)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told[0][-2000:] + told[1][-2000:]
    assert sum("Wrote 3 of 3 slices" in one for one in told) == 1

    logged = ps.read_slices("runs")
    planes = [logged[run]["plane"] for run in ("offline", "shared", "machines")]
    for steps in planes:
        assert list(steps) == [10, 20, 30]
        for step, found in steps.items():
            np.testing.assert_allclose(found.losses, planes[0][step].losses, rtol=1e-6)

    exec(compile(reference, "docs/offline.md", "exec"), names)
    note = ps.read_slices("runs")["b"]["towards run a"][0].notes["towards other"]
    assert Path(note["file"]).name == "step-30.pt"


def test_the_slip_of_the_pen_on_that_page_is_shown_like_that() -> None:
    [shown] = re.findall(r"^```text\npysclice: --slicer: (.*?)\n```$", OFFLINE, flags=re.M | re.S)
    with pytest.raises(ExpressionError) as caught:
        slicer_from("Line(Radnom(0), samples=13)")
    assert str(caught.value) == shown


def test_all_names_that_a_text_may_call_stand_on_that_page() -> None:
    for name in (*SLICERS, *PARTS, "here"):
        assert f"`{name}`" in OFFLINE, name


def test_the_code_of_the_page_on_scale_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    monkeypatch.chdir(tmp_path)
    # The page's budget is small, and the machine may be slow today.
    monkeypatch.setattr("pysclice.logger.time_budget._OPENING_SECONDS", 1e6)
    names = {**known(), "DistributedDataParallel": DistributedDataParallel}
    names |= {"plane": ps.Plane(ps.Random(0), ps.Random(1), samples=3), "train": print}
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        (block,) = blocks((DOCS / "scale.md").read_text(encoding="utf-8"))
        exec(compile(block, "docs/scale.md", "exec"), names)
    finally:
        dist.destroy_process_group()
    assert 0 in ps.read_slices("runs/parallel")["."]["plane"]
