"""``pysclice slice``: checkpoints sliced from the command line, alone, interrupted and shared."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import pysclice as ps
from pysclice.cli import main
from pysclice.core.kept_points import write_whole
from pysclice.events import read_index
from pysclice.offline.ranks import Roster, Share
from tests import offline_project

ROOT = Path(__file__).resolve().parent.parent
PLANE = "Plane(Random(0), Random(1), samples=9)"
MODULE = "tests.offline_project:build"
COUNTED = "tests.offline_project:build_counted"


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """Three checkpoints of a training loop, steps 5, 10 and 100."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for seed, step in enumerate((5, 10, 100)):
        state = offline_project.network(seed).state_dict()
        torch.save({"model": state, "epoch": step / 10}, folder / f"step-{step}.pt")
    return folder


def arguments(checkpoints: Path, logdir: Path, *more: str, module: str = MODULE) -> list[str]:
    given = ["--checkpoint", str(checkpoints), "--module", module, "--logdir", str(logdir)]
    return ["slice", *given, *(more or ("--slicer", f"plane={PLANE}"))]


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tensorboard_plugin")])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **more}


def torchrun(given: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
    """Two processes on this machine, as torchrun starts them."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [*command, "-m", "pysclice", *given],
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=120,
    )


def same_measurements(found: ps.Slice, expected: ps.Slice) -> None:
    """Equal to the last bit in everything that was measured."""
    assert found.channels == expected.channels
    for channel in expected.channels:
        assert np.array_equal(found.values[channel], expected.values[channel])
        assert np.array_equal(found.errors[channel], expected.errors[channel], equal_nan=True)
        assert np.array_equal(found.center[channel], expected.center[channel])
    assert found.axes == expected.axes or [a.fingerprint for a in found.axes] == [
        a.fingerprint for a in expected.axes
    ]
    assert (found.evaluations, found.examples) == (expected.evaluations, expected.examples)


def in_process(seed: int, module: str = MODULE, **options: int) -> ps.Slice:
    """The same plane as `PLANE`, of a network that was loaded by hand."""
    surface = getattr(offline_project, module.partition(":")[2])()
    surface.model.load_state_dict(offline_project.network(seed).state_dict())
    plane = ps.Plane(ps.Random(0), ps.Random(1), samples=9)
    found: ps.Slice = surface.slice(plane, **options)
    return found


def test_slices_are_those_of_the_networks_that_were_saved(
    checkpoints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(checkpoints, tmp_path / "runs", "--slicer", f"plane={PLANE}")) == 0
    steps = ps.read_slices(tmp_path / "runs")["."]["plane"]
    assert list(steps) == [5, 10, 100]
    for seed, (step, found) in enumerate(steps.items()):
        same_measurements(found, in_process(seed))
        assert found.epoch == step / 10
        assert found.notes["offline"]["checkpoint"] == f"step-{step}.pt"
        assert found.notes["offline"]["slicer"] == PLANE
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in printed[:3]] == ["step 5", "step 10", "step 100"]
    assert printed[3].startswith("Wrote 3 of 3 slices.")
    assert not (tmp_path / "runs" / ".pysclice").exists()


def test_batch_norm_statistics_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    network = offline_project.network(0)
    torch.save(network.state_dict(), tmp_path / "a-1.pt")
    network.get_buffer("1.running_mean").add_(1.0)
    torch.save(network.state_dict(), tmp_path / "a-2.pt")
    line = ("--slicer", "line=Line(Random(0), samples=3)")
    assert main(arguments(tmp_path / "a-*.pt", tmp_path / "runs", *line)) == 0
    first, second = ps.read_slices(tmp_path / "runs")["."]["line"].values()
    assert first.center["train/loss"][0] != second.center["train/loss"][0]


def test_a_draw_of_examples_a_run_and_a_step(checkpoints: Path, tmp_path: Path) -> None:
    one = checkpoints / "step-10.pt"
    more = ("--slicer", PLANE, "--examples", "20", "--run", "mine/deep", "--step", "77")
    assert main(arguments(one, tmp_path / "runs", *more)) == 0
    [(step, found)] = ps.read_slices(tmp_path / "runs")["mine/deep"][PLANE].items()
    assert (step, found.examples) == (77, 20)
    same_measurements(found, in_process(1, examples=20))


@pytest.mark.parametrize("kind", ["tuple", "mapping"])
def test_what_a_module_may_return(kind: str, checkpoints: Path, tmp_path: Path) -> None:
    module = f"tests.offline_project:build_{kind}"
    given = arguments(
        checkpoints / "step-5.pt", tmp_path, "--slicer", "l=Line(Random(0), samples=3)"
    )
    given[given.index(MODULE)] = module
    assert main(given) == 0
    found = ps.read_slices(tmp_path)["."]["l"][5]
    assert float(found.center["train/loss"][0]) == pytest.approx(
        float(in_process(0).center["train/loss"][0]), rel=1e-6
    )


def test_without_slicers_the_default_set_is_taken(checkpoints: Path, tmp_path: Path) -> None:
    given = ["--checkpoint", str(checkpoints / "step-5.pt"), "--module", MODULE]
    assert main(["slice", *given, "--logdir", str(tmp_path / "runs")]) == 0
    logged = ps.read_slices(tmp_path / "runs")["."]
    assert set(logged) == {"random line", "random plane", "steepest coordinates"}
    assert main(["slice", *given, "--logdir", str(tmp_path / "runs")]) == 0
    assert len(read_index(tmp_path / "runs")) == 3  # chosen once, so found finished


def test_choices_are_made_at_the_first_checkpoint(checkpoints: Path, tmp_path: Path) -> None:
    steepest = ("--slicer", "steepest=AxisParallel(count=3, samples=5)")
    auto = ("--slicer", "wide=Line(Random(0), span='auto', samples=5)")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main(arguments(checkpoints, whole, *steepest, *auto)) == 0
    expected = ps.read_slices(whole)["."]
    for name in ("steepest", "wide"):
        axes = [[(a.name, tuple(a.coordinates)) for a in s.axes] for s in expected[name].values()]
        assert axes[0] == axes[1] == axes[2]
    # One process of three takes the last checkpoint only, and still chooses at the first.
    os.environ.pop("RANK", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pysclice.offline.slicing.Share.of_this_process", lambda: Share())
        patch.setattr(
            "pysclice.offline.slicing._Work.run",
            lambda work, share, outcome: work._slice_all(work._checkpoints[2], outcome, share),
        )
        assert main(arguments(checkpoints, parts, *steepest, *auto)) == 0
    found = ps.read_slices(parts)["."]
    for name in ("steepest", "wide"):
        same_measurements(found[name][100], expected[name][100])


def test_what_is_finished_is_not_taken_again_and_what_changed_is(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluations = tmp_path / "evaluations"
    evaluations.touch()
    monkeypatch.setenv("EVALUATIONS", str(evaluations))

    def counted(*more: str) -> int:
        before = len(evaluations.read_text().splitlines())
        given = arguments(checkpoints, tmp_path / "runs", *more)
        given[given.index(MODULE)] = COUNTED
        assert main(given) == 0
        return len(evaluations.read_text().splitlines()) - before

    line = ("--slicer", "line=Line(Random(0), samples=9)")
    assert counted(*line) == 3 * 9
    assert counted(*line) == 0
    assert counted("--slicer", "line=Line( Random( 0 ),samples=9 )") == 0  # the same slicer
    torch.save(
        {"model": offline_project.network(5).state_dict(), "epoch": 1.0},
        checkpoints / "step-10.pt",
    )
    assert counted(*line) == 9
    assert counted("--slicer", "line=Line(Random(1), samples=9)") == 3 * 9
    assert counted("--slicer", "line=Line(Random(1), samples=9)", "--examples", "7") == 3 * 9
    attempts = [logged.step for logged in read_index(tmp_path / "runs")]
    assert sorted(attempts) == [5, 5, 5, 10, 10, 10, 10, 100, 100, 100]


def test_a_reference_checkpoint_that_changes_makes_another_slice(
    checkpoints: Path, tmp_path: Path
) -> None:
    reference = tmp_path / "reference.safetensors"
    save_file(offline_project.network(8).state_dict(), reference)
    line = ("--slicer", f"l=Line(Towards({str(reference)!r}), span=(0, 1), samples=3)")
    one = checkpoints / "step-5.pt"
    for expected in (1, 1):
        assert main(arguments(one, tmp_path / "runs", *line)) == 0
        assert len(read_index(tmp_path / "runs")) == expected
    save_file(offline_project.network(9).state_dict(), reference)
    assert main(arguments(one, tmp_path / "runs", *line)) == 0
    assert len(read_index(tmp_path / "runs")) == 2
    newest = ps.read_slices(tmp_path / "runs")["."]["l"][5]
    surface = offline_project.build()
    surface.model.load_state_dict(offline_project.network(9).state_dict())
    end = surface(surface.parameters())["train/loss"]
    assert float(newest.losses[0, 0, -1]) == pytest.approx(end, rel=1e-5)
    assert newest.notes["towards other"]["file"] == str(reference)


def test_killed_midway_in_a_plane_finished_rows_are_kept(checkpoints: Path, tmp_path: Path) -> None:
    evaluations, runs = tmp_path / "evaluations", tmp_path / "runs"
    evaluations.touch()
    given = arguments(
        checkpoints / "step-5.pt",
        runs,
        *("--slicer", f"plane={PLANE}", "--keep-every", "0"),
        module=COUNTED,
    )
    variables = environment(EVALUATIONS=str(evaluations), PAUSE="0.02")
    process = subprocess.Popen([sys.executable, "-m", "pysclice", *given], env=variables)
    try:
        while len(evaluations.read_text().splitlines()) < 40 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait()
    assert process.returncode == -signal.SIGKILL
    kept = sorted((runs / ".pysclice").rglob("*.npz"))
    assert len(kept) >= 3 and not list(runs.rglob("*tfevents*"))
    before = evaluations.read_text().split()[1::2]
    evaluations.write_text("")

    done = subprocess.run(
        [sys.executable, "-m", "pysclice", *given], env={**variables, "PAUSE": "0"}, timeout=60
    )
    assert done.returncode == 0
    after = evaluations.read_text().split()[1::2]
    surface = offline_project.build()
    surface.model.load_state_dict(offline_project.network(0).state_dict())
    center = offline_project.point_of(surface.model)
    # Each row is a block of 9 points, and each block measures the center, too: the first 4 of them
    # were finished at the least before the 40th evaluation.
    first_rows = [point for point in before if point != center][:27]
    assert len(set(first_rows)) == 27 and not set(first_rows) & set(after)
    assert len(set(before) | set(after)) == 81
    assert len(after) < 81 - 27 + 9

    [logged] = read_index(runs)
    assert (logged.series, logged.step) == ("plane", 5)
    found = ps.read_slices(runs)["."]["plane"][5]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVALUATIONS", os.devnull)
        same_measurements(found, in_process(0, COUNTED))
    assert not (runs / ".pysclice").exists()


def test_two_processes_share_the_checkpoints_and_one_writes(
    checkpoints: Path, tmp_path: Path
) -> None:
    evaluations, runs = tmp_path / "evaluations", tmp_path / "runs"
    given = arguments(checkpoints, runs, module=COUNTED)
    done = torchrun(given, EVALUATIONS=str(evaluations))
    assert done.returncode == 0, done.stderr[-2000:]
    by_rank = [line.split()[0] for line in evaluations.read_text().splitlines()]
    # Each in two blocks, a row and the rest, and the center is measured with both.
    assert (by_rank.count("0"), by_rank.count("1")) == (2 * 82, 82)
    assert len(list(runs.rglob("*tfevents*"))) == 1
    steps = ps.read_slices(runs)["."]["plane"]
    assert list(steps) == [5, 10, 100] and len(read_index(runs)) == 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVALUATIONS", os.devnull)
        for seed, found in enumerate(steps.values()):
            same_measurements(found, in_process(seed, COUNTED))
    assert "Wrote 3 of 3 slices" in done.stdout
    assert not (runs / ".pysclice").exists()


def test_what_a_killed_rank_had_finished_is_kept(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = offline_project.network(3).state_dict()
    torch.save({"model": state}, checkpoints / "step-200.pt")
    evaluations, runs = tmp_path / "evaluations", tmp_path / "runs"
    given = arguments(checkpoints, runs, module=COUNTED)
    # Rank 1 slices the second and the fourth; it is killed in the fourth.
    done = torchrun(given, EVALUATIONS=str(evaluations), KILL_RANK_AFTER="100")
    assert done.returncode != 0
    lines = [line.split() for line in evaluations.read_text().splitlines()]
    finished = [point for rank, point in lines if rank == "1"][:82]
    assert len(set(finished)) == 81
    evaluations.write_text("")

    monkeypatch.setenv("EVALUATIONS", str(evaluations))
    assert main(given) == 0  # alone this time
    again = evaluations.read_text().split()[1::2]
    assert again and not set(again) & set(finished)
    assert list(ps.read_slices(runs)["."]["plane"]) == [5, 10, 100, 200]
    assert len(read_index(runs)) == 4
    # Signs of life of the killed session stay for some minutes, since it might be alive.
    left = {path.name for path in (runs / ".pysclice").rglob("*") if path.is_file()}
    assert left <= {"rank-0.json", "rank-1.json"}


def test_a_checkpoint_that_fails_costs_no_other(checkpoints: Path, tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2).state_dict(), checkpoints / "step-50.pt")
    (checkpoints / "step-60.pt").write_bytes((checkpoints / "step-5.pt").read_bytes()[:-99])
    runs = tmp_path / "runs"
    done = torchrun(arguments(checkpoints, runs))
    assert done.returncode != 0
    assert "step-50.pt' does not fit the model: '0.weight', '0.bias'" in done.stderr
    assert "Either it is not complete, or it holds more than tensors" in done.stderr
    assert "What was finished is kept" in done.stderr
    assert list(ps.read_slices(runs)["."]["plane"]) == [5, 10, 100]


def test_a_rank_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    share = Share(rank=0, world=3)
    beat = {"beat": 1, "state": "finished", "errors": []}
    data = json.dumps(beat).encode()
    write_whole(tmp_path / "rank-1.json", lambda file: file.write(data))
    with Roster(tmp_path, share, patience=0.5) as ranks:
        ranks.wait(lambda other: other.state == "finished", lambda: None)
        assert [other.state for other in ranks.others] == ["finished", "lost"]


def test_interrupts_leave_nothing_corrupt(checkpoints: Path, tmp_path: Path) -> None:
    evaluations, runs = tmp_path / "evaluations", tmp_path / "runs"
    evaluations.touch()
    given = arguments(checkpoints, runs, module=COUNTED)
    variables = environment(EVALUATIONS=str(evaluations), PAUSE="0.01")
    process = subprocess.Popen(
        [sys.executable, "-m", "pysclice", *given],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(evaluations.read_text().splitlines()) < 100 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The same command goes on where it stopped" in errors and "Traceback" not in errors
    assert list(ps.read_slices(runs)["."]["plane"]) == [5]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVALUATIONS", os.devnull)
        assert main(given) == 0
    assert list(ps.read_slices(runs)["."]["plane"]) == [5, 10, 100]
    assert len(read_index(runs)) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="has no such terminals")
def test_a_terminal_shows_a_bar_over_checkpoints(checkpoints: Path, tmp_path: Path) -> None:
    import fcntl
    import pty
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    done = subprocess.run(
        [sys.executable, "-m", "pysclice", *arguments(checkpoints, tmp_path / "runs")],
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment(),
        timeout=60,
    )
    os.close(slave)
    shown = ""
    with suppress(OSError):  # how Linux tells the end of a terminal
        while part := os.read(master, 2**16):
            shown += part.decode()
    os.close(master)
    assert done.returncode == 0
    assert "checkpoints:   0%" in shown and "3/3" in shown
    assert done.stdout.decode().count("step ") == 3


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("nothing_here:build", "There is no module 'nothing_here'"),
        ("tests.offline_project", "expected a module and a callable in it"),
        ("tests.offline_project:biuld", "has no 'biuld'; it has"),
        ("tests.offline_project:not_callable", "is a int, expected a callable"),
        ("tests.offline_project:build_number", "returned a int, expected a LossSurface"),
        ("tests.offline_project:build_failing", "failed: RuntimeError: no data here"),
        ("tests.offline_project:network", "returned a Sequential"),
    ],
)
def test_modules_that_build_no_surface_are_explained(
    module: str,
    sentence: str,
    checkpoints: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments(checkpoints, tmp_path / "runs", module=module)) == 1
    told = capsys.readouterr().err
    assert sentence in told and "Traceback" not in told
    assert not list(tmp_path.rglob("*tfevents*"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--slicer", "Plan(Random(0))"), "Did you mean Plane?\n    Plan(Random(0))\n    ^"),
        (("--slicer", "a=Line(Rnd(0))"), "\n    a=Line(Rnd(0))\n           ^"),
        (("--slicer", PLANE, "--slicer", PLANE), "Two slicers are called"),
        (("--slicer", PLANE, "--step", "3"), "--step goes with one checkpoint"),
        (("--slicer", PLANE, "--run", "../other"), "expected a name below the log directory"),
        (("--slicer", PLANE, "--examples", "0"), "--examples is 0"),
        (("--slicer", PLANE, "--device", "cuda:99"), "The model cannot go to 'cuda:99'"),
        (("--slicer", PLANE, "--checkpoint", "no*.pt"), "There is no checkpoint at 'no*.pt'"),
    ],
)
def test_requests_that_make_no_sense_are_explained(
    more: tuple[str, ...],
    sentence: str,
    checkpoints: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments(checkpoints, tmp_path / "runs", *more)) == 1
    told = capsys.readouterr().err
    assert sentence in told and "Traceback" not in told


def test_names_that_do_not_fit_may_be_left_out_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = offline_project.network(1).state_dict()
    del state["3.bias"]
    torch.save(state | {"criterion.weight": torch.ones(3)}, tmp_path / "a-1.pt")
    line = ("--slicer", "l=Line(Random(0), samples=3)")
    given = arguments(tmp_path / "a-1.pt", tmp_path / "runs", *line)
    assert main(given) == 1
    told = capsys.readouterr().err
    assert "'3.bias' missing; 'criterion.weight' unexpected" in told
    assert main([*given, "--no-strict"]) == 0
    expected = offline_project.build()
    bias = expected.model.state_dict()["3.bias"].clone()
    expected.model.load_state_dict(offline_project.network(1).state_dict() | {"3.bias": bias})
    found = ps.read_slices(tmp_path / "runs")["."]["l"][1]
    assert found.center["train/loss"][0] == expected(expected.parameters())["train/loss"]
