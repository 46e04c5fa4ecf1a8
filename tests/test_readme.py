"""The README's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

import pysclice as ps

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_examples_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    inputs, targets = torch.randn(24, 4), torch.randint(0, 3, (24,))
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train_step(model: nn.Module, batch: list[Tensor]) -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(batch[0]), batch[1]).backward()
        optimizer.step()

    names: dict[str, Any] = {
        "nn": nn,
        "model": model,
        "inputs": inputs,
        "targets": targets,
        "loader": loader,
        "validation_loader": loader,
        "train_step": train_step,
        "writer": SummaryWriter("runs/first"),
    }
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    names["writer"].close()
    names["logger"].close()
    logged = ps.read_slices("runs")
    assert set(logged) == {"first", "mine"}
    assert names["line"].channels[-1] == "validation/accuracy"


def test_every_public_name_of_the_tables_exists() -> None:
    cells = re.findall(r"^\| (`.*?`) \|", README, re.MULTILINE)
    names = {name for cell in cells for name in re.findall(r"(?<![\w.])([A-Z]\w+)\(", cell)}
    slicers = {"Line", "Plane", "AxisParallel", "Crowd", "Interpolation", "Spectrum"}
    directions = {"Random", "Towards", "Gradient", "HessianEigenvector", "Coordinate", "Update"}
    assert names == slicers | directions | {"PrincipalComponent", "Group"}
    assert all(hasattr(ps, name) for name in names)
