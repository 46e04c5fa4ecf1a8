"""A real TensorBoard, with both of its loaders: what was logged is there, however it was logged."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch.utils.tensorboard
from tensorboard.compat.proto import types_pb2

from pysclice.events import SliceWriter, read_slices, split_tag, tag, to_summary
from pysclice.slices import Slice
from tests.plugin.conftest import (
    NO_FAST_LOADER,
    Server,
    a_line,
    a_plane,
    keys_of,
    serve,
    unpack_frames,
    until,
    write_raw,
)

Start = Callable[..., AbstractContextManager[Server]]
SHUFFLED = [0, 500, 100, 30, 700, 20, 2]
BAD_STEPS = {3, 11}


def write_everything(logdir: Path) -> None:
    """A log directory with all that has ever been trouble."""
    with SliceWriter(logdir / "long") as writer:
        for step in range(300):
            writer.write(a_line(step=step))
    with SliceWriter(logdir / "shuffled") as writer:
        for step in SHUFFLED:
            writer.write(a_plane(step=step, samples=25))
    with SliceWriter(logdir / "resumed") as writer:
        for step in range(4):
            writer.write(a_plane(step=step))
        writer.write(a_plane(step=1, method="again"))
    with SliceWriter(logdir / "resumed") as writer:  # the directory is in use: a child run
        for step in range(2, 6):
            writer.write(a_plane(step=step, method="resumed"))
    with torch.utils.tensorboard.SummaryWriter(str(logdir / "scalars only")) as user:
        user.add_scalar("loss", 1.0, 1)
    with torch.utils.tensorboard.SummaryWriter(str(logdir / "both")) as user:
        user.add_scalar("loss", 1.0, 1)
        SliceWriter(user).write(a_plane(step=1))
        user.add_scalar("loss", 1.0, 2)
    write_damaged(logdir / "damaged")


def write_damaged(run: Path) -> None:
    with SliceWriter(run) as writer:
        for step in range(16):
            if step not in BAD_STEPS:
                writer.write(a_plane(step=step))
    for step in BAD_STEPS:
        lying = to_summary(a_plane(step=step), "ffff")
        tensor = lying.value[0].tensor
        tensor.Clear()
        tensor.dtype = types_pb2.DT_FLOAT
        tensor.tensor_shape.dim.add(size=3)
        tensor.tensor_content = b"abc"
        write_raw(run / "slices", lying, step, 1.0)
    foreign = to_summary(a_plane(), "ffff")
    foreign.value[0].tag = "<img src=x onerror=alert(1)>"
    write_raw(run / "slices", foreign, 0, 1.0)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    write_everything(directory)
    return directory


@pytest.fixture(
    scope="module",
    params=[
        "--load_fast=false",
        pytest.param("--load_fast=true", marks=NO_FAST_LOADER),
        "--load_fast=false --path_prefix=/a/b",
        pytest.param("--load_fast=true --path_prefix=/a/b", marks=NO_FAST_LOADER),
    ],
)
def server(request: pytest.FixtureRequest, logdir: Path) -> Iterator[Server]:
    """TensorBoard over all this, when it has loaded all of it."""
    with serve(logdir, *request.param.split()) as running:
        events = sum(len(steps) for series in EXPECTED.values() for steps in series.values())

        def loaded() -> bool:
            runs = index_of(running)
            return sum(len(s["steps"]) for r in runs.values() for s in r.values()) == events

        until(loaded)
        until(lambda: running.plugin("health").json()["malformed"])
        yield running


EXPECTED = {
    "long": {"random line": list(range(300))},
    "shuffled": {"random plane": sorted(SHUFFLED)},
    "resumed": {"random plane": list(range(6))},
    "both": {"random plane": [1]},
    "damaged": {"random plane": list(range(16))},
}


def index_of(server: Server) -> dict[str, dict[str, Any]]:
    """Run -> series -> its columns."""
    index = server.plugin("index").json()
    return {run["name"]: {s["name"]: s for s in run["series"]} for run in index["runs"]}


def steps_of(server: Server, run: str) -> list[int]:
    series = index_of(server).get(run, {}).get("random plane", {"steps": []})
    return list(series["steps"])


def has_changed(server: Server, since: str) -> bool:
    return bool(server.plugin(f"poll?since={since}").json()["changed"])


def test_everything_that_was_logged_is_there(server: Server) -> None:
    found = {
        run: {name: s["steps"] for name, s in series.items()}
        for run, series in index_of(server).items()
    }
    assert found == EXPECTED


def test_the_bytes_are_those_that_were_logged(server: Server, logdir: Path) -> None:
    with pytest.warns(RuntimeWarning):  # of the damaged ones
        logged = read_slices(logdir)
    for run, all_series in index_of(server).items():
        for name, series in all_series.items():
            keys = keys_of(series)
            frames = [
                f for at in range(0, len(keys), 200) for f in server.frames(keys[at : at + 200])
            ]
            for step, frame in zip(series["steps"], frames, strict=True):
                if run == "damaged" and step in BAD_STEPS:
                    assert isinstance(frame, str)
                else:
                    assert frame == logged[run][name][step].to_bytes()


def test_the_newest_attempt_wins_and_children_are_merged(server: Server) -> None:
    runs = {run["name"]: run for run in server.plugin("index").json()["runs"]}
    assert runs["resumed"]["sources"] == ["resumed", "resumed/slices"]
    series = index_of(server)["resumed"]["random plane"]
    records = [frame for frame in server.frames(keys_of(series)) if isinstance(frame, bytes)]
    methods = [Slice.from_bytes(record).method for record in records]
    assert methods == ["random direction", "again", *["resumed"] * 4]


def test_frames_with_a_stride(server: Server) -> None:
    keys = keys_of(index_of(server)["shuffled"]["random plane"])
    records = [frame for frame in server.frames(keys, stride=4) if isinstance(frame, bytes)]
    slices = [Slice.from_bytes(record) for record in records]
    assert [s.step for s in slices] == sorted(SHUFFLED)
    for slice_ in slices:
        assert slice_ == a_plane(step=slice_.step, samples=25).coarsen(4)


def test_health_tells_loader_retention_and_what_is_damaged(server: Server) -> None:
    health = server.plugin("health").json()
    assert health["loader"] in ("fast", "slow")
    assert health["retention"] == "all"
    assert [m["run"] for m in health["malformed"]] == ["damaged/slices"]
    assert health["malformed"][0]["tag"] == "<img src=x onerror=alert(1)>"


def test_the_tab_is_there_and_its_page_loads(server: Server) -> None:
    listing = server.get("data/plugins_listing").json()["loss_slicer"]
    assert listing["enabled"]
    assert listing["tab_name"] == "Loss Slicer"
    entry = server.get("data/plugin_entry.html?name=loss_slicer")
    assert b"static/index.js" in entry.body
    script = server.plugin("static/index.js")
    assert script.status == 200
    assert script.headers["Content-Type"].startswith("text/javascript")


def test_unknown_routes_and_other_methods(server: Server) -> None:
    assert server.plugin("nothing").status == 404
    assert server.plugin("static/..%2floader.py").status == 404
    assert server.plugin("index", "POST").status == 405
    head = server.plugin("index", "HEAD")
    assert (head.status, head.body) == (200, b"")


def test_scalars_of_a_run_that_slices_share_are_all_there(server: Server) -> None:
    scalars = server.get("data/plugin/scalars/scalars?run=both&tag=loss")
    assert [step for _, step, _ in scalars.json()] == [1, 2]


def test_new_slices_appear_while_training_goes_on(
    tensorboard: Start, loader: str, tmp_path: Path
) -> None:
    with tensorboard(tmp_path) as server, SliceWriter(tmp_path / "run") as writer:
        assert index_of(server) == {}
        health = server.plugin("health").json()
        assert (health["loader"], health["retention"]) == (loader, "all")
        for step in range(3):
            before = server.plugin("poll").json()["generation"]
            assert server.plugin(f"poll?since={before}").json()["changed"] is False
            name = writer.write(a_plane(step=step))
            until(functools.partial(has_changed, server, before))
            series = index_of(server)["run"]["random plane"]
            assert series["steps"] == list(range(step + 1))
            assert keys_of(series)[-1].endswith(f".{step}.{split_tag(name)[2]}")
            assert server.frames(keys_of(series))[-1] == a_plane(step=step).to_bytes()


def test_the_users_own_sampling_wins(tensorboard: Start, tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        for step in range(20):
            writer.write(a_plane(step=step))
    with tensorboard(tmp_path, "--samples_per_plugin=loss_slicer=3") as server:
        until(lambda: len(steps_of(server, ".")) == 20)
        assert server.plugin("health").json()["retention"] == 3
        keys = keys_of(index_of(server)["."]["random plane"])
        assert all(isinstance(frame, bytes) for frame in server.frames(keys))  # one tag each


def test_tensors_that_no_answer_could_hold_are_refused(tensorboard: Start, tmp_path: Path) -> None:
    summary = to_summary(a_plane(step=1), "aaaa")
    data = summary.value[0].metadata.plugin_data
    data.content = json.dumps(json.loads(data.content) | {"shape": [1, 10**6, 10**6]}).encode()
    write_raw(tmp_path / "run", summary, 1, 1.0)
    with tensorboard(tmp_path) as server:
        series = until(lambda: index_of(server).get("run", {}).get("random plane"))
        (frame,) = server.frames(keys_of(series))
        assert "larger than" in str(frame)


def test_two_events_of_one_tag_give_the_newer(tensorboard: Start, tmp_path: Path) -> None:
    first, second = a_plane(step=1), a_plane(step=1, method="later")
    write_raw(tmp_path / "run", to_summary(first, "aaaa"), 1, 1000.0)
    write_raw(tmp_path / "run", to_summary(second, "aaaa"), 1, 2000.0)
    assert tag("random plane", 1, "aaaa") == to_summary(first, "aaaa").value[0].tag
    with tensorboard(tmp_path) as server:

        def newer() -> bool:
            series = index_of(server).get("run", {}).get("random plane")
            return series is not None and server.frames(keys_of(series)) == [second.to_bytes()]

        until(newer)


def test_large_slices_travel_unharmed(tensorboard: Start, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1, 201, 201)).astype("f4")
    values[0, 0, :3] = [np.nan, np.inf, -np.inf]
    slice_ = a_plane(step=7, samples=201, values={"l": values}, center={"l": [0.0]})
    with SliceWriter(tmp_path) as writer:
        writer.write(slice_)
    with tensorboard(tmp_path) as server:
        series = until(lambda: index_of(server).get(".", {}).get("random plane"))
        answer = server.plugin(f"frames?keys={keys_of(series)[0]}")
        assert unpack_frames(answer.body) == [slice_.to_bytes()]
