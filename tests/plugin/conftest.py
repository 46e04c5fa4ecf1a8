"""Real slices, a real TensorBoard process and a real WSGI application for the plugin's tests."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from pysclice.events import to_summary
from pysclice.slices import Axis, Slice, regular_coordinates

START_SECONDS = 60.0
FAST_LOADER = importlib.util.find_spec("tensorboard_data_server") is not None
NO_FAST_LOADER = pytest.mark.skipif(not FAST_LOADER, reason="no tensorboard-data-server here")


def pytest_configure(config: pytest.Config) -> None:
    """Let TensorBoard import the old libraries that it carries."""
    config.addinivalue_line("filterwarnings", "ignore:html5lib's sanitizer:DeprecationWarning")


@dataclass
class Answer:
    """What a route said."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running TensorBoard."""

    host: str
    port: int
    prefix: str
    log: list[str]

    def get(self, path: str, method: str = "GET") -> Answer:
        """What a path below TensorBoard's root answers."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request(method, f"{self.prefix}/{path}")
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def plugin(self, route: str, method: str = "GET") -> Answer:
        """What one of our routes answers."""
        return self.get(f"data/plugin/loss_slicer/{route}", method)

    def frames(self, keys: list[str], stride: int = 1) -> list[bytes | str]:
        """Record or error of each key."""
        answer = self.plugin(f"frames?keys={','.join(keys)}&stride={stride}")
        assert answer.status == 200, answer.body
        return unpack_frames(answer.body)


def unpack_frames(container: bytes) -> list[bytes | str]:
    """Record or error of each frame, read by the letter of ``http_api.md``."""
    assert container[:4] == b"PSF1"
    start = 8 + int.from_bytes(container[4:8], "little")
    assert start % 8 == 0
    result: list[bytes | str] = []
    for frame in json.loads(container[8:start])["frames"]:
        if "error" in frame:
            result.append(frame["error"])
            continue
        assert frame["offset"] % 8 == 0
        at = start + frame["offset"]
        result.append(container[at : at + frame["length"]])
        assert len(container) >= at + frame["length"]
    return result


def keys_of(series: dict[str, Any]) -> list[str]:
    """The key of every step, from the columns of a series in the index."""
    attempts = [attempt for attempt, count in series["attempts"] for _ in range(count)]
    assert len(attempts) == len(series["steps"])
    pairs = zip(series["steps"], attempts, strict=True)
    return [f"{series['id']}.{step}.{attempt}" for step, attempt in pairs]


def until(condition: Callable[[], Any], seconds: float = START_SECONDS) -> Any:
    """The first true value of a condition.

    Raises:
        TimeoutError: it never became true.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError(f"Not true within {seconds} s: {condition}")


@contextlib.contextmanager
def serve(
    logdir: Path, *flags: str, code: str = "", environment: dict[str, str] | None = None
) -> Iterator[Server]:
    """TensorBoard over a log directory, on a port of its own choice, killed at the end.

    Args:
        logdir: what it shows.
        flags: of the command line.
        code: Python that runs in the server's process before TensorBoard starts.
        environment: variables to add.
    """
    program = f"{code}\nfrom tensorboard.main import run_main\nrun_main()\n"
    common = ["--host=127.0.0.1", "--port=0", "--reload_interval=1", "--load_fast=false"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, f"--logdir={logdir}", *common, *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    )
    log: list[str] = []
    assert process.stderr is not None
    stderr = process.stderr
    reader = threading.Thread(target=lambda: log.extend(stderr), daemon=True)
    try:
        reader.start()

        def address() -> re.Match[str] | None:
            assert process.poll() is None, "TensorBoard stopped:\n" + "".join(log)
            return re.search(r" at http://([^:/]+):(\d+)(\S*?)/? ", "".join(log))

        found = until(address)
        yield Server(found[1], int(found[2]), found[3], log)
    finally:
        process.kill()  # not terminate: it must be gone whatever state it is in
        process.wait(timeout=START_SECONDS)
        reader.join(timeout=START_SECONDS)
        stderr.close()


@pytest.fixture(params=["slow", pytest.param("fast", marks=NO_FAST_LOADER)])
def loader(request: pytest.FixtureRequest) -> str:
    """Each of TensorBoard's two ways of loading."""
    return str(request.param)


@pytest.fixture
def tensorboard(loader: str) -> Callable[..., AbstractContextManager[Server]]:
    """Starts a TensorBoard with the loader of this test."""

    def start(logdir: Path, *flags: str) -> AbstractContextManager[Server]:
        return serve(logdir, f"--load_fast={'true' if loader == 'fast' else 'false'}", *flags)

    return start


def a_plane(
    series: str = "random plane", step: int = 0, samples: int = 13, **changes: Any
) -> Slice:
    """A bowl that rises with the step, over two channels."""
    x = regular_coordinates(-1.0, 1.0, samples)
    bowl = (x[:, None] ** 2 + 2 * x[None, :] ** 2 + step).astype("f4")[None]
    fields: dict[str, Any] = {
        "kind": "plane",
        "method": "random direction",
        "axes": (
            Axis("random 0", x, 2.0, fingerprint="0123456789abcdef"),
            Axis("random 1", x, 3.0, fingerprint="fedcba9876543210"),
        ),
        "values": {"train/loss": bowl, "validation/loss": bowl + 1},
        "center": {"train/loss": [float(step)], "validation/loss": [step + 1.0]},
        "series": series,
        "step": step,
        "wall_time": 1_795_230_000.5 + step,
    }
    return Slice(**(fields | changes))


def a_line(series: str = "random line", step: int = 0, samples: int = 13) -> Slice:
    """A parabola with a hole in it."""
    x = regular_coordinates(-1.0, 1.0, samples)
    values = (x**2).astype("f4")[None, None]
    values[0, 0, 3] = np.nan
    values[0, 0, 4] = np.inf
    return Slice(
        kind="lines",
        method="random direction",
        axes=(Axis("random 0", x, 2.0, fingerprint="0123456789abcdef"),),
        values={"train/loss": values},
        center={"train/loss": np.zeros(1)},
        series=series,
        step=step,
    )


def write_raw(directory: Path, summary: summary_pb2.Summary, step: int, wall_time: float) -> None:
    """One event in a file of its own, whatever it holds."""
    writer = EventFileWriter(str(directory))
    writer.add_event(event_pb2.Event(wall_time=wall_time, step=step, summary=summary))
    writer.close()


def write_unreadable(directory: Path, slice_: Slice) -> None:
    """A slice that the index lists but whose record is cut, and one of a later format."""
    cut = to_summary(slice_, "0000")
    cut.value[0].tensor.string_val[0] = cut.value[0].tensor.string_val[0][:100]
    later = to_summary(replace(slice_, step=slice_.step + 1), "0000")
    entry = json.loads(later.value[0].metadata.plugin_data.content) | {"v": 99}
    later.value[0].metadata.plugin_data.content = json.dumps(entry).encode()
    writer = EventFileWriter(str(directory))
    for summary, step in ((cut, slice_.step), (later, slice_.step + 1)):
        writer.add_event(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))
    writer.close()


def quote(text: str) -> str:
    """A text for a query."""
    return urllib.parse.quote(text, safe="")


GOLDEN = Path(__file__).parent.parent / "golden"


def golden(name: str) -> Slice:
    """A golden file of the record's second version: line, plane, bundle or spectrum."""
    return Slice.from_bytes((GOLDEN / f"v2-{name}.slice").read_bytes())
