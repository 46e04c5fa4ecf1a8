"""The logger's background process: real spawns, real event files, and every way it can end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

import pysclice as ps
from pysclice.logger.main_guard import check_guarded
from pysclice.logger.snapshot import SharedSnapshot
from tests.models import SmallConvNet, images
from tests.sliced_elsewhere import Partly, broken, endless

ROOT = Path(__file__).resolve().parent.parent
LINE = ps.Line(ps.Random(0), samples=7)
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def surface_of(model: nn.Module, **arguments: Any) -> ps.LossSurface:
    return ps.LossSurface(model, nn.CrossEntropyLoss(), images(64), **arguments)


def processes() -> set[int]:
    """Ids of the processes that take slices for this one."""
    found = psutil.Process().children(recursive=True)
    return {child.pid for child in found if "spawn_main" in " ".join(child.cmdline())}


def wait_for(logger: ps.SliceLogger, step: int, series: str) -> None:
    """Call the logger as a training loop would, until a slice is written."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        slice_ = logger.log_if_due(step).get(series)
        if slice_ is not None and slice_.step == step:
            return
        time.sleep(0.01)
    raise AssertionError(f"{series!r} of step {step} has not come.")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    folder = Path(tempfile.gettempdir())
    before = set(folder.glob("pysclice-*"))
    yield
    assert processes() == set()
    assert set(folder.glob("pysclice-*")) <= before


def test_slices_are_those_of_the_step_they_were_asked_for(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Partly()
    surface = surface_of(model)
    settled: dict[str, Any] = {
        "line": LINE,
        "axes": ps.AxisParallel(2, samples=3).settled(surface, surface.current()),
        "sharpest": ps.Line(ps.HessianEigenvector(0, products=20), samples=3),
    }
    slicers = {"broken": broken, **settled, "axes": ps.AxisParallel(2, samples=3)}
    writer = SummaryWriter(str(tmp_path / "run"))
    writer.add_scalar("loss", 1.0, 0)
    inputs, targets = images(32, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    expected = {}
    with pytest.warns(
        RuntimeWarning, match=r"'broken' at step 0: ArithmeticError: no such"
    ) as told:
        with ps.SliceLogger(writer, surface, slicers, every=1, mode="process") as logger:
            for step in range(6):
                if step in (0, 4, 5):  # an eigenvector has the sign of the one before it
                    expected[step] = {n: surface.slice(slicer) for n, slicer in settled.items()}
                logger.log_if_due(step)
                with torch.no_grad():  # at once, while the process is still starting
                    model.conv.weight.add_(0.1)
                    model.scale.mul_(1.5)
                model.train()
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs), targets).backward()
                optimizer.step()
                if step >= 4:
                    wait_for(logger, step, "sharpest")
    writer.add_scalar("loss", 0.5, 30)
    writer.close()
    assert len([warning for warning in told if "broken" in str(warning.message)]) == 1
    assert len(list((tmp_path / "run").glob("*tfevents*"))) == 1
    logged = ps.read_slices(tmp_path)["run"]
    # The first one is never replaced, and of those that wait the newest is taken, all of them once.
    assert {name: list(steps) for name, steps in logged.items()} == {
        name: [0, 4, 5] for name in settled
    }
    for name, slices in logged.items():
        for step, found in slices.items():
            np.testing.assert_allclose(found.losses, expected[step][name].losses, rtol=1e-6)
            assert found.fingerprint == expected[step][name].fingerprint
            replaced = [1, 2, 3] if step == 4 else []
            assert found.notes["process"] == {"threads": 1, "replaced": replaced}
    assert not np.array_equal(logged["line"][0].losses, logged["line"][4].losses)


def train(tmp_path: Path | None) -> list[Any]:
    """Everything that a training run leaves, bit for bit."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    model = SmallConvNet()
    loader = DataLoader(TensorDataset(*images(64)), batch_size=16, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    # As where one loader serves both, and its workers wait for the next epoch.
    shared = DataLoader(loader.dataset, batch_size=32, num_workers=1, persistent_workers=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, in Python 3.12
        next(iter(shared))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), shared)
    logger = None
    if tmp_path is not None:
        logger = ps.SliceLogger(tmp_path, surface, every=4, mode="process", budget=0.5)
    step = 0
    for _ in range(10):
        for inputs, targets in loader:
            if logger is not None:
                logger.log_if_due(step)
            inputs = inputs + 0.1 * torch.from_numpy(np.random.randn(*inputs.shape)).float()
            model.train(random.random() < 0.9)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            step += 1
    if logger is not None:
        logger.log(step)
        logger.close()
    state = optimizer.state_dict()["state"]
    return [
        *model.state_dict().values(),
        *(value for entries in state.values() for value in entries.values()),
        *(parameter.grad for parameter in model.parameters()),
        torch.get_rng_state(),
        torch.tensor(np.random.get_state()[1].astype(np.int64)),
        torch.tensor(list(random.getstate()[1])),
    ]


def test_training_comes_out_bit_for_bit_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain, logged = train(None), train(tmp_path)
    assert len(plain) == len(logged) > 20
    for first, second in zip(plain, logged, strict=True):
        assert torch.equal(first, second)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    found = ps.read_slices(tmp_path)["."]
    assert set(found) == {"random line", "random plane", "steepest coordinates"}
    for slices in found.values():
        assert min(slices) == 0 and max(slices) == 40  # the first and the last always come
        note = slices[40].notes["budget"]
        assert note["sentence"].endswith("so that training waits for less than 50 % of wall time")


def test_what_cannot_be_sent_is_told_once_and_slices_are_taken_inline(tmp_path: Path) -> None:
    model = SmallConvNet()
    loss = nn.CrossEntropyLoss()
    surface = ps.LossSurface(model, lambda outputs, targets: loss(outputs, targets), images(16))
    with pytest.warns(RuntimeWarning, match="inline from now on") as told:
        with ps.SliceLogger(tmp_path, surface, {"line": LINE}, mode="process") as logger:
            assert set(logger.log(0)) == {"line"}
            assert set(logger.log(1)) == {"line"}
    assert len(told) == 1 and "lambda" in str(told[0].message)
    assert list(ps.read_slices(tmp_path)["."]["line"]) == [0, 1]


@posix
def test_a_process_that_is_killed_ends_slicing_and_not_training(tmp_path: Path) -> None:
    slicers = {"line": LINE, "endless": endless}
    logger = ps.SliceLogger(tmp_path, surface_of(SmallConvNet()), slicers, every=1, mode="process")
    logger.log_if_due(0)
    wait_for(logger, 0, "line")
    (process,) = processes()
    os.kill(process, signal.SIGKILL)
    with pytest.warns(RuntimeWarning, match=r"SIGKILL.*of steps? 0.* are lost.*goes on") as told:
        for step in range(1, 200):
            logger.log_if_due(step)
            time.sleep(0.001)
        assert logger.log(200) == {}
    assert len(told) == 1
    logger.close()
    assert list(ps.read_slices(tmp_path)["."]["line"]) == [0]


def test_closing_does_not_wait_longer_than_it_was_told(tmp_path: Path) -> None:
    model = SmallConvNet()
    logger = ps.SliceLogger(tmp_path, surface_of(model), {"endless": endless}, mode="process")
    logger.log(0)
    logger.log(1)
    model.fc.bias = nn.Parameter(torch.zeros(1))
    with pytest.warns(RuntimeWarning, match=r"at step 2: .* Make another SliceLogger"):
        logger.log(2)
    (process,) = processes()
    psutil.Process(process).suspend()
    with pytest.warns(RuntimeWarning, match=r"steps 0 and 1 were not finished within 0.5 s"):
        logger.close(timeout=0.5)
    logger.close()


def test_where_the_process_cannot_read_what_was_sent_slices_are_taken_inline(
    tmp_path: Path,
) -> None:
    # As in a notebook: the process has no file to find the class in.
    code = """
import time, torch, pysclice as ps
class Net(torch.nn.Linear):
    pass
surface = ps.LossSurface(Net(2, 1), torch.nn.MSELoss(), (torch.ones(4, 2), torch.ones(4, 1)))
with ps.SliceLogger("runs", surface, {"line": ps.Line(ps.Random(0), samples=3)}, mode="process",
                    every=1) as logger:
    step = 0
    while not (logged := logger.log_if_due(step)):
        time.sleep(0.01)
        step += 1
assert logged["line"].step == step
"""
    done = run(["-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Can't get attribute 'Net'" in done.stderr and "inline from now on" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(ps.read_slices(tmp_path / "runs")["."]["line"]) == 1


SCRIPT = """
import sys, time, torch, pysclice as ps
from pathlib import Path

def spinning(surface, parameters):
    while True:
        surface(parameters)

def main():
    with Path("trained").open("a") as file:
        file.write("once\\n")
    model = torch.nn.Linear(2, 1)
    surface = ps.LossSurface(model, torch.nn.MSELoss(), (torch.ones(4, 2), torch.ones(4, 1)))
    slicers = {"line": ps.Line(ps.Random(0), samples=3), "spinning": spinning}
    with ps.SliceLogger("runs", surface, slicers, every=1, mode="process") as logger:
        logger.log_if_due(0)
        print("started", flush=True)
        while not logger.log_if_due(0):
            time.sleep(0.01)
        print("sliced", flush=True)
        time.sleep(60)
"""
GUARD = '\nif __name__ == "__main__":\n    main()\n'


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def run(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def started(tmp_path: Path, until: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A training in a terminal of its own, and its process for slices."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + GUARD)
    trainer = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert trainer.stdout is not None
    for line in trainer.stdout:
        if line.strip() == until:
            break
    children = psutil.Process(trainer.pid).children()
    (slicing,) = (child for child in children if "spawn_main" in " ".join(child.cmdline()))
    return trainer, slicing


@posix
def test_the_process_ends_when_the_trainer_is_killed(tmp_path: Path) -> None:
    trainer, slicing = started(tmp_path, until="sliced")
    assert slicing.nice() == 10
    assert (tmp_path / "trained").read_text() == "once\n"
    os.kill(trainer.pid, signal.SIGKILL)
    trainer.communicate()
    assert psutil.wait_procs([slicing], timeout=20)[1] == []


@posix
def test_ctrl_c_ends_both_and_one_traceback_is_printed(tmp_path: Path) -> None:
    trainer, slicing = started(tmp_path, until="started")
    os.kill(slicing.pid, signal.SIGINT)  # while it still imports torch
    assert trainer.stdout is not None and trainer.stdout.readline() == "sliced\n"
    os.killpg(trainer.pid, signal.SIGINT)  # as a terminal does
    _, text = trainer.communicate(timeout=60)
    assert text.count("Traceback") == text.count("KeyboardInterrupt") == 1, text
    assert psutil.wait_procs([slicing], timeout=20)[1] == []


def test_a_script_without_a_guard_is_refused_before_it_starts_anything(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + "\nmain()\n")
    done = run([str(script)], tmp_path)
    assert done.returncode == 1
    line = len(script.read_text().splitlines())
    assert f"line {line} of it would run there too" in done.stderr
    assert 'if __name__ == "__main__":' in done.stderr
    assert (tmp_path / "trained").read_text() == "once\n"


def test_the_guard_is_looked_for_around_the_line_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_guarded()  # pytest has one
    for number, (source, guarded) in enumerate(
        [
            ("check_guarded()", False),
            ("if True:\n    check_guarded()", False),
            ("def main():\n    check_guarded()\nmain()", False),
            ("if __name__ == '__main__':\n    print()\ncheck_guarded()", False),
            ("def main():\n    check_guarded()\nif __name__ == '__main__':\n    main()", True),
            ("if '__main__' == __name__ and True:\n    check_guarded()", True),
        ]
    ):
        path = tmp_path / f"{number}.py"
        path.write_text(source)
        code = compile(source, str(path), "exec")
        main = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", main)
        names = vars(main)
        names["check_guarded"] = check_guarded
        if guarded:
            exec(code, names)
        else:
            with pytest.raises(RuntimeError, match="train a second time"):
                exec(code, names)


class Mixed(nn.Module):
    """Tensors of many kinds: tied, half precision, empty, counted, transposed, not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3, bias=False)
        self.tied = self.first
        self.low = nn.Parameter(torch.randn(5).bfloat16())
        self.waves = nn.Parameter(torch.randn(2, dtype=torch.complex64), requires_grad=False)
        self.filters = nn.Parameter(
            torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
        )
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("mask", torch.tensor([True, False, True]))
        self.register_buffer("none", torch.zeros(0, 4))
        self.register_buffer("transposed", torch.randn(3, 4).T, persistent=False)


def test_a_snapshot_holds_every_parameter_and_buffer() -> None:
    torch.manual_seed(0)
    source, target = Mixed(), Mixed()
    snapshot = SharedSnapshot(source)
    snapshot.write(source)
    before = [t.detach().clone() for t in [*source.parameters(), *source.buffers()]]
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.zero_()
        source.count.add_(1)
    snapshot.read(target)
    found = [*target.parameters(), *target.buffers()]
    assert len(found) == len(before) == 8
    for first, second in zip(before, found, strict=True):
        assert first.dtype == second.dtype and torch.equal(first, second)
    assert target.first is target.tied
    assert target.filters.is_contiguous(memory_format=torch.channels_last)


def test_tensors_without_dense_memory_are_refused() -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("sparse", torch.eye(3).to_sparse())
    with pytest.raises(TypeError, match=r"'sparse'.*dense"):
        SharedSnapshot(model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "thread"}, "'inline' or 'process'"),
        ({"process_threads": 0}, "cores of at least 1"),
        ({"process_device": "gpu"}, "such as 'cuda:1'"),
    ],
)
def test_bad_arguments_get_a_sentence(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ps.SliceLogger(tmp_path, surface_of(SmallConvNet()), {"line": LINE}, **arguments)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_model_on_a_gpu_is_copied_through_pinned_memory(
    tmp_path: Path, device: str | None
) -> None:
    model = SmallConvNet().cuda()
    surface = surface_of(model)
    arguments: dict[str, Any] = {"mode": "process", "process_device": device}
    with ps.SliceLogger(tmp_path, surface, {"line": LINE}, **arguments) as logger:
        expected = surface.slice(LINE).losses
        logger.log(0)
        with torch.no_grad():
            model.fc.weight.zero_()
    found = ps.read_slices(tmp_path)["."]["line"][0].losses
    np.testing.assert_allclose(found, expected, rtol=1e-5)
