"""Every route, asked over WSGI as a browser would, on TensorBoard's own multiplexer."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorboard
import werkzeug.test
from tensorboard.backend import application
from tensorboard.backend.event_processing import data_ingester, data_provider
from tensorboard.backend.event_processing import plugin_event_multiplexer as multiplexer
from tensorboard.compat.proto import types_pb2
from tensorboard.plugins import base_plugin
from tensorboard_loss_slicer import plugin as plugin_module
from tensorboard_loss_slicer.plugin import LossSlicerPlugin, static_files

import pysclice
from pysclice.events import PLUGIN_NAME, SliceWriter, to_summary
from pysclice.slices import VERSION, Slice
from tests.plugin.conftest import (
    a_line,
    a_plane,
    golden,
    keys_of,
    quote,
    unpack_frames,
    write_raw,
)

ROUTES = ["index", "poll", "frames", "export", "health", "static/index.js"]


class Site:
    """The plugin inside TensorBoard's WSGI application."""

    def __init__(
        self, logdir: Path, prefix: str = "", sampling_hints: dict[str, int] | None = None
    ) -> None:
        # The guidance of the command; an EventMultiplexer without one keeps far more.
        guidance = data_ingester.DEFAULT_TENSOR_SIZE_GUIDANCE | (sampling_hints or {})
        runs = multiplexer.EventMultiplexer(
            size_guidance=data_ingester.DEFAULT_SIZE_GUIDANCE, tensor_size_guidance=guidance
        )
        runs.AddRunsFromDirectory(str(logdir))
        runs.Reload()
        provider = data_provider.MultiplexerDataProvider(runs, str(logdir))
        context = base_plugin.TBContext(data_provider=provider, sampling_hints=sampling_hints)
        self.plugin = LossSlicerPlugin(context)
        app = application.TensorBoardWSGI([self.plugin], prefix, provider)
        self.client = werkzeug.test.Client(app)
        self.root = f"{prefix}/data/plugin/loss_slicer"

    def get(self, route: str, method: str = "GET", **options: Any) -> werkzeug.test.TestResponse:
        return self.client.open(f"{self.root}/{route}", method=method, **options)

    def json(self, route: str) -> Any:
        return self.get(route).json

    def index(self) -> Any:
        return self.json("index")

    def keys(self) -> list[str]:
        return [
            key for run in self.index()["runs"] for series in run["series"]
            for key in keys_of(series)
        ]  # fmt: skip

    def frames(self, keys: list[str], stride: int = 1) -> list[bytes | str]:
        return unpack_frames(self.get(f"frames?keys={','.join(keys)}&stride={stride}").data)


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    with SliceWriter(directory / "small batch") as writer:
        for step in (500, 0, 1000):
            writer.write(a_plane(step=step))
    with SliceWriter(directory / "large & batch") as writer:
        writer.write(a_line(step=5))
    return directory


@pytest.fixture(params=["", "/foo/bar"], ids=["no prefix", "prefix"])
def site(request: pytest.FixtureRequest, logdir: Path) -> Site:
    return Site(logdir, prefix=request.param)


def test_index_lists_all_and_what_is_asked_for(site: Site) -> None:
    answer = site.get("index")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    index = site.index()
    assert [run["name"] for run in index["runs"]] == ["large & batch", "small batch"]
    assert index["runs"][1]["series"][0]["steps"] == [0, 500, 1000]
    assert index["version"] == pysclice.__version__
    chosen = site.json(f"index?run={quote('large & batch')}&run=nowhere")
    assert [run["name"] for run in chosen["runs"]] == ["large & batch"]


def test_poll_says_whether_anything_changed(site: Site) -> None:
    generation = site.index()["generation"]
    for query, changed in [("", True), ("?since=other", True), (f"?since={generation}", False)]:
        assert site.json(f"poll{query}") == {"generation": generation, "changed": changed}


def test_frames_are_the_bytes_that_were_logged(site: Site) -> None:
    keys = site.keys()
    expected = [a_line(step=5).to_bytes()] + [a_plane(step=s).to_bytes() for s in (0, 500, 1000)]
    assert site.frames(keys) == expected
    answer = site.get(f"frames?keys={keys[1]}")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000"


def test_frames_with_a_stride(site: Site) -> None:
    keys = site.keys()
    found = site.frames(keys, stride=4)
    assert isinstance(found[1], bytes)
    assert Slice.from_bytes(found[1]) == a_plane(step=0).coarsen(4)
    refused = site.frames(keys[:1], stride=5)
    assert "Stride 5 does not fit" in str(refused[0])


def test_an_answer_with_an_error_is_not_cached(site: Site) -> None:
    answer = site.get(f"frames?keys={site.keys()[0]},unknown")
    assert answer.status_code == 200
    record, error = unpack_frames(answer.data)
    assert isinstance(record, bytes)
    assert isinstance(error, str)
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?keys=",
        "?keys=,,",
        "?keys=" + ",".join(["a"] * 257),
        "?keys=a&stride=0",
        "?keys=a&stride=-1",
        "?keys=a&stride=1.5",
        "?keys=a&stride=nan",
        "?keys=a&stride=65537",
        "?keys=a&stride=" + "9" * 5000,
        "?keys=a&stride=%D9%A1",
        "?keys=a&stride=",
        "?keys=a&stride=1_0",
    ],
)
def test_frames_that_make_no_sense_are_refused_in_a_sentence(site: Site, query: str) -> None:
    answer = site.get(f"frames{query}")
    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert answer.text.endswith(".")


@pytest.mark.parametrize(
    "key", ["%00", "..%2f..%2fetc%2fpasswd", "%ff%fe", "%ED%A0%80", "<script>"]
)
def test_strange_keys_are_errors_of_their_frames(site: Site, key: str) -> None:
    answer = site.get(f"frames?keys={key}")
    assert answer.status_code == 200
    (error,) = unpack_frames(answer.data)
    assert isinstance(error, str)
    assert site.get(f"export?keys={key}&format=csv").status_code == 404


def test_export_csv(site: Site) -> None:
    keys = site.keys()
    answer = site.get(f"export?keys={keys[0]},{keys[2]}&format=csv")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="slices.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 13 + 13 * 13
    assert list(rows[0]) == [
        "run", "series", "step", "focus_point", "line", "x", "y", "train/loss", "validation/loss",
    ]  # fmt: skip
    assert rows[0]["run"] == "large & batch"
    assert rows[0] | {"line": "random 0", "y": "", "x": "-1.0", "validation/loss": ""} == rows[0]
    assert [rows[3]["train/loss"], rows[4]["train/loss"]] == ["nan", "inf"]
    x, plane = a_plane().axes[0].coordinates, a_plane(step=500)
    last = rows[13 + 13 * 2 + 7]
    assert (float(last["x"]), float(last["y"])) == (x[2], x[7])
    assert np.float32(last["train/loss"]) == plane.losses[0, 2, 7]
    assert last["line"] == ""


def test_export_json(site: Site) -> None:
    keys = site.keys()
    answer = site.get(f"export?keys={keys[0]},{keys[1]}&format=json")
    line, plane = json.loads(answer.data, parse_constant=pytest.fail)
    assert line["run"] == "large & batch"
    assert line["values"]["train/loss"][0][0][2:6] == pytest.approx([4 / 9, None, None, 1 / 36])
    assert plane["axes"][0]["coordinates"] == a_plane().axes[0].coordinates.tolist()
    assert np.array_equal(np.float32(plane["values"]["train/loss"]), a_plane().losses)
    assert [plane["series"], plane["step"], plane["shape"]] == ["random plane", 0, [1, 13, 13]]


def test_export_npy(site: Site) -> None:
    keys = site.keys()
    answer = site.get(f"export?keys={keys[1]}&format=npy")
    array = np.load(io.BytesIO(answer.data), allow_pickle=False)
    assert array.dtype == np.float32
    assert array.shape == (2, 1, 13, 13)
    assert np.array_equal(array[1], a_plane().values["validation/loss"])
    assert site.get(f"export?keys={keys[0]},{keys[1]}&format=npy").status_code == 400


@pytest.fixture
def second_version(tmp_path: Path) -> dict[str, tuple[Site, str]]:
    """Golden slice by name -> a site that has it, and its key."""
    directory = tmp_path / "second"
    with SliceWriter(directory) as writer:
        for name in ("line", "plane", "spectrum"):
            writer.write(golden(name))
    site = Site(directory)
    series = {golden(name).series: name for name in ("line", "plane", "spectrum")}
    return {
        series[entry["name"]]: (site, keys_of(entry)[0])
        for run in site.index()["runs"]
        for entry in run["series"]
    }


def test_a_spectrum_is_listed_by_its_kind(second_version: dict[str, tuple[Site, str]]) -> None:
    site, key = second_version["spectrum"]
    assert site.json("health")["malformed"] == []
    kinds = {layout["kind"] for run in site.index()["runs"] for s in run["series"]
             for layout in s["layouts"]}  # fmt: skip
    assert kinds == {"lines", "plane", "spectrum"}
    (coarse,) = site.frames([key], stride=2)
    assert isinstance(coarse, bytes)
    assert Slice.from_bytes(coarse) == golden("spectrum").coarsen(2)


@pytest.mark.parametrize("name", ["line", "spectrum"])
def test_exports_hold_standard_errors(
    second_version: dict[str, tuple[Site, str]], name: str
) -> None:
    site, key = second_version[name]
    slice_ = golden(name)
    errors = slice_.errors["train/loss"]
    rows = list(csv.DictReader(io.StringIO(site.get(f"export?keys={key}&format=csv").text)))
    columns = [*slice_.channels, "train/loss standard error"]
    assert list(rows[0])[-len(columns) :] == columns
    written = np.array([float(row["train/loss standard error"]) for row in rows], "f4")
    assert np.array_equal(written, errors.ravel())
    (record,) = json.loads(site.get(f"export?keys={key}&format=json").data)
    assert list(record["errors"]) == ["train/loss"]
    assert np.array_equal(np.float32(record["errors"]["train/loss"]), errors)
    assert record["notes"] == dict(slice_.notes)
    array = np.load(io.BytesIO(site.get(f"export?keys={key}&format=npy").data))
    assert np.array_equal(array[: len(slice_.values)], list(slice_.values.values()), equal_nan=True)
    assert np.array_equal(array[len(slice_.values) :], [errors])


def test_exported_json_holds_the_trajectory(second_version: dict[str, tuple[Site, str]]) -> None:
    site, key = second_version["plane"]
    (record,) = json.loads(
        site.get(f"export?keys={key}&format=json").data, parse_constant=pytest.fail
    )
    path = golden("plane").trajectory
    assert path is not None
    assert record["errors"] == {}
    assert record["trajectory"] == {
        "steps": [0, 100, 250],
        "coordinates": path.coordinates.tolist(),
        "distances": [1.5, None, 0.0],
        "explained": 0.875,
    }


def test_exports_say_what_was_interpolated(tmp_path: Path) -> None:
    slice_ = golden("adaptive")
    with SliceWriter(tmp_path) as writer:
        writer.write(slice_)
    site = Site(tmp_path)
    (key,) = site.keys()
    rows = list(csv.DictReader(io.StringIO(site.get(f"export?keys={key}&format=csv").text)))
    assert slice_.evaluated is not None
    assert [row["evaluated"] == "1" for row in rows] == slice_.evaluated.ravel().tolist()
    # Where a value is interpolated no error was measured.
    assert all(
        (row["train/loss standard error"] == "nan") == (row["evaluated"] == "0") for row in rows
    )
    (record,) = json.loads(
        site.get(f"export?keys={key}&format=json").data, parse_constant=pytest.fail
    )
    assert record["evaluated"] == slice_.evaluated.tolist()
    (coarse,) = site.frames([key], stride=2)
    assert isinstance(coarse, bytes)
    assert Slice.from_bytes(coarse) == slice_.coarsen(2)


def test_a_column_of_errors_is_empty_where_a_slice_has_none(
    second_version: dict[str, tuple[Site, str]],
) -> None:
    site, line = second_version["line"]
    plane = second_version["plane"][1]
    text = site.get(f"export?keys={line},{plane}&format=csv").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["train/loss standard error"] == "" for row in rows] == [False] * 13 + [True] * 63


@pytest.mark.parametrize(
    "query", ["keys=a", "keys=a&format=xml", "format=csv", "keys=a&format=../x"]
)
def test_exports_that_make_no_sense_are_refused(site: Site, query: str) -> None:
    answer = site.get(f"export?{query}")
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")


def test_export_of_too_many_values_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorboard_loss_slicer.export.MAX_TEXT_VALUES", 100)
    for format_ in ("csv", "json"):
        answer = site.get(f"export?keys={site.keys()[1]}&format={format_}")
        assert answer.status_code == 400
        assert "format=npz" in answer.text


def test_exported_names_are_no_formulas(tmp_path: Path) -> None:
    with SliceWriter(tmp_path / "=1+1") as writer:
        writer.write(a_line(series="@SUM(A1)"))
    site = Site(tmp_path)
    (row, *_) = csv.DictReader(
        io.StringIO(site.get(f"export?keys={site.keys()[0]}&format=csv").text)
    )
    assert (row["run"], row["series"]) == ("'=1+1", "'@SUM(A1)")


def test_health(site: Site) -> None:
    assert site.json("health") == {
        "pysclice": pysclice.__version__,
        "tensorboard": tensorboard.__version__,
        "format": VERSION,
        "logdir": "",
        "loader": "slow",
        "retention": 10,
        "malformed": [],
        "newer": 0,
    }


@pytest.mark.parametrize(("hint", "retention"), [(0, "all"), (7, 7)])
def test_health_says_how_much_is_kept(logdir: Path, hint: int, retention: object) -> None:
    site = Site(logdir, sampling_hints={PLUGIN_NAME: hint})
    assert site.json("health")["retention"] == retention
    assert len(site.frames(site.keys())) == 4


def test_an_empty_directory_is_an_ordinary_state(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert site.index()["runs"] == []
    assert site.json("health")["malformed"] == []
    assert not site.plugin.is_active()


def test_malformed_events_are_named_and_cost_the_others_nothing(tmp_path: Path) -> None:
    with SliceWriter(tmp_path / "run") as writer:
        for step in range(5):
            writer.write(a_plane(step=step))
    lying = to_summary(a_plane(step=2), "ffff")
    lying.value[0].tensor.tensor_shape.dim.add(size=3)
    lying.value[0].tensor.dtype = types_pb2.DT_FLOAT
    lying.value[0].tensor.tensor_content = b"abc"
    write_raw(tmp_path / "run/slices", lying, 2, 4e9)
    no_metadata = to_summary(a_plane(step=9), "eeee")
    no_metadata.value[0].metadata.plugin_data.content = b"{}"
    write_raw(tmp_path / "other", no_metadata, 9, 1.0)
    newer = to_summary(a_plane(step=10), "dddd")
    newer.value[0].metadata.plugin_data.content = b'{"v":99}'
    write_raw(tmp_path / "newer", newer, 10, 1.0)

    site = Site(tmp_path)
    found = site.frames(site.keys())
    assert [isinstance(frame, str) for frame in found] == [False, False, True, False, False]
    health = site.json("health")
    assert [m["tag"] for m in health["malformed"]] == ["random plane/0000000009/eeee"]
    assert health["newer"] == 1
    assert site.index()["malformed"] == 1


def test_malformed_events_are_listed_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_module, "MAX_MALFORMED", 2)
    for i in range(4):
        summary = to_summary(a_plane(), "eeee")
        summary.value[0].metadata.plugin_data.content = b"{}"
        write_raw(tmp_path / str(i), summary, 9, 1.0)
    site = Site(tmp_path)
    assert len(site.json("health")["malformed"]) == 2
    assert site.index()["malformed"] == 4


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_routes_only_read(site: Site, route: str, method: str) -> None:
    answer = site.get(route, method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("route", ["index", "poll", "health", "static/index.js"])
def test_head_is_get_without_a_body(site: Site, route: str) -> None:
    answer = site.get(route, method="HEAD")
    assert (answer.status_code, answer.data) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(site.get(route).data)


@pytest.mark.parametrize("route", [*ROUTES, "frames?keys=a", "export?keys=a&format=json"])
def test_answers_satisfy_the_security_validator(
    site: Site, route: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = site.get(route)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not caplog.records


@pytest.mark.parametrize(
    "name",
    [
        "../plugin.py",
        "%2e%2e/plugin.py",
        "..%2fplugin.py",
        "..%5cplugin.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "index.js%00",
        "INDEX.JS",
        "",
    ],
)
def test_only_exact_names_are_served(site: Site, name: str) -> None:
    assert site.get(f"static/{name}").status_code == 404


def test_the_entry_is_revalidated_and_a_module_that_renders(site: Site) -> None:
    answer = site.get("static/index.js")
    assert answer.mimetype == "text/javascript"
    assert "no-cache" in answer.headers["Cache-Control"]
    assert "render" in answer.text


def test_the_entry_has_the_index_listed_ahead(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Event()
    listed = site.plugin._provider.list_tensors

    def list_tensors(*arguments: Any, **options: Any) -> Any:
        started.set()
        return listed(*arguments, **options)

    monkeypatch.setattr(site.plugin._provider, "list_tensors", list_tensors)
    monkeypatch.setattr(site.plugin._fresh, "_clock", lambda: 0.0)
    assert site.get("static/index.js").status_code == 200
    assert started.wait(60)
    started.clear()
    assert len(site.keys()) == 4
    assert not started.is_set()


def test_a_built_page_is_served_from_memory(
    logdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.js").write_text("export function render() {}")
    (static / "assets" / "worker-3fa2b1c0.js").write_text("1")
    (static / "style-3fa2b1c0.css").write_text("p {}")
    (static / "notes.exe").write_text("not ours")
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    site = Site(logdir)
    (static / "index.js").unlink()
    assert site.get("static/index.js").text == "export function render() {}"
    worker = site.get("static/assets/worker-3fa2b1c0.js")
    assert worker.mimetype == "text/javascript"
    assert worker.headers["Cache-Control"] == "private, max-age=31536000"
    assert site.get("static/style-3fa2b1c0.css").mimetype == "text/css"
    assert site.get("static/notes.exe").status_code == 404


def test_a_page_that_was_not_built_says_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    files = dict(static_files())
    assert list(files) == ["index.js"]
    script = files["index.js"].decode()
    assert "pip install -e ." in script
    assert "textContent" in script
    assert "innerHTML" not in script


def test_every_documented_route_exists(site: Site) -> None:
    document = Path(plugin_module.__file__).with_name("http_api.md").read_text()
    documented = set(re.findall(r"^## `([a-z]+)", document, re.MULTILINE))
    served = {path.split("/")[1] for path in site.plugin.get_plugin_apps()}
    assert served == documented


def test_a_whole_series_is_exported_by_its_id(site: Site) -> None:
    series = site.index()["runs"][1]["series"][0]
    answer = site.get(f"export?series={series['id']}&format=npz")
    with np.load(io.BytesIO(answer.data), allow_pickle=False) as npz:
        assert npz["steps"].tolist() == [0, 500, 1000]
        np.testing.assert_array_equal(npz["values"][1, 0], a_plane(step=500).losses)
    thinned = site.get(f"export?series={series['id']}&format=csv&every=5").data.decode()
    assert {line.split(",")[2] for line in thinned.splitlines()[1:]} == {"0", "1000"}
    assert site.get("export?series=nobody&format=csv").status_code == 404


def test_a_page_that_needs_no_server(site: Site) -> None:
    ids = [series["id"] for run in site.index()["runs"] for series in run["series"]]
    query = "&".join(f"series={id_}" for id_ in ids)
    answer = site.get(f"page?{query}&link.step=500&title={quote('<b>&')}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="slices.html"'
    log = json.loads(answer.text.partition('id="pysclice-log">')[2].partition("</script>")[0])
    assert sorted(log["frames"]) == sorted(site.keys())
    assert log["link"] == {"step": "500"}
    assert sorted(log["runs"]) == ["large & batch", "small batch"]
    assert "<title>&lt;b&gt;&amp;</title>" in answer.text
    assert site.get("page").status_code == 400
    assert site.get("page?series=nobody").status_code == 404
    assert site.get(f"page?{query}&every=0").status_code == 400


def test_the_script_of_exported_pages_is_not_served(site: Site) -> None:
    assert site.get("static/standalone.js").status_code == 404
