"""Every example runs as a reader would run it, and shows what it says it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import pysclice as ps
from pysclice.events import PLUGIN_NAME
from tests.plugin.test_routes import Site

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def output_of(name: str, *arguments: str, cwd: Path, launcher: tuple[str, ...] = ()) -> str:
    """What an example prints; its own errors fail the test."""
    done = subprocess.run(
        [sys.executable, *launcher, str(EXAMPLES / name), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def shown_by_tensorboard(logdir: Path) -> dict[str, dict[str, list[int]]]:
    """What the tab lists of a log directory: run -> series -> steps."""
    runs = Site(logdir, sampling_hints={PLUGIN_NAME: 0}).index()["runs"]
    return {run["name"]: {s["name"]: s["steps"] for s in run["series"]} for run in runs}


def test_every_example_is_run_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    found = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert found == {name for name in found if f'"{name}"' in source}
    assert len(found) == 11


def test_two_parameters(tmp_path: Path) -> None:
    text = output_of("two_parameters.py", "--samples", "49", "--figures", "drawn", cwd=tmp_path)
    rows = {line.split()[0]: line for line in text.splitlines()}
    assert set(rows) == {"parabola", "rosenbrock", "himmelblau", "ackley"}
    for row in rows.values():
        numbers = [float(n) for n in re.findall(r"\d+\.\d+(?:e[+-]\d+)?", row)]
        wrong, curvature, eigenvalue, _ = numbers
        assert wrong < 1e-6
        assert curvature == pytest.approx(eigenvalue, rel=1e-2)
    assert "curvature     8.000" in rows["parabola"] and "roughness 0.000" in rows["parabola"]
    assert len(list((tmp_path / "drawn").glob("*.pdf"))) == 4


def test_plain_loop(tmp_path: Path) -> None:
    arguments = ("--logdir", "runs", "--epochs", "2", "--every", "12", "--samples", "7")
    output_of("plain_loop.py", *arguments, cwd=tmp_path)
    series = ps.read_slices(tmp_path / "runs")["plain loop"]
    assert len(series) == 10
    for name, steps in series.items():
        assert list(steps) == [2, 12, 24], name
    last = series["principal plane"][24]
    assert last.trajectory is not None and last.trajectory.explained > 0.5
    assert series["random plane"][24].errors.keys() == {
        "train/loss",
        "train/accuracy",
        "validation/loss",
        "validation/accuracy",
    }
    assert series["spectrum"][24].kind == "spectrum"
    assert series["back to the start"][24].notes["barrier"].keys() == {
        "train/loss",
        "validation/loss",
    }


def test_time_budget(tmp_path: Path) -> None:
    arguments = ("--seconds", "2", "--every", "10", "--samples", "25", "--budget", "0.2")
    text = output_of("time_budget.py", *arguments, cwd=tmp_path)
    assert len(re.findall(r"^phase \d: .* slicing took \d+\.\d\d % of wall time$", text, re.M)) == 2
    assert re.search(r"^overall \d+\.\d\d % of 20 %$", text, re.M)
    logged = ps.read_slices(tmp_path / "runs")["time budget"]
    last = max(step for slices in logged.values() for step in slices)
    for slices in logged.values():
        for step, slice_ in slices.items():
            note = slice_.notes["budget"]
            assert note["fraction"] == 0.2 and note["interval"] % 10 == 0
            assert (note["samples"], note["examples"]) == (
                [slice_.axes[0].samples],
                slice_.examples,
            )
            # What closing the logger takes is told to nobody but the record.
            assert note["sentence"] in text or step == last


def test_permutation_matching(tmp_path: Path) -> None:
    text = output_of("permutation_matching.py", "--epochs", "5", cwd=tmp_path)
    pairs = re.findall(r"^ +\d+  train (\d+\.\d+) .* train (\d+\.\d+) ", text, flags=re.M)
    assert len(pairs) == 10
    assert all(float(plain) > 0.1 for plain, _ in pairs)
    assert sum(float(matched) < float(plain) for plain, matched in pairs) >= 8
    found = re.search(r"in (\d+) of 10 pairs", text)
    assert found and int(found[1]) >= 8


def test_skip_connections(tmp_path: Path) -> None:
    arguments = ("--planes", "2", "--samples", "17", "--figure", "planes.pdf")
    text = output_of("skip_connections.py", *arguments, cwd=tmp_path)
    found = re.search(r"minus with skips: (-?\d+\.\d+) ± (\d+\.\d+)", text)
    assert found, text
    assert float(found[1]) > float(found[2]) > 0
    # Two planes say little of how far a mean may be off; each says how far it may be off itself.
    planes = re.findall(r"plane \d: roughness (\d+\.\d+) ± (\d+\.\d+)", text)
    roughness = [(float(value), float(error)) for value, error in planes]
    (smooth, rough) = roughness[:2], roughness[2:]
    assert len(rough) == 2
    assert max(r + 2 * e for r, e in smooth) < min(r - 2 * e for r, e in rough)
    assert (tmp_path / "planes.pdf").stat().st_size > 5000


def test_lightning_callback(tmp_path: Path) -> None:
    arguments = ("--logdir", "runs", "--epochs", "2", "--every", "20", "--samples", "5")
    text = output_of("lightning_callback.py", *arguments, cwd=tmp_path)
    series = ps.read_slices(tmp_path / "runs")["lightning"]
    steps = [0, 20, 40, 52]
    shown = shown_by_tensorboard(tmp_path / "runs")
    assert shown == {"lightning": {"back to the start": steps, "random plane": steps}}
    last = series["random plane"][52]
    assert last.channels == (
        "train/loss",
        "train/accuracy",
        "validation/loss",
        "validation/accuracy",
    )
    assert last.center["validation/accuracy"][0] > 0.8
    assert "steps 0, 20, 40, 52" in text


def test_huggingface_trainer(tmp_path: Path) -> None:
    arguments = ("--steps", "12", "--every", "6", "--samples", "3", "--examples", "16")
    output_of("huggingface_trainer.py", "--logdir", "runs", *arguments, cwd=tmp_path)
    ((run, series),) = ps.read_slices(tmp_path / "runs").items()
    assert run.startswith("hugging face/runs/")
    shown = shown_by_tensorboard(tmp_path / "runs")
    assert list(shown) == [run]
    assert list(shown[run].values()) == [[0, 6, 12]] * 2
    last = series["steepest coordinates"][12]
    assert all("lora" in axis.name or "lm_head" in axis.name for axis in last.axes)
    assert last.channels == ("train/loss", "validation/loss")


def test_accelerate_loop(tmp_path: Path) -> None:
    arguments = ("--logdir", "runs", "--epochs", "2", "--every", "30", "--samples", "5")
    text = output_of("accelerate_loop.py", *arguments, cwd=tmp_path)
    steps = ps.read_slices(tmp_path / "runs")["accelerate"]["random plane"]
    shown = shown_by_tensorboard(tmp_path / "runs")
    assert shown == {"accelerate": {"random plane": [0, 30, 60, 72]}}
    assert steps[72].examples == 300 and steps[72].notes["learning_rate"] == 0.003
    assert steps[72].center["train/loss"][0] < steps[0].center["train/loss"][0] / 2
    assert "steps 0, 30, 60, 72" in text


def test_keras_fit(tmp_path: Path) -> None:
    arguments = ("--logdir", "runs", "--epochs", "2", "--every", "50", "--samples", "5")
    text = output_of("keras_fit.py", *arguments, cwd=tmp_path)
    shown = shown_by_tensorboard(tmp_path / "runs")
    assert list(shown) == ["keras"]
    assert shown["keras"]["random plane"][:3] == [0, 50, 100]
    steps = ps.read_slices(tmp_path / "runs")["keras"]["random plane"]
    first, *_, last = steps.values()
    assert last.center["train/loss"][0] < first.center["train/loss"][0] / 2
    assert "slices at steps 0, 50, 100" in text


@pytest.mark.parametrize(("kind", "evaluations"), [("replicas", 26), ("fully_shard", 50)])
def test_many_gpus(tmp_path: Path, kind: str, evaluations: int) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    arguments = ("--logdir", "runs", "--epochs", "1", "--every", "30", "--samples", "5")
    shard = ("--shard",) if kind == "fully_shard" else ()
    text = output_of("many_gpus.py", *arguments, *shard, cwd=tmp_path, launcher=launcher)
    steps = ps.read_slices(tmp_path / "runs")[kind]["random plane"]
    shown = shown_by_tensorboard(tmp_path / "runs")
    assert shown == {kind: {"random plane": [0, 30, 35]}}
    assert all(sum(s.notes["evaluation"]["ranks"]) == evaluations for s in steps.values())
    assert steps[35].center["train/loss"][0] < steps[0].center["train/loss"][0] / 2
    assert text.count("points measured by each rank") == 2


def test_paper_figure(tmp_path: Path) -> None:
    notebook = nbformat.read(EXAMPLES / "paper_figure.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear the outputs"
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    printed = "".join(o.get("text", "") for o in outputs if o.get("name") == "stdout")
    curvature, eigenvalue = re.findall(r"(?:curvature|eigenvalue) (\d+\.\d+)", printed)
    assert float(curvature) == pytest.approx(float(eigenvalue), rel=0.2)
    plain, matched = re.findall(r"barrier (\d+\.\d+)", printed)
    assert float(matched) < float(plain)
    assert sum("image/png" in o.get("data", {}) for o in outputs) >= 2  # a slice shows itself
    assert (tmp_path / "figure.pdf").stat().st_size > 5000
