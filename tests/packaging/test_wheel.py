"""What people install: built from the sources, without Node, and run without torch."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import build_frontend
import pysclice
from tests.plugin.conftest import keys_of, unpack_frames, until

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).resolve().parents[2]
NAME = f"pysclice-{pysclice.__version__}"
START_SECONDS = 120
SERVED = "data/plugin/loss_slicer"

# Neither of these is a source, and some are large.
NOT_SOURCES = shutil.ignore_patterns(
    ".*", "node_modules", "build", "dist", "*.egg-info", "__pycache__", "pysclice-demo*", "runs"
)


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command prints; a failure shows all of it."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which no program is found by its bare name, Node neither."""
    empty = tmp_path_factory.mktemp("empty")
    return {**os.environ, "PATH": str(empty), "PYTHONPATH": ""}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source archive, built from a copy so that nothing is left in the checkout."""
    copy = tmp_path_factory.mktemp("checkout") / "pysclice"
    shutil.copytree(ROOT, copy, ignore=NOT_SOURCES)
    page = ROOT / "tensorboard_plugin" / "tensorboard_loss_slicer" / "static"
    assert build_frontend.is_built(), "Build the page first: make frontend"
    shutil.copytree(page, copy / page.relative_to(ROOT), dirs_exist_ok=True)
    run(sys.executable, "-m", "build", "--sdist", "--outdir", copy / "dist", cwd=copy)
    return copy / "dist" / f"{NAME}.tar.gz"


@pytest.fixture(scope="module")
def wheel(
    sdist: Path, tmp_path_factory: pytest.TempPathFactory, without_node: dict[str, str]
) -> Path:
    """A wheel, built from the unpacked source archive where there is no Node."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = folder / NAME
    command = (sys.executable, "-m", "build", "--wheel", "--outdir", folder, source)
    said = run(*command, cwd=folder, env=without_node)
    assert "nodejs" not in said
    return folder / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def torchless(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, without_node: dict[str, str]
) -> Path:
    """The Python of an environment with the wheel, TensorBoard and numpy alone."""
    folder = tmp_path_factory.mktemp("torchless")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = (python, "-m", "pip", "install", "-q")
    constraints = ROOT / "constraints.txt"
    run(*install, "-c", constraints, "tensorboard", "numpy", cwd=folder)
    run(*install, "--no-deps", wheel, cwd=folder)
    return python


@contextmanager
def tensorboard(python: Path, logdir: Path, env: dict[str, str]) -> Iterator[str]:
    """The address of a TensorBoard that runs meanwhile."""
    log = logdir.parent / "tensorboard.log"
    command = [str(python), "-m", "tensorboard.main", "--logdir", str(logdir), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=logdir.parent
        )
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(START_SECONDS * 10):
        if found := re.search(r"at (http://\S+:\d+/)", log.read_text("utf-8", "replace")):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"TensorBoard did not start:\n{log.read_text('utf-8', 'replace')}")


def test_the_source_archive_holds_the_page_and_its_sources(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    static = "tensorboard_plugin/tensorboard_loss_slicer/static"
    assert names >= {
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "build_frontend.py",
        "frontend/package-lock.json",
        "frontend/package.json",
        "frontend/src/entry.ts",
        "setup.py",
        f"{static}/index.js",
        f"{static}/.sources.sha256",
    }
    assert not [name for name in names if "node_modules" in name or name.startswith("tests")]


def test_the_wheel_holds_two_packages_and_the_page(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(f"{NAME}.dist-info/entry_points.txt").decode()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"pysclice", "tensorboard_loss_slicer", f"{NAME}.dist-info"}
    assert names >= {
        "pysclice/py.typed",
        "pysclice/core/surface.py",
        "tensorboard_loss_slicer/http_api.md",
        "tensorboard_loss_slicer/py.typed",
        "tensorboard_loss_slicer/static/index.js",
        f"{NAME}.dist-info/licenses/LICENSE",
    }
    page = ROOT / "tensorboard_plugin" / "tensorboard_loss_slicer" / "static"
    built = {path.relative_to(page).as_posix() for path in page.rglob("*") if path.is_file()}
    prefix = "tensorboard_loss_slicer/static/"
    packed = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    assert packed == built - {".sources.sha256"}
    assert "loss_slicer = tensorboard_loss_slicer.loader:LossSlicerLoader" in entry_points
    assert "pysclice = pysclice.cli:main" in entry_points


def test_tensorboard_serves_page_and_slices_where_torch_is_not_installed(
    torchless: Path, tmp_path: Path, without_node: dict[str, str]
) -> None:
    code = "import importlib.util as u; print(u.find_spec('torch'), u.find_spec('pysclice').origin)"
    torch, _, origin = run(torchless, "-c", code, cwd=tmp_path, env=without_node).partition(" ")
    assert torch == "None"
    assert str(ROOT) not in origin
    logdir = tmp_path / "runs"
    golden = ROOT / "tests" / "golden" / "v2-plane.slice"
    code = (
        "import sys; from pysclice.events import SliceWriter; from pysclice.slices import load\n"
        "with SliceWriter(sys.argv[1]) as writer: writer.write(load(sys.argv[2]))"
    )
    run(torchless, "-c", code, logdir, golden, cwd=tmp_path, env=without_node)
    with tensorboard(torchless, logdir, without_node) as address:

        def get(path: str) -> bytes:
            with urllib.request.urlopen(f"{address}{path}", timeout=60) as answer:
                body: bytes = answer.read()
                return body

        assert pysclice.__version__ in get(f"{SERVED}/health").decode()
        built = ROOT / "tensorboard_plugin" / "tensorboard_loss_slicer" / "static" / "index.js"
        assert get(f"{SERVED}/static/index.js") == built.read_bytes()
        assert b'"loss_slicer"' in get("data/plugins_listing")
        runs = until(lambda: json.loads(get(f"{SERVED}/index"))["runs"])
        [key] = keys_of(runs[0]["series"][0])
        [record] = unpack_frames(get(f"{SERVED}/frames?keys={key}"))
        assert record == golden.read_bytes()
