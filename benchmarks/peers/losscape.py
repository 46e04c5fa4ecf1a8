"""losscape: iterates a DataLoader at each point; always draws a figure, which is left out here."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

from benchmarks.contenders import Contender, Unable
from benchmarks.peers.adapter import copied, directions, made, middle
from benchmarks.tasks import Task

NAME, PACKAGE = "losscape", "losscape"


def _nothing(*_: Any, **__: Any) -> None:
    return None


def contender(task: Task) -> Contender:
    tool: Any = importlib.import_module(f"{PACKAGE}.create_landscape")
    tool.plt = SimpleNamespace(
        plot=_nothing, contour=_nothing, clabel=_nothing, savefig=_nothing, clf=_nothing
    )
    case = task.case
    if case.inputs.device.type != tool.device:
        raise Unable(f"it computes on {tool.device} wherever the model is")
    model = copied(task)
    loader = case.loader()
    along = [list(direction.values()) for direction in directions(task)]

    def run(samples: int) -> object:
        if task.dimensions == 1:
            return tool.create_2D_losscape(
                model,
                loader,
                direction=along,
                criterion=case.loss,
                num_points=samples,
                save_only=True,
            )[1]
        return tool.create_3D_losscape(
            model,
            loader,
            directions=along,
            criterion=case.loss,
            num_points=samples,
            save_only=True,
            output_h5=False,
        )[2]

    return made(NAME, task, run, reads="always")


center = middle
