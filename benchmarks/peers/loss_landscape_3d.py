"""loss-landscape-3d: iterates a DataLoader at each point; directions are an argument."""

from __future__ import annotations

import importlib

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.peers.adapter import copied, directions, made, middle
from benchmarks.tasks import Task

NAME, PACKAGE = "loss-landscape-3d", "loss_landscape_3d"


def contender(task: Task) -> Contender:
    tool = importlib.import_module(PACKAGE)
    case = task.case
    model = copied(task)
    calculator = tool.LossLandscapeCalculator(model, case.loader(), case.loss)
    # A copy: with the live state, as in its README, every point starts from the one before.
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    # Its own directions move BatchNorm's variances below zero.
    along = directions(task)
    end = {name: t + along[0][name] if name in along[0] else t for name, t in start.items()}

    def run(samples: int) -> object:
        coordinates = np.linspace(-1, 1, samples)
        if task.dimensions == 1:
            return calculator.calculate_1d_path(coordinates, start, end)
        return calculator.calculate(coordinates, coordinates, along[0], along[1], start)

    return made(NAME, task, run, reads="always")


center = middle
