"""loss-landscapes: a metric of one batch, random directions of its own, on a copy of the model."""

from __future__ import annotations

import importlib

from benchmarks.contenders import Contender
from benchmarks.peers.adapter import batch, copied, made
from benchmarks.tasks import Task
from pysclice.slices import Float64

NAME, PACKAGE = "loss-landscapes", "loss_landscapes"

# As in its notebook on lines and planes.
_DISTANCE = 10


def contender(task: Task) -> Contender:
    tool = importlib.import_module(PACKAGE)
    metrics = importlib.import_module(f"{PACKAGE}.metrics")
    model = copied(task)
    take = tool.random_line if task.dimensions == 1 else tool.random_plane

    def run(samples: int) -> object:
        metric = metrics.Loss(task.case.loss, *batch(task))
        return take(model, metric, _DISTANCE, samples, "filter", deepcopy_model=True)

    def draw() -> object:
        return take(model, _free, _DISTANCE, 1, "filter", deepcopy_model=True)

    return made(NAME, task, run, draw=draw)


def _free(_: object) -> float:
    return 0.0


def center(task: Task, losses: Float64) -> float:
    # Neither its line nor, in general, its plane comes by the center.
    tool = importlib.import_module(PACKAGE)
    metrics = importlib.import_module(f"{PACKAGE}.metrics")
    case = task.case
    return float(tool.point(copied(task), metrics.Loss(case.loss, case.inputs, case.targets)))
