"""Training that is killed at any moment: what was flushed can be read, and a restart goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

import pysclice as ps
from pysclice.events import PLUGIN_NAME
from tests.plugin.test_routes import Site

ROOT = Path(__file__).resolve().parent.parent
KILLS = 50

# Trains in a process of its own, which is forked from one that has imported everything already:
# so 50 of them take seconds, and the moments of their death are spread over all that they do.
NURSERY = """
import os, sys
from pathlib import Path
import torch
from torch import nn
import pysclice as ps

torch.set_num_threads(1)


def train(folder, steps):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    inputs, targets = torch.randn(16, 4), torch.randint(2, (16,))
    checkpoint = folder / "checkpoint.pt"
    step = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        step = saved["step"]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))
    slicers = {
        "plane": ps.Plane(ps.Random(0), ps.Random(1), span="auto", samples=5),
        "steepest": ps.AxisParallel(count=3, samples=5),
    }
    logger = ps.SliceLogger(folder / "run", surface, slicers, every=2)
    flushed = os.open(folder / "flushed", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for _ in range(steps):
        for series in logger.log_if_due(step):
            os.write(flushed, f"{series} {step}\\n".encode())
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        step += 1
        if step % 5 == 0:
            torch.save({"model": model.state_dict(), "step": step}, folder / "half")
            os.replace(folder / "half", checkpoint)


warm = Path(sys.argv[1]) / "warm"
warm.mkdir()
train(warm, 3)  # what is imported late is imported now
print("ready", flush=True)
for _ in sys.stdin:
    child = os.fork()
    if not child:
        train(Path(sys.argv[1]) / "killed", 10**9)
    print(child, flush=True)
    os.waitpid(child, 0)
"""


def written(folder: Path) -> int:
    """How many slices all attempts together have flushed: a slow machine is given its time."""
    flushed = folder / "killed" / "flushed"
    return len(flushed.read_text().splitlines()) if flushed.exists() else 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_training_that_is_killed_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    dice = random.Random(0)
    (tmp_path / "killed").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as nursery:
        assert nursery.stdin is not None and nursery.stdout is not None
        assert nursery.stdout.readline() == "ready\n"
        for _ in range(KILLS):
            nursery.stdin.write("another\n")
            nursery.stdin.flush()
            before, wanted = written(tmp_path), dice.randrange(10)
            child = int(nursery.stdout.readline())
            end = time.monotonic() + 60
            while written(tmp_path) < before + wanted and time.monotonic() < end:
                time.sleep(0.001)
            time.sleep(dice.uniform(0.0, 0.1))
            os.kill(child, signal.SIGKILL)
        nursery.stdin.close()
    tmp_path = tmp_path / "killed"
    flushed = {tuple(line.split()) for line in (tmp_path / "flushed").read_text().splitlines()}
    assert len(flushed) > 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what cannot be read is warned about
        (run,) = ps.read_slices(tmp_path).values()
    assert {(series, str(step)) for series in run for step in run[series]} >= flushed
    # All attempts share their axes, whatever was chosen by the first.
    for series in run.values():
        prints = {tuple(axis.fingerprint for axis in slice_.axes) for slice_ in series.values()}
        spans = {tuple(axis.coordinates[-1] for axis in slice_.axes) for slice_ in series.values()}
        assert len(prints) == len(spans) == 1
    # On screen there is one run, and each step once, of the newest attempt that has it.
    (shown,) = Site(tmp_path, sampling_hints={PLUGIN_NAME: 0}).index()["runs"]
    assert {series["name"] for series in shown["series"]} == set(run)
    for series in shown["series"]:
        assert series["steps"] == sorted(set(run[series["name"]]))
        assert sum(count for _, count in series["attempts"]) == len(series["steps"])
    assert any(len(series["attempts"]) > 1 for series in shown["series"])
