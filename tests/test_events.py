"""Slices as events: every writer, every reader, and files that are damaged or still growing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorboardX
import torch.utils.tensorboard
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from pysclice.events import (
    MAX_STEP,
    PLUGIN_NAME,
    SliceWriter,
    read_slices,
    shown_run,
    split_tag,
    tag,
    to_summary,
)
from pysclice.slices import Axis, Slice, index_entry, regular_coordinates

ATTEMPTS = st.text("0123456789abcdef", min_size=4, max_size=4)
UTF8 = st.characters(exclude_categories=["Cs"])


def a_slice(series: str = "random line", step: int = 0, height: float = 1.0) -> Slice:
    coordinates = regular_coordinates(-1.0, 1.0, 13)
    return Slice(
        kind="lines",
        method="random direction",
        axes=(Axis("random 0", coordinates, 2.0, fingerprint="0123456789abcdef"),),
        values={"train/loss": (height * coordinates**2).astype("f4")[None, None]},
        center={"train/loss": np.zeros(1)},
        series=series,
        step=step,
    )


def event_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*tfevents*"))


def values_in(directory: Path) -> list[tuple[int, summary_pb2.Summary.Value]]:
    """Step and value of all that TensorBoard's own loader finds in a directory."""
    events = [
        event
        for path in event_files(directory)
        for event in event_file_loader.EventFileLoader(str(path)).Load()
    ]
    return [(event.step, value) for event in events for value in event.summary.value]


def write_raw(directory: Path, summary: summary_pb2.Summary, step: int, wall_time: float) -> None:
    writer = EventFileWriter(str(directory))
    writer.add_event(event_pb2.Event(wall_time=wall_time, step=step, summary=summary))
    writer.close()


# Tags


@given(st.text(UTF8), st.integers(0, MAX_STEP), ATTEMPTS)
def test_a_tag_gives_back_what_it_was_made_of(series: str, step: int, attempt: str) -> None:
    assert split_tag(tag(series, step, attempt)) == (series, step, attempt)


def test_a_tag_looks_as_documented() -> None:
    assert tag("random plane", 500, "3fa2") == "random plane/0000000500/3fa2"


@pytest.mark.parametrize("series", ["a/b", "a/0000000001/abcd", "", "/", "Verlust λ\n", "..\\.."])
def test_a_series_may_hold_anything(series: str) -> None:
    assert split_tag(tag(series, 7, "00ff")) == (series, 7, "00ff")


@pytest.mark.parametrize("step", [-1, MAX_STEP + 1, 2**80, 0.5, True])
def test_steps_that_make_no_sense_are_refused(step: int) -> None:
    with pytest.raises(ValueError, match="whole number from 0"):
        tag("a", step, "0000")


@pytest.mark.parametrize("attempt", ["", "3FA2", "3fa", "3fa22", "xyzw", "3fa\n"])
def test_attempts_that_make_no_sense_are_refused(attempt: str) -> None:
    with pytest.raises(ValueError, match="four digits"):
        tag("a", 1, attempt)


def test_a_series_that_utf8_cannot_write_is_refused() -> None:
    with pytest.raises(ValueError, match="Rename the series"):
        tag("\ud800", 1, "0000")


@given(st.text())
def test_any_other_text_is_refused_or_the_tag_of_something(text: str) -> None:
    try:
        parts = split_tag(text)
    except ValueError:
        return
    assert f"{parts[0]}/{parts[1]:010d}/{parts[2]}" == text


@pytest.mark.parametrize("text", ["a/١٢٣٤٥٦٧٨٩٠/3fa2", "a/0000000001/3fa2\n", "0000000001/3fa2"])
def test_near_misses_are_no_tags(text: str) -> None:
    with pytest.raises(ValueError, match="is not <series>"):
        split_tag(text)


@pytest.mark.parametrize(
    ("run", "shown"),
    [
        (".", "."),
        ("a", "a"),
        ("a/slices", "a"),
        ("a/b/slices", "a/b"),
        ("slices", "."),
        ("slices/slices", "."),
        ("a/slices/b", "a/slices/b"),
        ("a/myslices", "a/myslices"),
    ],
)
def test_a_child_run_is_shown_with_its_parent(run: str, shown: str) -> None:
    assert shown_run(run) == shown


# Summaries


def test_a_summary_holds_the_record_and_its_index_entry() -> None:
    slice_ = a_slice(step=5)
    (value,) = to_summary(slice_, "3fa2").value
    assert value.tag == "random line/0000000005/3fa2"
    assert value.metadata.data_class == summary_pb2.DATA_CLASS_TENSOR
    assert value.metadata.plugin_data.plugin_name == PLUGIN_NAME
    assert json.loads(value.metadata.plugin_data.content) == index_entry(slice_)
    assert value.tensor.dtype == types_pb2.DT_STRING
    assert tensor_util.make_ndarray(value.tensor).item() == slice_.to_bytes()


# Writers


def test_torch_writer_keeps_one_file_with_its_own_scalars(tmp_path: Path) -> None:
    user = torch.utils.tensorboard.SummaryWriter(str(tmp_path))
    user.add_scalar("loss", 1.0, 1)
    writer = SliceWriter(user)
    writer.write(a_slice(step=2))
    user.add_scalar("loss", 0.5, 3)
    writer.close()
    user.add_scalar("loss", 0.25, 4)  # still open
    user.close()
    assert len(event_files(tmp_path)) == 1
    assert [step for step, _ in values_in(tmp_path)] == [1, 2, 3, 4]
    assert read_slices(tmp_path)["."]["random line"][2] == a_slice(step=2)


def test_tensorboardx_writer_lives_on_with_metadata_unchanged(tmp_path: Path) -> None:
    user = tensorboardX.SummaryWriter(str(tmp_path))
    user.add_scalar("loss", 1.0, 1)
    SliceWriter(user).write(a_slice(step=2))
    user.add_scalar("loss", 0.5, 3)
    user.close()
    values = dict(values_in(tmp_path))
    assert sorted(values) == [1, 2, 3]
    metadata = values[2].metadata
    assert metadata == to_summary(a_slice(step=2), "0000").value[0].metadata
    assert read_slices(tmp_path)["."]["random line"][2] == a_slice(step=2)


@pytest.mark.parametrize(
    "library", [torch.utils.tensorboard.SummaryWriter, tensorboardX.SummaryWriter]
)
def test_a_closed_writer_is_refused_and_not_opened_again(library: type, tmp_path: Path) -> None:
    user = library(str(tmp_path))
    writer = SliceWriter(user)
    user.close()
    with pytest.raises(ValueError, match="was closed"):
        writer.write(a_slice())
    with pytest.raises(ValueError, match="was closed"):
        SliceWriter(user)
    assert len(event_files(tmp_path)) == 1


@pytest.mark.parametrize(
    "library", [torch.utils.tensorboard.SummaryWriter, tensorboardX.SummaryWriter]
)
def test_slices_are_on_disk_as_soon_as_they_are_written(library: type, tmp_path: Path) -> None:
    user = library(str(tmp_path))
    writer = SliceWriter(user)
    for step in range(5):
        writer.write(a_slice(step=step))
        assert sorted(read_slices(tmp_path)["."]["random line"]) == list(range(step + 1))
    user.close()


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_directory_gets_a_file_at_the_first_write_only(as_path: type, tmp_path: Path) -> None:
    directory = tmp_path / "new" / "run"
    with SliceWriter(as_path(directory)) as writer:
        assert not directory.exists()
        for step in range(3):
            writer.write(a_slice(step=step))
            assert sorted(read_slices(directory)["."]["random line"]) == list(range(step + 1))
    assert len(event_files(directory)) == 1
    with pytest.raises(ValueError, match="closed"):
        writer.write(a_slice())


def test_closing_before_the_first_write_leaves_nothing(tmp_path: Path) -> None:
    SliceWriter(tmp_path / "run").close()
    assert not (tmp_path / "run").exists()


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    with torch.utils.tensorboard.SummaryWriter(str(tmp_path / "run")) as user:
        user.add_scalar("loss", 1.0, 1)
        with SliceWriter(tmp_path / "run") as writer:
            writer.write(a_slice(step=1))
            writer.write(a_slice(step=2))
    assert len(event_files(tmp_path / "run")) == 1
    assert len(event_files(tmp_path / "run" / "slices")) == 1
    assert sorted(read_slices(tmp_path)["run"]["random line"]) == [1, 2]


def test_a_writer_that_comes_later_gets_the_directory_for_itself(tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        writer.write(a_slice(step=1))
        with torch.utils.tensorboard.SummaryWriter(str(tmp_path)) as user:
            user.add_scalar("loss", 1.0, 1)
            writer.write(a_slice(step=2))
            writer.write(a_slice(step=3))
    assert len(event_files(tmp_path)) == 2
    assert len(event_files(tmp_path / "slices")) == 1
    assert sorted(read_slices(tmp_path)["."]["random line"]) == [1, 2, 3]


@pytest.mark.parametrize("target", [None, 3, object(), b"bytes", {"a": 1}, open])
def test_other_targets_are_refused_with_what_is_accepted(target: object) -> None:
    with pytest.raises(TypeError, match=r"SummaryWriter.*path of a log directory"):
        SliceWriter(target)


def test_logging_a_step_again_gets_another_attempt_and_the_newest_wins(tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        tags = [writer.write(a_slice(step=5, height=h)) for h in (1.0, 2.0, 3.0)]
        other = writer.write(a_slice(step=6))
    assert len(set(tags)) == 3
    assert split_tag(other)[2] == split_tag(tags[0])[2]  # else the index could not be compressed
    assert read_slices(tmp_path)["."]["random line"][5] == a_slice(step=5, height=3.0)


def test_wall_times_increase_strictly(tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        for _ in range(20):
            writer.write(a_slice(step=1))
    (path,) = event_files(tmp_path)
    events = list(event_file_loader.EventFileLoader(str(path)).Load())[1:]
    times = [event.wall_time for event in events]
    assert len(times) == 20
    assert times == sorted(set(times))


def test_a_refused_slice_costs_nothing(tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="whole number"):
            writer.write(a_slice(step=-1))
        writer.write(a_slice(step=1))
    assert sorted(read_slices(tmp_path)["."]["random line"]) == [1]


# Reading


def test_missing_directory_file_and_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no log directory"):
        read_slices(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        read_slices(str(tmp_path / "file"))
    (tmp_path / "empty").mkdir()
    assert read_slices(tmp_path / "empty") == {}


def test_runs_are_named_as_tensorboard_names_them(tmp_path: Path) -> None:
    for run in [".", "a", "a/b", "a/b/slices", "c/slices"]:
        with SliceWriter(tmp_path / run) as writer:
            writer.write(a_slice(series=f"from {run}"))
    found = {run: sorted(series) for run, series in read_slices(tmp_path).items()}
    assert found == {
        ".": ["from ."],
        "a": ["from a"],
        "a/b": ["from a/b", "from a/b/slices"],
        "c": ["from c/slices"],
    }


def test_steps_come_in_order_whatever_the_order_of_logging(tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        for step in [0, 500, 20, 3, 1000]:
            writer.write(a_slice(step=step))
    assert list(read_slices(tmp_path)["."]["random line"]) == [0, 3, 20, 500, 1000]


def test_the_newest_wins_over_files_and_child_runs(tmp_path: Path) -> None:
    write_raw(tmp_path / "r", to_summary(a_slice(step=1, height=9.0), "ffff"), 1, 2000.0)
    write_raw(tmp_path / "r/slices", to_summary(a_slice(step=1, height=1.0), "0000"), 1, 1000.0)
    assert read_slices(tmp_path)["r"]["random line"][1] == a_slice(step=1, height=9.0)


def test_a_file_that_is_still_being_written_gives_what_is_complete(tmp_path: Path) -> None:
    with SliceWriter(tmp_path / "whole") as writer:
        for step in range(3):
            writer.write(a_slice(step=step))
    (path,) = event_files(tmp_path / "whole")
    data = path.read_bytes()
    cut = tmp_path / "cut"
    cut.mkdir()
    last = data.rindex(b"random line/0000000002") - 100
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for end in [0, 5, 12, last, len(data) - 4, len(data) - 1]:
            (cut / path.name).write_bytes(data[:end])
            found = read_slices(cut).get(".", {}).get("random line", {})
            assert 2 not in found
            if end > last:
                assert list(found) == [0, 1]


def test_damaged_slices_are_skipped_with_one_warning_that_names_them(tmp_path: Path) -> None:
    with SliceWriter(tmp_path / "run") as writer:
        writer.write(a_slice(step=1))
    damaged = to_summary(a_slice(step=2), "aaaa")
    damaged.value[0].tensor.string_val[0] = b"no record"
    write_raw(tmp_path / "run", damaged, 2, 1.0)
    no_string = to_summary(a_slice(step=3), "bbbb")
    no_string.value[0].tensor.dtype = types_pb2.DT_FLOAT
    write_raw(tmp_path / "run", no_string, 3, 1.0)
    no_tag = to_summary(a_slice(step=4), "cccc")
    no_tag.value[0].tag = "somebody else's"
    write_raw(tmp_path / "run", no_tag, 4, 1.0)
    with pytest.warns(RuntimeWarning) as caught:
        found = read_slices(tmp_path)
    assert list(found["run"]["random line"]) == [1]
    (warning,) = caught
    for part in ["'run'", "random line/0000000002/aaaa", "bbbb", "somebody else's"]:
        assert part in str(warning.message)
    assert warning.filename == __file__


def test_flipped_bits_are_noticed(tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        writer.write(a_slice(step=1))
        writer.write(a_slice(step=2))
    (path,) = event_files(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"PSL1") + 60] ^= 1
    path.write_bytes(data)
    with pytest.warns(RuntimeWarning, match="checksum"):
        assert list(read_slices(tmp_path)["."]["random line"]) == [2]


def test_a_damaged_length_ends_the_file_with_a_warning(tmp_path: Path) -> None:
    with SliceWriter(tmp_path) as writer:
        writer.write(a_slice(step=1))
    (path,) = event_files(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(40))
    with pytest.warns(RuntimeWarning, match=re.escape(path.name)):
        assert list(read_slices(tmp_path)["."]["random line"]) == [1]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    logdir = tmp_path / "logs"
    with SliceWriter(tmp_path / "elsewhere") as writer:
        writer.write(a_slice())
    logdir.mkdir()
    (logdir / "linked").symlink_to(tmp_path / "elsewhere")
    (logdir / "self").symlink_to(logdir)
    assert list(read_slices(logdir)) == ["linked"]


def test_importing_events_needs_no_torch() -> None:
    code = "import sys, pysclice.events; assert not {'torch', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
