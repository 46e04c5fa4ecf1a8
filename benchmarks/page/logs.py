"""Log directories of the sizes that the budgets name, invented once and kept."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from pysclice.events import to_summary
from pysclice.slices import Axis, Slice, regular_coordinates

RUNS = 30
STEPS = 200
SAMPLES = 51
LINES = 24
MANY_RUNS = 400
MANY_SERIES = 25
WALL_TIME = 1_795_230_000.0


def large() -> Path:
    """30 runs of 200 steps: a plane of 51 x 51, a line, and 24 axis-parallel lines at each."""
    return _kept("large", lambda run: _training(run), RUNS)


def wide() -> Path:
    """400 runs of 25 series each, logged once."""
    return _kept("wide", lambda run: _many(run), MANY_RUNS)


def _kept(name: str, slices_of: Callable[[int], Iterable[Slice]], runs: int) -> Path:
    # Another generator writes another directory: what is kept is never out of date.
    content = hashlib.blake2b(Path(__file__).read_bytes(), digest_size=5).hexdigest()
    folder = Path(tempfile.gettempdir()) / "pysclice-page" / f"{name}-{content}"
    if folder.is_dir():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for run in range(runs):
        writer = EventFileWriter(str(unfinished / f"run-{run:03d}"))
        for i, slice_ in enumerate(slices_of(run)):
            event = event_pb2.Event(
                wall_time=WALL_TIME + i, step=slice_.step, summary=to_summary(slice_, "3fa2")
            )
            writer.add_event(event)
        writer.close()
    unfinished.rename(folder)
    return folder


def _training(run: int) -> Iterable[Slice]:
    grid = regular_coordinates(-1.0, 1.0, SAMPLES)
    x, y = np.meshgrid(grid, grid, indexing="ij")
    stiffness = np.random.default_rng(run).lognormal(0, 1, (LINES, 1))
    for i in range(STEPS):
        progress = (i / (STEPS - 1)) ** 0.6
        turn = 0.4 * run + 0.6 * progress
        u, v = np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y
        floor = 2.3 * np.exp(-4 * progress) + 0.03 + 0.01 * run
        ripples = 0.6 * progress * (1 - np.cos(5 * u + run)) * (1 - np.cos(4 * v))
        plane = floor + (1 + 9 * progress) * u**2 + (0.5 + 3 * progress) * v**2 + ripples
        bundle = floor + stiffness * progress * grid**2
        # A run's own axes hold for all of its steps.
        yield _slice("random plane", 20 * i, [_axis("random 0"), _axis("random 1")], plane, floor)
        yield _slice(
            "random line", 20 * i, [_axis("random 0")], plane[:, SAMPLES // 2][None], floor
        )
        axes = [_axis(f"layers.{k}.weight[{k}, 0]") for k in range(LINES)]
        yield _slice("axis-parallel", 20 * i, axes, bundle, floor)


def _many(run: int) -> Iterable[Slice]:
    grid = regular_coordinates(-1.0, 1.0, SAMPLES)
    x, y = np.meshgrid(grid, grid, indexing="ij")
    plane = 0.1 + 0.01 * run + x**2 + 2 * y**2
    yield _slice("random plane", 0, [_axis("random 0"), _axis("random 1")], plane, 0.1 + 0.01 * run)
    line = (0.2 + grid**2)[None]
    for i in range(1, MANY_SERIES):
        # Every name is another one, so the selector has as many as there are series.
        yield _slice(f"direction {run}-{i}", 0, [_axis(f"random {i}")], line, 0.2)


def _axis(name: str) -> Axis:
    return Axis(name, regular_coordinates(-1.0, 1.0, SAMPLES), 4.31, fingerprint="9c1d22e07f35ab10")


def _slice(
    series: str, step: int, axes: list[Axis], loss: np.ndarray, center: np.floating | float
) -> Slice:
    kind = "plane" if len(axes) == 2 and loss.shape[0] == SAMPLES else "lines"
    return Slice(
        kind,
        "axis-parallel" if len(axes) > 2 else "random direction",
        tuple(axes),
        {"train/loss": loss.astype("f4")[None]},
        {"train/loss": np.array([float(center)])},
        series=series,
        step=step,
        wall_time=WALL_TIME + step,
    )
