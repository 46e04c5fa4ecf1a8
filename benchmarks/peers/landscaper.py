"""landscaper: a function of model and data, called at each point; directions are an argument."""

from __future__ import annotations

from typing import Any

from torch import nn

from benchmarks.contenders import Contender
from benchmarks.peers.adapter import batch, copied, directions, made, middle, part
from benchmarks.tasks import Task

NAME, PACKAGE = "landscaper", "landscaper"


def contender(task: Task) -> Contender:
    # The package itself imports topological tools that pin an old numpy.
    compute = part(PACKAGE, "compute").compute_loss_landscape
    case = task.case
    model = copied(task)
    along = [list(direction.values()) for direction in directions(task)]

    def average_loss(model: nn.Module, data: Any) -> Any:
        total: Any = 0.0
        count = 0
        for inputs, targets in data:
            total += case.loss(model(inputs), targets)
            count += 1
        return total / count

    def run(samples: int) -> object:
        losses, _ = compute(
            model,
            [batch(task)],
            along,
            average_loss,
            steps=samples,
            distance=1.0,
            dim=task.dimensions,
            device=case.inputs.device.type,
        )
        return losses

    return made(NAME, task, run)


center = middle
