"""``pysclice list``: what is logged, without torch."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

import pysclice as ps
from pysclice.cli import main
from pysclice.events import SliceWriter, read_index
from pysclice.listing import as_table, listed
from tests.models import quadratic_surface


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs; a step logged twice; a series that changed its shape and gained a channel."""
    logdir = tmp_path_factory.mktemp("runs")
    surface, _ = quadratic_surface()
    line = surface.slice(ps.Line(ps.Random(0, normalization="none"), samples=7))
    plane = surface.slice(
        ps.Plane(
            ps.Random(0, normalization="none"), ps.Random(1, normalization="none"), samples=(5, 7)
        )
    )
    finer = surface.slice(ps.Line(ps.Random(0, normalization="none"), samples=13))
    more = {"validation/loss": finer.losses}
    finer = dataclasses.replace(
        finer,
        values={**finer.values, **more},
        center={**finer.center, "validation/loss": finer.center["train/loss"]},
    )
    with SliceWriter(logdir / "a") as writer:
        for step in (0, 10, 20, 10):
            writer.write(dataclasses.replace(line, series="line", step=step))
        writer.write(dataclasses.replace(finer, series="line", step=30))
        writer.write(dataclasses.replace(plane, series="a/plane", step=5))
    with SliceWriter(logdir / "a") as writer:  # resumed: goes to the child run
        writer.write(dataclasses.replace(plane, series="a/plane", step=15))
    with SliceWriter(logdir / "b") as writer:
        writer.write(dataclasses.replace(plane, series="x\ny", step=1_234_567))
    return logdir


def test_series_say_what_they_hold(logdir: Path) -> None:
    plane, line, other = listed(logdir)
    assert (line.run, line.series, line.kind, line.methods) == (
        "a",
        "line",
        "lines",
        ("random direction",),
    )
    assert line.shapes == ((1, 1, 7), (1, 1, 13))
    assert (line.steps, line.attempts) == ((0, 10, 20, 30), 5)
    assert line.channels == ("train/loss", "validation/loss")
    assert (plane.series, plane.steps, plane.shapes) == ("a/plane", (5, 15), ((1, 5, 7),))
    assert (other.run, other.steps) == ("b", (1_234_567,))


def test_the_table_has_a_line_a_series(logdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", str(logdir)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("run", "series", "method", "shape", "steps", "first", "last", "attempts", "channels")
    ]
    assert len(rows) == 3
    assert rows[1].split() == [
        *("a", "line", "random", "direction", "1", "x", "1", "x", "7,", "1", "x", "1", "x", "13"),
        *("4", "0", "30", "5", "train/loss,", "validation/loss"),
    ]
    assert "x\N{REPLACEMENT CHARACTER}y" in rows[2]  # names come from files: one line stays one
    places = {row.index("train/loss") for row in rows}
    assert places == {head.index("channels")}
    assert as_table(listed(logdir)).splitlines() == [head, *rows]


def test_json_is_for_programs(logdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", str(logdir), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [series["series"] for series in found] == ["a/plane", "line", "x\ny"]
    assert found[1] == {
        "run": "a",
        "series": "line",
        "kind": "lines",
        "methods": ["random direction"],
        "shapes": [[1, 1, 7], [1, 1, 13]],
        "steps": {"count": 4, "first": 0, "last": 30, "all": [0, 10, 20, 30]},
        "channels": ["train/loss", "validation/loss"],
        "attempts": 5,
    }


def test_it_needs_no_torch(logdir: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from pysclice.cli import main\n"
        f"sys.exit(main(['list', {str(logdir)!r}]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0 and "a/plane" in found.stdout, found.stderr


def test_the_index_agrees_with_what_is_read(logdir: Path) -> None:
    logged = {(one.run, one.series, one.step) for one in read_index(logdir)}
    runs = ps.read_slices(logdir)
    assert logged == {
        (r, s, step) for r, all_ in runs.items() for s, x in all_.items() for step in x
    }
    first = read_index(logdir)[0]
    assert first.entry["shape"] == list(runs[first.run][first.series][first.step].shape)


def test_what_is_not_there_and_what_is_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", str(tmp_path / "nothing")]) == 1
    assert "There is no log directory" in capsys.readouterr().err
    (tmp_path / "file").write_text("x")
    assert main(["list", str(tmp_path / "file")]) == 1
    assert "is a file" in capsys.readouterr().err
    assert main(["list", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["list", str(tmp_path)]) == 0
    assert "No slices are logged" in capsys.readouterr().out


def test_damaged_events_are_left_out_with_a_warning(logdir: Path, tmp_path: Path) -> None:
    [source] = (logdir / "b").glob("*tfevents*")
    data = bytearray(source.read_bytes())
    place = data.index(b'"kind"')
    data[place : place + 6] = b"\xff" * 6
    (tmp_path / source.name).write_bytes(bytes(data))
    with pytest.warns(RuntimeWarning, match="could not be read"):
        assert listed(tmp_path) == []
