"""The logger: what it writes can be read, and nothing it does reaches the training loop."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tensorboardX
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

import pysclice as ps
from pysclice.events import to_summary
from pysclice.logger.series import default_slicers
from tests.models import SmallConvNet, images

LINE = ps.Line(ps.Random(0), samples=5)


def surface_of(model: nn.Module | None = None, **arguments: Any) -> ps.LossSurface:
    return ps.LossSurface(model or SmallConvNet(), nn.CrossEntropyLoss(), images(16), **arguments)


@pytest.mark.parametrize("writer_class", [SummaryWriter, tensorboardX.SummaryWriter])
def test_slices_go_through_the_users_writer(tmp_path: Path, writer_class: Any) -> None:
    writer = writer_class(str(tmp_path / "run"))
    surface = surface_of()
    with ps.SliceLogger(writer, surface, {"random line": LINE}, every=10) as logger:
        writer.add_scalar("loss", 1.0, 0)
        taken = logger.log_if_due(0)
        assert list(ps.read_slices(tmp_path)["run"]["random line"]) == [0]  # flushed at once
        writer.add_scalar("loss", 0.5, 1)
    writer.add_scalar("loss", 0.25, 2)  # the logger closed nothing of the user's
    writer.close()
    assert len(list((tmp_path / "run").glob("*tfevents*"))) == 1
    found = ps.read_slices(tmp_path)["run"]["random line"][0]
    assert found == taken["random line"]
    np.testing.assert_array_equal(found.losses, surface.slice(LINE).losses)
    assert (found.series, found.step, found.examples) == ("random line", 0, 16)


def test_log_if_due_logs_first_and_then_every_n_steps(tmp_path: Path) -> None:
    with ps.SliceLogger(tmp_path, surface_of(), {"line": LINE}, every=10) as logger:
        logged = [step for step in [3, 4, 9, 10, 11, 25, 30, 39] if logger.log_if_due(step)]
    assert logged == [3, 10, 25, 30]
    assert list(ps.read_slices(tmp_path)["."]["line"]) == [*logged, 39]  # where training ended


def test_epochs_are_in_the_record(tmp_path: Path) -> None:
    with ps.SliceLogger(tmp_path, surface_of(), {"line": LINE}) as logger:
        logger.log(120, epoch=3)
    assert ps.read_slices(tmp_path)["."]["line"][120].epoch == 3.0


def test_a_failing_slicer_warns_once_and_the_others_go_on(tmp_path: Path) -> None:
    def broken(surface: ps.LossSurface, parameters: Any) -> ps.Slice:
        raise ArithmeticError("no such slice.")

    slicers = {"broken": broken, "line": LINE}
    with ps.SliceLogger(tmp_path, surface_of(), slicers) as logger:
        with pytest.warns(RuntimeWarning, match=r"'broken' at step 1: ArithmeticError: no such"):
            assert set(logger.log(1)) == {"line"}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert set(logger.log(2)) == {"line"}
    assert list(ps.read_slices(tmp_path)["."]["line"]) == [1, 2]


def test_nothing_is_raised_even_where_warnings_are_errors(tmp_path: Path) -> None:
    def broken(surface: ps.LossSurface, parameters: Any) -> ps.Slice:
        raise ArithmeticError("no such slice.")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logger = ps.SliceLogger(tmp_path, surface_of(), {"broken": broken})
        assert logger.log(1) == {}


@pytest.mark.parametrize("step", [-1, 10**10])
def test_steps_that_cannot_be_logged_are_warned_about(tmp_path: Path, step: int) -> None:
    logger = ps.SliceLogger(tmp_path, surface_of(), {"line": LINE})
    with pytest.warns(RuntimeWarning, match="step"):
        assert logger.log(step) == {}


def test_a_writer_closed_too_early_is_warned_about(tmp_path: Path) -> None:
    writer = SummaryWriter(str(tmp_path))
    logger = ps.SliceLogger(writer, surface_of(), {"line": LINE})
    writer.close()
    with pytest.warns(RuntimeWarning, match="closed"):
        logger.log(0)
    assert len(list(tmp_path.iterdir())) == 1


def test_ctrl_c_is_not_swallowed(tmp_path: Path) -> None:
    def interrupted(surface: ps.LossSurface, parameters: Any) -> ps.Slice:
        raise KeyboardInterrupt

    logger = ps.SliceLogger(tmp_path, surface_of(), {"interrupted": interrupted})
    with pytest.raises(KeyboardInterrupt):
        logger.log(0)


def test_the_default_slicers_tell_three_stories(tmp_path: Path) -> None:
    surface = surface_of()
    with ps.SliceLogger(tmp_path, surface) as logger:
        logger.log(0)
        logger.log(1)
    logged = ps.read_slices(tmp_path)["."]
    assert {series: slices[0].method for series, slices in logged.items()} == {
        "random line": "random direction",
        "random plane": "random direction",
        "steepest coordinates": "axis-parallel",
    }
    assert set(default_slicers(seconds=1.0)) == set(logged)


def test_series_keep_their_axes_over_the_steps(tmp_path: Path) -> None:
    model = SmallConvNet()
    slicers = {
        "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=3),
        "axes": ps.AxisParallel(4, samples=3),
    }
    with ps.SliceLogger(tmp_path, surface_of(model), slicers) as logger:
        logger.log(0)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(-0.5).add_(0.1)
        logger.log(1)
    for slices in ps.read_slices(tmp_path)["."].values():
        assert slices[0].fingerprint == slices[1].fingerprint
        assert not np.array_equal(slices[0].losses, slices[1].losses)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"surface": nn.Linear(1, 1)}, TypeError, "LossSurface"),
        ({"target": 3}, TypeError, "SummaryWriter"),
        ({"every": 0}, ValueError, "at least 1"),
        ({"slicers": {}}, ValueError, "empty"),
        ({"slicers": {"": LINE}}, ValueError, "named"),
        ({"slicers": {"line": "random"}}, TypeError, "expected Line"),
        ({"slicers": [LINE]}, TypeError, "dictionary"),
    ],
)
def test_bad_arguments_get_a_sentence(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    good: dict[str, Any] = {"target": tmp_path, "surface": surface_of(), "slicers": {"line": LINE}}
    with pytest.raises(error, match=message):
        ps.SliceLogger(**(good | arguments))


class Large(nn.Module):
    """100 million parameters that cost next to nothing to run."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(100_000, 1000)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        return self.table(index).mean(1)


def test_a_network_of_100_million_parameters_is_a_small_event_and_little_memory(
    tmp_path: Path,
) -> None:
    model = Large()
    own = sum(p.numel() * p.element_size() for p in model.parameters())
    assert own == 400_000_000
    data = torch.arange(64), torch.ones(64)
    surface = ps.LossSurface(model, nn.MSELoss(), data)
    slicer = ps.Plane(ps.Random(0), ps.Random(1), samples=25)
    # The same recipe at fewer points: memory does not depend on their number, time does.
    few = ps.Plane(ps.Random(0), ps.Random(1), samples=3)
    before = psutil.Process().memory_info().rss
    peak = _peak_memory(lambda: ps.SliceLogger(tmp_path, surface, {"plane": few}).log(0))
    assert peak - before < 4 * own
    found = ps.read_slices(tmp_path)["."]["plane"][0]
    values = np.zeros((1, 25, 25), dtype=np.float32)
    as_large = ps.Slice(
        kind="plane",
        method=found.method,
        axes=tuple(
            ps.Axis(a.name, np.linspace(-1, 1, 25), a.length, a.description, a.fingerprint)
            for a in found.axes
        ),
        values={"train/loss": values},
        center=found.center,
        series="plane",
    )
    assert slicer.evaluations == 625
    assert len(to_summary(as_large, "3fa2").SerializeToString()) < 50_000


def _peak_memory(work: Any) -> int:
    """Largest resident set while ``work`` runs, in bytes."""
    import threading

    peak, stop = [0], threading.Event()

    def watch() -> None:
        process = psutil.Process()
        while not stop.wait(0.002):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        stop.set()
        watcher.join()
    return peak[0]


def test_the_learning_rate_of_an_optimizer_is_noted(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    surface = ps.LossSurface(model, nn.MSELoss(), (torch.ones(4, 2), torch.zeros(4, 1)))
    groups = [{"params": [model.weight]}, {"params": [model.bias]}]
    optimizer = torch.optim.SGD(groups, lr=torch.tensor(0.5))
    line = {"line": ps.Line(ps.Random(0), samples=3)}
    with ps.SliceLogger(tmp_path, surface, line, optimizer=optimizer) as logger:
        logger.log(0)
        optimizer.param_groups[1]["lr"] = 0.25
        logger.log(1)
    slices = ps.read_slices(tmp_path)["."]["line"]
    assert slices[0].notes["learning_rate"] == 0.5
    assert slices[1].notes["learning_rate"] == [0.5, 0.25]
    with pytest.raises(TypeError, match=r"expected a torch\.optim\.Optimizer"):
        ps.SliceLogger(tmp_path, surface, line, optimizer=0.1)  # type: ignore[arg-type]
