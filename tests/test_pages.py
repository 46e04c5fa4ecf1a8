"""Pages for notebooks and for sharing, and the command that writes them."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest

import pysclice as ps
from pysclice import cli
from pysclice.events import SliceWriter


def a_slice(step: int = 0, series: str = "a line") -> ps.Slice:
    x = np.linspace(-1, 1, 5)
    return ps.Slice(
        kind="lines",
        method="by hand",
        axes=(ps.Axis("x", x, length=2.0),),
        values={"loss": step + x[None, None] ** 2},
        center={"loss": [float(step)]},
        series=series,
        step=step,
    )


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    for run in ("a", "b"):
        with SliceWriter(tmp_path / "log" / run) as writer:
            for step in range(5):
                writer.write(a_slice(step))
            writer.write(a_slice(7, "other"))
    return tmp_path / "log"


def frames(content: bytes) -> int:
    return len(re.findall(rb"\.[0-9]+\.0000\":", content))


def test_a_notebook_gets_a_frame_that_holds_the_page() -> None:
    page = ps.show(a_slice(), height=321)
    shown = page._repr_html_()
    assert shown.count("<") == 2, "a name or a script stands outside of the attribute"
    srcdoc = re.search(r'srcdoc="([^"]*)"', shown)
    assert srcdoc is not None and html.unescape(srcdoc[1]).encode() == page.content
    assert 'height="321"' in shown and 'sandbox="allow-scripts' in shown


def test_log_directories_slices_and_series_are_shown(logdir: Path, tmp_path: Path) -> None:
    assert frames(ps.show(a_slice()).content) == 1
    assert frames(ps.show({step: a_slice(step) for step in range(3)}).content) == 3
    assert frames(ps.show(logdir).content) == 12
    assert frames(ps.show(str(logdir), runs=["a"], series=["a line"], every=3).content) == 3
    assert ps.show(logdir).save(tmp_path / "p.html").read_bytes() == ps.show(logdir).content


def test_what_cannot_be_shown_is_said(logdir: Path) -> None:
    with pytest.raises(ValueError, match=r"no run 'c'; there is 'a', 'b'"):
        ps.show(logdir, runs=["c"])
    with pytest.raises(ValueError, match=r"no series 'x'; there is 'a line', 'other'"):
        ps.show(logdir, series=["x"])
    with pytest.raises(ValueError, match="every=0 keeps no step"):
        ps.show(logdir, every=0)
    with pytest.raises(TypeError, match="Cannot show 'int'"):
        ps.show(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="empty"):
        ps.show({})
    with pytest.raises(FileNotFoundError, match="no log directory"):
        ps.show(logdir / "nowhere")


def test_the_command_writes_the_same_page(
    logdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "page.html"
    chosen = ["--run", "b", "--series", "a line", "other", "--every", "2"]
    assert cli.main(["export", str(logdir), "-o", str(file), *chosen]) == 0
    expected = ps.show(logdir, runs=["b"], series=["a line", "other"], every=2)
    assert file.read_bytes() == expected.content
    assert "Open it in any browser" in capsys.readouterr().out
    assert cli.main(["export", str(logdir), "-o", str(file), "--run", "c"]) == 1
    assert "There is no run 'c'" in capsys.readouterr().err
    assert cli.main(["export", str(logdir / "x"), "-o", str(file)]) == 1
    assert "There is no log directory" in capsys.readouterr().err
