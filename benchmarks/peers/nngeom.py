"""nngeom: a wrapped model with a closure for the loss of a batch; directions of its own."""

from __future__ import annotations

import importlib

from benchmarks.contenders import Contender
from benchmarks.peers.adapter import batch, copied, made, middle
from benchmarks.tasks import Task

NAME, PACKAGE = "nngeom", "nngeom"


def contender(task: Task) -> Contender:
    tool = importlib.import_module(PACKAGE)
    case = task.case
    model = tool.Model(copied(task), loss_fn=lambda m, b: case.loss(m(b[0]), b[1]))
    take = tool.random_slice_1d if task.dimensions == 1 else tool.plane_slice_2d

    def run(samples: int) -> object:
        return take(model, batch(task), span=1.0, steps=samples, seed=0).losses

    def draw() -> object:
        # The same without points: its plane makes two directions orthogonal, then normalizes.
        made_of = [tool.probes.random_direction(model, seed) for seed in range(task.dimensions)]
        return [tool.probes.filter_normalize(one, model) for one in made_of]

    return made(NAME, task, run, draw=draw)


center = middle
