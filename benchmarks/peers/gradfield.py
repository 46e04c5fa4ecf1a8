"""gradfield: a function of two coordinates, sampled on a grid; directions of its own."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from torch import Tensor

from benchmarks.contenders import Contender
from benchmarks.peers.adapter import batch, made, middle
from benchmarks.tasks import Task

NAME, PACKAGE = "gradfield", "gradfield"


def _landscape(task: Task, inputs: Tensor, targets: Tensor) -> Any:
    tool = importlib.import_module(PACKAGE)
    case = task.case
    return tool.model_loss_fn(model=case.model, loss_fn=case.loss, inputs=inputs, targets=targets)


def contender(task: Task) -> Contender:
    tool = importlib.import_module(PACKAGE)

    def run(samples: int) -> object:
        landscape = _landscape(task, *batch(task))
        if task.dimensions == 1:  # it has no lines: its function, along one coordinate
            return landscape(np.linspace(-1, 1, samples), np.zeros(samples))
        field = tool.sample_grid(
            landscape, x_range=(-1.0, 1.0), y_range=(-1.0, 1.0), resolution=samples
        )
        return field["Z"]

    def draw() -> object:
        return _landscape(task, task.case.inputs, task.case.targets)

    return made(NAME, task, run, draw=draw)


center = middle
