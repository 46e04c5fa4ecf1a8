"""loss-landscape-anim: planes around the end of a path of training, on an even grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.contenders import Contender, Unable
from benchmarks.peers.adapter import batch, copied, directions, flat, made, part, quiet
from benchmarks.tasks import Task
from pysclice.slices import Float64

NAME, PACKAGE = "loss-landscape-anim", "loss_landscape_anim"


def _grid(task: Task, samples: int) -> Float64:
    if task.dimensions == 1:
        raise Unable("it has no lines")
    if next(task.case.model.buffers(), None) is not None:
        raise Unable("it loads parameters strictly, so no model with BatchNorm")
    grid = part(PACKAGE, "loss_landscape").LossGrid
    generic = part(PACKAGE, "model").GenericModel
    case = task.case

    class Wrapped(generic):  # type: ignore[misc, valid-type] # a class of unknown type
        def __init__(self, network: nn.Module) -> None:
            super().__init__(optimizer="adam", learning_rate=1e-3, custom_optimizer=None, gpus=0)
            self.network = network

        def forward(self, inputs: Tensor) -> Any:
            return self.network(inputs)

        def loss_fn(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return case.loss(outputs, targets)

    model = Wrapped(copied(task)).eval()
    end = torch.tensor(flat(dict(model.named_parameters())), dtype=torch.float32)
    along = [flat(direction) for direction in directions(task)]
    # Its function for all of this trains with Lightning, and reads the model back in a way that
    # torch refuses since 2.6; this is the class which evaluates the points.
    found = grid(
        [end],
        model,
        batch(task),
        np.array([[-1.0, -1.0], [0.0, 0.0]]),
        [vector / (vector @ vector) ** 0.5 for vector in along],
        res=samples // 2,
        tqdm_disable=True,
        save_grid=False,
    )
    losses: Float64 = found.loss_values_2d
    return losses


def contender(task: Task) -> Contender:
    with quiet():
        _grid(task, 2)
    return made(
        NAME, task, lambda samples: _grid(task, samples), lambda samples: (samples // 2 * 2) ** 2
    )


def center(task: Task, losses: Float64) -> float:
    return float(losses[3])  # of a grid of two by two
