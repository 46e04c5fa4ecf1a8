"""pylandscape: the first batch of a DataLoader; a copy of the model at each point."""

from __future__ import annotations

from torch.utils.data import DataLoader

from benchmarks.contenders import Contender
from benchmarks.peers.adapter import copied, made, middle, part
from benchmarks.tasks import Task

NAME, PACKAGE = "pylandscape", "pylandscape"


def contender(task: Task) -> Contender:
    case = task.case
    # The package itself imports a library for quantized networks.
    surface = part(PACKAGE, "surface").Surface(
        copied(task),
        case.loss,
        DataLoader(case.data_set, batch_size=len(case.inputs)),
        device=case.inputs.device,
    )
    take = surface.random_line if task.dimensions == 1 else surface.random_surface
    return made(NAME, task, lambda samples: take((-1.0, 1.0), samples)[-1])


center = middle
