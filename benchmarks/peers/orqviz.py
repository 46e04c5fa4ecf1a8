"""orqviz: made for quantum circuits; scans any function of a vector, which the user writes."""

from __future__ import annotations

import importlib

import torch
from torch import Tensor
from torch.nn.utils import vector_to_parameters

from benchmarks.contenders import Contender
from benchmarks.peers.adapter import batch, copied, directions, flat, made, middle
from benchmarks.tasks import Task
from pysclice.slices import Float64

NAME, PACKAGE = "orqviz", "orqviz"


def contender(task: Task) -> Contender:
    scans = importlib.import_module(PACKAGE).scans
    case = task.case
    model = copied(task)
    origin = flat(dict(model.named_parameters()))
    along = [flat(direction) for direction in directions(task)]

    def loss_of(vector: Float64, inputs: Tensor, targets: Tensor) -> float:
        with torch.no_grad():
            vector_to_parameters(
                torch.tensor(vector, dtype=torch.float32, device=case.inputs.device),
                model.parameters(),
            )
            return case.loss(model(inputs), targets).item()

    def run(samples: int) -> object:
        inputs, targets = batch(task)

        def loss(vector: Float64) -> float:
            return loss_of(vector, inputs, targets)

        if task.dimensions == 1:
            return scans.perform_1D_scan(origin, loss, along[0], samples, (-1.0, 1.0)).values
        return scans.perform_2D_scan(
            origin, loss, along[0], along[1], n_steps_x=samples, end_points_x=(-1.0, 1.0)
        ).values

    return made(NAME, task, run)


center = middle
