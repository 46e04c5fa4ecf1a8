"""The way in: cheap to import, and whatever breaks behind it does not stop TensorBoard."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import werkzeug.test
from tensorboard.plugins import base_plugin
from tensorboard_loss_slicer import loader
from tensorboard_loss_slicer.loader import BrokenPlugin, LossSlicerLoader, message_page

from pysclice.events import PLUGIN_NAME, SliceWriter
from tests.plugin.conftest import Server, a_plane, keys_of, serve, until

# Stands where an import hook stands, so it also catches imports inside functions.
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Block())
"""
NO_TORCH = BLOCK.format(blocked={"torch", "tensorboardX", "tensorflow", "lightning", "matplotlib"})
BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorboard_loss_slicer.plugin":
            raise ImportError("numpy.core.multiarray failed to </script> import")
sys.meta_path.insert(0, Broken())
"""


def python(code: str) -> None:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_importing_the_loader_imports_next_to_nothing() -> None:
    # What TensorBoard's base class imports itself is not ours to answer for.
    python(
        """
import sys
import tensorboard.plugins.base_plugin
before = set(sys.modules)
import tensorboard_loss_slicer.loader
new = {m for m in set(sys.modules) - before if m.partition(".")[0] not in sys.stdlib_module_names}
assert new == {"tensorboard_loss_slicer", "tensorboard_loss_slicer.loader"}, new
for absent in ("torch", "numpy", "pysclice", "werkzeug", "tensorboard_loss_slicer.plugin"):
    assert absent not in sys.modules, absent
"""
    )


def test_the_entry_point_names_the_loader() -> None:
    found = {
        entry.load()
        for entry in metadata.entry_points(group="tensorboard_plugins")
        if entry.name == PLUGIN_NAME
    }
    assert found == {LossSlicerLoader}


def test_the_backend_imports_no_torch() -> None:
    python(
        NO_TORCH
        + """
import tensorboard_loss_slicer.plugin, tensorboard_loss_slicer.export, pysclice.events
assert "torch" not in sys.modules
"""
    )


def test_all_names_of_the_plugin_agree() -> None:
    from tensorboard_loss_slicer.plugin import LossSlicerPlugin

    names = {loader.PLUGIN_NAME, BrokenPlugin.plugin_name, LossSlicerPlugin.plugin_name}
    assert names == {PLUGIN_NAME}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {PLUGIN_NAME: 0}),
        ({"images": 5}, {"images": 5, PLUGIN_NAME: 0}),
        ({PLUGIN_NAME: 7}, {PLUGIN_NAME: 7}),
    ],
)
def test_every_slice_is_kept_unless_the_user_says_otherwise(
    given: dict[str, int], expected: dict[str, int]
) -> None:
    flags = argparse.Namespace(samples_per_plugin=given)
    LossSlicerLoader().fix_flags(flags)
    assert flags.samples_per_plugin == expected


@pytest.mark.parametrize("flags", [{}, {"samples_per_plugin": None}, {"samples_per_plugin": "a=1"}])
def test_flags_of_another_tensorboard_are_left_alone(flags: dict[str, Any]) -> None:
    namespace = argparse.Namespace(**flags)
    LossSlicerLoader().fix_flags(namespace)
    assert vars(namespace) == flags


def test_a_context_of_nothing_still_gives_a_plugin() -> None:
    context = base_plugin.TBContext()
    plugin = LossSlicerLoader().load(context)
    assert not isinstance(plugin, BrokenPlugin)
    client = werkzeug.test.Client(plugin.get_plugin_apps()["/index"])
    index = json.loads(client.get("/index").data)
    assert index["runs"] == []


def test_an_error_while_loading_gives_a_plugin_that_tells(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("no such file")

    monkeypatch.setattr("tensorboard_loss_slicer.plugin.static_files", fail)
    plugin = LossSlicerLoader().load(base_plugin.TBContext())
    assert isinstance(plugin, BrokenPlugin)
    assert "no such file" in caplog.text
    assert plugin.frontend_metadata().es_module_path == "/static/index.js"
    client = werkzeug.test.Client(plugin.get_plugin_apps()["/static/index.js"])
    answer = client.get("/")
    assert answer.status_code == 200
    assert "OSError: no such file" in answer.text
    assert client.head("/").data == b""
    assert client.post("/").status_code == 405


def test_a_message_stays_a_text() -> None:
    script = message_page('"); alert(1); </script> ü \u2028').decode("ascii")
    assert '\\"); alert(1); </script> \\u00fc \\u2028"' in script
    assert "textContent" in script


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    with SliceWriter(tmp_path / "run") as writer:
        writer.write(a_plane(step=3))
    return tmp_path


def has_data(server: Server) -> bool:
    return bool(server.get("data/plugins_listing").json()["loss_slicer"]["enabled"])


def test_a_broken_plugin_does_not_stop_tensorboard(logdir: Path) -> None:
    with serve(logdir, code=BROKEN) as server:
        assert until(lambda: server.get("data/runs").json()) == ["run"]
        assert server.get("data/plugin/scalars/tags").status == 200
        until(lambda: has_data(server))
        script = server.plugin("static/index.js")
        assert script.status == 200
        assert b"numpy.core.multiarray failed" in script.body
        assert server.plugin("index").status == 404
        assert "could not be loaded" in "".join(server.log)


def test_frames_are_served_without_torch(logdir: Path, loader: str) -> None:
    fast = "true" if loader == "fast" else "false"
    with serve(logdir, f"--load_fast={fast}", code=NO_TORCH) as server:
        runs = until(lambda: server.plugin("index").json()["runs"])
        (series,) = runs[0]["series"]
        assert server.frames(keys_of(series)) == [a_plane(step=3).to_bytes()]
        for route in ("health", "poll", f"export?keys={keys_of(series)[0]}&format=csv"):
            assert server.plugin(route).status == 200
