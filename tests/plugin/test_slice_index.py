"""The index and the frames from plain values, hostile ones included; no HTTP, no TensorBoard."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tensorboard.data.provider import TensorDatum, TensorTimeSeries
from tensorboard_loss_slicer import slice_index
from tensorboard_loss_slicer.slice_index import (
    Frame,
    FreshIndex,
    NewerFormatError,
    SliceIndex,
    coarsen_frame,
    pack_frames,
    parse_metadata,
    read_frames,
    series_id,
)

from pysclice.events import tag
from pysclice.slices import Slice, SliceFormatError, index_entry
from tests.plugin.conftest import a_line, a_plane, keys_of, unpack_frames

Listed = dict[str, dict[str, TensorTimeSeries]]


def time_series(content: bytes, wall_time: float | None = 1000.0) -> TensorTimeSeries:
    return TensorTimeSeries(
        max_step=0,
        # Parsed anew, since Python takes one and the same NaN for equal to itself.
        max_wall_time=None if wall_time is None else float(str(wall_time)),
        plugin_content=content,
        description="",
        display_name="",
    )


def content_of(slice_: Slice, **changes: Any) -> bytes:
    return json.dumps(index_entry(slice_) | changes).encode()


def listing(*slices: tuple[str, Slice, str, float], **changes: Any) -> Listed:
    """(run, slice, attempt, wall time of logging) as the data provider lists them."""
    result: Listed = {}
    for run, slice_, attempt, wall_time in slices:
        name = tag(slice_.series, slice_.step, attempt)
        series = time_series(content_of(slice_, **changes), wall_time)
        result.setdefault(run, {})[name] = series
    return result


def index_of(*slices: tuple[str, Slice, str, float], **changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(SliceIndex(listing(*slices, **changes)).to_json())
    return value


def the_series(index: dict[str, Any]) -> dict[str, Any]:
    ((series,),) = [run["series"] for run in index["runs"]]
    assert isinstance(series, dict)
    return series


# The index


def test_an_empty_listing_is_an_empty_index() -> None:
    index = json.loads(SliceIndex({}).to_json())
    assert index["runs"] == []
    assert index["malformed"] == 0
    assert len(index["generation"]) == 16


def test_the_columns_of_a_series() -> None:
    slices = [("r", a_plane(step=s), "3fa2", 1000.0 + s) for s in (1000, 0, 500)]
    series = the_series(index_of(*slices))
    assert series["id"] == series_id("r", "random plane")
    assert series["name"] == "random plane"
    assert series["layouts"] == [
        {
            "kind": "plane",
            "method": "random direction",
            "shape": [1, 13, 13],
            "channels": ["train/loss", "validation/loss"],
            "axes": ["random 0", "random 1"],
        }
    ]
    assert series["steps"] == [0, 500, 1000]
    assert series["layout"] == [[0, 3]]
    assert series["attempts"] == [["3fa2", 3]]
    assert series["fingerprints"] == [["0123456789abcdef+fedcba9876543210", 3]]
    assert series["wall_time"] == 1_795_230_000.5
    assert series["seconds"] == [0, 500, 1000]
    assert series["epochs"] is None
    assert series["ranges"] == {"train/loss": [0.0, 1003.0], "validation/loss": [1.0, 1004.0]}
    assert series["nonfinite"] == {"train/loss": 0, "validation/loss": 0}
    centers = np.frombuffer(base64.b64decode(series["centers"]["validation/loss"]), "<f4")
    assert centers.tolist() == [1.0, 501.0, 1001.0]


def test_values_that_are_not_finite_are_counted() -> None:
    series = the_series(index_of(("r", a_line(), "3fa2", 1.0)))
    assert series["ranges"] == {"train/loss": [0.0, 1.0]}
    assert series["nonfinite"] == {"train/loss": 2}


def test_a_diverged_series_has_no_range_and_a_center_that_is_not_finite() -> None:
    nothing = np.full((1, 13, 13), np.nan, dtype="f4")
    slice_ = a_plane(values={"l": nothing}, center={"l": [math.inf]}, epoch=math.nan)
    series = the_series(index_of(("r", slice_, "3fa2", 1.0)))
    assert series["ranges"] == {"l": None}
    assert series["nonfinite"] == {"l": 169}
    assert np.frombuffer(base64.b64decode(series["centers"]["l"]), "<f4").tolist() == [math.inf]
    assert series["epochs"] == ["NaN"]


def test_epochs_are_a_column_where_any_is_known() -> None:
    slices = [
        ("r", a_plane(step=0), "3fa2", 1.0),
        ("r", a_plane(step=1, epoch=0.5), "3fa2", 2.0),
        ("r", a_plane(step=2, epoch=1.0), "3fa2", 3.0),
    ]
    assert the_series(index_of(*slices))["epochs"] == [None, 0.5, 1]


def test_a_series_may_change_its_layout() -> None:
    one_channel = a_plane(step=3, samples=7)
    only = {"train/loss": one_channel.losses}
    slices = [("r", a_plane(step=s), "3fa2", 1.0) for s in (1, 2)]
    changed = a_plane(step=3, samples=7, values=only, center={"train/loss": [0.0]})
    series = the_series(index_of(*slices, ("r", changed, "3fa2", 2.0)))
    assert [layout["shape"] for layout in series["layouts"]] == [[1, 13, 13], [1, 7, 7]]
    assert series["layout"] == [[0, 2], [1, 1]]
    centers = np.frombuffer(base64.b64decode(series["centers"]["validation/loss"]), "<f4")
    assert centers[:2].tolist() == [2.0, 3.0]
    assert np.isnan(centers[2])


def test_the_newest_attempt_of_a_step_wins_and_the_older_keeps_its_key() -> None:
    slices = [
        ("r", a_plane(step=1), "aaaa", 10.0),
        ("r", a_plane(step=2), "aaaa", 11.0),
        ("r", a_plane(step=2), "0bbb", 20.0),
        ("r", a_plane(step=3), "0bbb", 21.0),
    ]
    index = SliceIndex(listing(*slices))
    series = the_series(json.loads(index.to_json()))
    assert series["attempts"] == [["aaaa", 1], ["0bbb", 2]]
    for key in [*keys_of(series), f"{series['id']}.2.aaaa"]:
        entry = index.find(key)
        assert entry is not None
        assert key.endswith(f".{entry.step}.{entry.attempt}")


def test_child_runs_are_merged_with_their_parents() -> None:
    slices = [
        ("a", a_plane(step=1), "aaaa", 10.0),
        ("a/slices", a_plane(step=2), "bbbb", 20.0),
        ("slices", a_plane(step=1), "cccc", 30.0),
        ("b/slices", a_plane(step=1), "dddd", 40.0),
    ]
    index = index_of(*slices)
    found = {run["name"]: run["sources"] for run in index["runs"]}
    assert found == {".": ["slices"], "a": ["a", "a/slices"], "b": ["b/slices"]}
    assert index["runs"][1]["series"][0]["steps"] == [1, 2]


def test_runs_can_be_chosen() -> None:
    index = SliceIndex(listing(*[(run, a_plane(), "aaaa", 1.0) for run in "cab"]))
    assert [run["name"] for run in json.loads(index.to_json())["runs"]] == ["a", "b", "c"]
    chosen = json.loads(index.to_json(["c", "a", "nowhere"]))["runs"]
    assert [run["name"] for run in chosen] == ["a", "c"]


def test_the_generation_depends_on_what_is_listed_and_not_on_its_order() -> None:
    slices = [(run, a_plane(step=s), "aaaa", 1.0) for run in "ab" for s in range(5)]
    forward, backward = SliceIndex(listing(*slices)), SliceIndex(listing(*slices[::-1]))
    assert forward.generation == backward.generation
    assert forward.to_json() == backward.to_json()
    assert SliceIndex(listing(*slices[1:])).generation != forward.generation
    later = listing(*slices[1:], ("a", a_plane(step=0), "aaaa", 2.0))
    assert SliceIndex(later).generation != forward.generation


def test_what_was_parsed_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slices = [("a", a_plane(step=s), "aaaa", 1.0) for s in range(5)]
    listed = listing(*slices)
    listed["a"]["no tag"] = time_series(b"", math.nan)
    first = SliceIndex(listed)
    parsed = []

    def count(content: bytes) -> slice_index.Metadata:
        parsed.append(content)
        return parse_metadata(content)

    monkeypatch.setattr(slice_index, "parse_metadata", count)
    more = listing(*slices, ("a", a_plane(step=9), "aaaa", 1.0))
    more["a"]["no tag"] = time_series(b"", math.nan)
    second = SliceIndex(more, first)
    assert len(parsed) == 1
    monkeypatch.undo()
    assert second.to_json() == SliceIndex(more).to_json()
    assert len(second.malformed) == 1


def test_fifty_thousand_slices_stay_below_two_megabytes() -> None:
    slices_per_series = 2500
    metadata = index_entry(a_plane(samples=25, epoch=0.5))
    listed: Listed = {}
    for run in range(10):
        tags = listed.setdefault(f"run {run}", {})
        for series in ("random plane", "Hessian plane"):
            for i in range(slices_per_series):
                step, wall = 400 * i, 1_795_230_000.0 + 31.7 * i
                entry = metadata | {"wall": wall, "epoch": i / 7, "center": [1 / (i + 1), 2.5]}
                content = json.dumps(entry, separators=(",", ":")).encode()
                assert len(content) <= 500
                tags[tag(series, step, "3fa2")] = time_series(content, wall)
    index = SliceIndex(listed)
    text = index.to_json()
    decoded = json.loads(text)
    assert sum(len(s["steps"]) for run in decoded["runs"] for s in run["series"]) == 50_000
    assert len(text) < 2e6
    assert index.same_as(listed)


class ListingThatCounts:
    """Lists what it holds, and how often it was asked."""

    def __init__(self) -> None:
        self.listing: Listed = listing(("a", a_plane(), "aaaa", 1.0))
        self.asked = 0

    def __call__(self) -> Listed:
        self.asked += 1
        return self.listing


def test_a_fresh_index_is_listed_once_a_second_at_most() -> None:
    now = [100.0]
    fresh, source = FreshIndex(clock=lambda: now[0]), ListingThatCounts()
    first = fresh.get("", source)
    now[0] += 0.9
    assert fresh.get("", source) is first
    assert source.asked == 1
    now[0] += 0.2
    assert fresh.get("", source) is first  # listed again, and nothing was new
    assert source.asked == 2
    source.listing = listing(("b", a_plane(), "aaaa", 1.0))
    now[0] += 1.1
    assert fresh.get("", source).generation != first.generation
    assert source.asked == 3


def test_a_slow_listing_is_not_listed_all_the_time() -> None:
    now = [100.0]
    fresh, source = FreshIndex(clock=lambda: now[0]), ListingThatCounts()

    def slowly() -> Listed:
        now[0] += 30.0
        return source()

    fresh.get("", slowly)
    now[0] += 29.0
    fresh.get("", slowly)
    assert source.asked == 1
    now[0] += 2.0
    fresh.get("", slowly)
    assert source.asked == 2


def test_a_failed_listing_is_tried_again() -> None:
    fresh, source = FreshIndex(clock=lambda: 1.0), ListingThatCounts()

    def fail() -> Listed:
        raise ConnectionError("the data server is gone")

    with pytest.raises(ConnectionError):
        fresh.get("", fail)
    assert fresh.get("", source).find("nonsense") is None


# Metadata from strangers

GOOD = index_entry(a_plane())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def try_to_parse(content: bytes) -> slice_index.Metadata | None:
    try:
        return parse_metadata(content)
    except SliceFormatError as error:
        assert str(error)
        return None


def index_survives(content: bytes) -> None:
    """An event with this metadata costs at most itself."""
    listed = listing(("r", a_plane(step=1), "aaaa", 1.0))
    listed["r"][tag("random plane", 2, "aaaa")] = time_series(content)
    index = SliceIndex(listed)
    decoded = json.loads(index.to_json(), parse_constant=pytest.fail)
    (series,) = decoded["runs"][0]["series"]
    good = 2 if try_to_parse(content) else 1
    assert len(series["steps"]) == good
    assert len(index.malformed) + index.newer == 2 - good
    json.dumps([m._asdict() for m in index.malformed])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(content: bytes) -> None:
    index_survives(content)


@given(JSON)
def test_arbitrary_json_never_raises(value: Any) -> None:
    index_survives(json.dumps(value).encode())


@given(st.sampled_from(sorted(GOOD)), JSON)
@example("wall", 1e300)
@example("wall", -1e300)
@example("wall", "NaN")
@example("epoch", "Infinity")
@example("epoch", 1e300)
@example("epoch", 10**400)
@example("center", [1e300, -1e300])
@example("center", [10**400, 0])
@example("center", [True, 0])
@example("shape", [10**100, 1, 1])
@example("shape", [1, 0, 1])
@example("shape", [1, True, 1])
@example("range", [[2, 1, 0], [0, 1, 0]])
@example("range", [["NaN", 1, 0], [0, 1, 0]])
@example("range", [[0, 1, 10**9], [0, 1, 0]])
@example("channels", ["a", "a"])
@example("channels", [["a"], {"b": 1}])
@example("method", "\ud800")
@example("fingerprint", ["a"])
@example("kind", ["plane"])
@example("kind", "__proto__")
@example("v", 10**400)
@example("v", True)
@example("v", 0)
def test_one_wrong_field_never_raises(name: str, value: Any) -> None:
    index_survives(json.dumps(GOOD | {name: value}).encode())


@given(st.sampled_from(sorted(GOOD)))
def test_a_missing_field_never_raises(name: str) -> None:
    index_survives(json.dumps({k: v for k, v in GOOD.items() if k != name}).encode())


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 60_000,
        b'{"v":' * 10_000 + b"1" + b"}" * 10_000,
        b"1" * 60_000,
        b'{"v":1e999}',
        b'{"v":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b"null",
        b'""',
    ],
    ids=["deep list", "deep object", "long number", "infinity", "huge", "no utf-8", "null", "text"],
)
def test_json_made_to_harm_is_malformed(content: bytes) -> None:
    assert try_to_parse(content) is None
    index_survives(content)


def test_ten_megabytes_are_refused_unparsed() -> None:
    with pytest.raises(SliceFormatError, match="10485760 bytes"):
        parse_metadata(b" " * (10 * 2**20))


def test_a_newer_format_is_counted_apart() -> None:
    with pytest.raises(NewerFormatError, match="newer pysclice"):
        parse_metadata(b'{"v":3,"kind":"later"}')
    index = SliceIndex(listing(("r", a_plane(), "aaaa", 1.0), v=3))
    assert (index.newer, index.malformed) == (1, [])
    assert json.loads(index.to_json())["runs"] == []


def test_foreign_tags_are_named_with_the_reason() -> None:
    listed = {"r": {"somebody's <b>tag</b>": time_series(content_of(a_plane()))}}
    (malformed,) = SliceIndex(listed).malformed
    assert (malformed.run, malformed.tag) == ("r", "somebody's <b>tag</b>")
    assert "is not <series>/<step" in malformed.reason


@pytest.mark.parametrize("wall_time", [math.nan, math.inf, -math.inf, None, -5.0, 1e300])
def test_impossible_wall_times_are_no_obstacle(wall_time: float | None) -> None:
    for wall in ("NaN", -1, 1e300, 5.0):
        content = content_of(a_plane(step=1), wall=wall)
        tags = [{tag("p", 1, "aaaa"): time_series(content, wall_time)} for _ in range(2)]
        index = SliceIndex({"r": tags[0]})
        assert index.same_as({"r": tags[1]})
        series = the_series(json.loads(index.to_json(), parse_constant=pytest.fail))
        assert series["wall_time"] == (5.0 if wall == 5.0 else 0.0)


def test_new_channel_names_in_every_slice_cannot_blow_up_the_index() -> None:
    listed: Listed = {"r": {}}
    for step in range(1000):
        content = content_of(a_plane(), channels=[f"a{step}", f"b{step}"])
        listed["r"][tag("p", step, "aaaa")] = time_series(content)
    index = SliceIndex(listed)
    assert len(the_series(json.loads(index.to_json()))["steps"]) == 32
    assert len(index.malformed) == 968


def test_ids_tell_runs_from_series() -> None:
    ids = {
        series_id(*p) for p in [("a", "b"), ("ab", ""), ("", "ab"), ("a/b", ""), ("a", "b\ud800")]
    }
    assert len(ids) == 5
    assert all(len(text) == 12 for text in ids)


# Frames


class Store:
    """Holds tensors as the data provider does, and how it was asked for them."""

    def __init__(self, slices: list[tuple[str, Slice, str, float]]) -> None:
        self.listing = listing(*slices)
        self.index = SliceIndex(self.listing)
        self.data: dict[tuple[str, str], Any] = {
            (run, tag(s.series, s.step, attempt)): np.array(s.to_bytes(), dtype=object)
            for run, s, attempt, _ in slices
        }
        self.bad: set[tuple[str, str]] = set()
        self.requests: list[tuple[set[str], set[str]]] = []

    def read(self, runs: set[str], tags: set[str]) -> Mapping[str, Mapping[str, list[TensorDatum]]]:
        self.requests.append((runs, tags))
        result: dict[str, dict[str, list[TensorDatum]]] = {}
        for (run, name), value in self.data.items():
            if run in runs and name in tags:
                if (run, name) in self.bad:
                    raise ValueError("cannot reshape array of size 3 into shape (4,)")
                result.setdefault(run, {})[name] = [TensorDatum(0, 1.0, value)]
        return result

    def keys(self) -> list[str]:
        index = json.loads(self.index.to_json())
        return [key for run in index["runs"] for series in run["series"] for key in keys_of(series)]


def a_store(steps: int = 10) -> Store:
    slices = [(run, a_plane(step=s), "aaaa", 1.0) for run in ("a", "b") for s in range(steps)]
    return Store([*slices, ("a/slices", a_plane(step=steps), "bbbb", 1.0)])


def test_frames_are_the_very_bytes_in_one_request() -> None:
    store = a_store()
    keys = store.keys()
    frames = read_frames(store.index, keys, store.read)
    steps = [*range(11), *range(10)]
    assert [f.record for f in frames] == [a_plane(step=s).to_bytes() for s in steps]
    assert [f.key for f in frames] == keys
    assert [sorted(runs) for runs, _ in store.requests] == [["a", "a/slices", "b"]]


def test_runs_with_attempts_of_their_own_share_a_request() -> None:
    slices = [(f"run {i}", a_plane(step=s), f"{i:04x}", 1.0) for i in range(9) for s in range(5)]
    store = Store(slices)
    keys = store.keys()
    frames = read_frames(store.index, keys, store.read)
    assert [f.record for f in frames] == 9 * [a_plane(step=s).to_bytes() for s in range(5)]
    assert len(store.requests) == 1


def test_a_request_asks_for_little_that_nobody_wants() -> None:
    store = a_store(steps=40)
    of_a, of_b = store.keys()[:40], store.keys()[41:]
    read_frames(store.index, of_a[:10] + of_b[20:30], store.read)
    assert [sorted(runs) for runs, _ in store.requests] == [["a"], ["b"]]
    store.requests.clear()
    frames = read_frames(store.index, of_a[:10] + of_b[1:11], store.read)
    assert [sorted(runs) for runs, _ in store.requests] == [["a", "b"]]
    steps = [*range(10), *range(1, 11)]
    assert [f.record for f in frames] == [a_plane(step=s).to_bytes() for s in steps]


def test_frames_come_in_the_order_asked_and_as_often() -> None:
    store = a_store()
    keys = [store.keys()[i] for i in (5, 0, 5)]
    frames = read_frames(store.index, keys, store.read)
    assert [Slice.from_bytes(f.record).step for f in frames] == [5, 0, 5]


def test_a_damaged_event_costs_itself_only() -> None:
    store = a_store(steps=64)
    store.bad = {("a", tag("random plane", s, "aaaa")) for s in (3, 40)}
    frames = read_frames(store.index, store.keys(), store.read)
    failed = [i for i, f in enumerate(frames) if f.error]
    assert failed == [3, 40]
    assert "cannot reshape" in frames[3].error
    assert len(store.requests) < 40  # and not one request a slice


@pytest.mark.parametrize(
    "value",
    [
        np.array(b"abc", dtype=object).reshape(1),
        np.array(1.0),
        np.array([], dtype=object),
        np.array("text", dtype=object),
    ],
)
def test_a_tensor_of_another_kind_is_an_error_of_its_frame(value: Any) -> None:
    store = a_store()
    store.data["a", tag("random plane", 3, "aaaa")] = value
    frames = read_frames(store.index, store.keys()[:6], store.read)
    assert [bool(f.error) for f in frames] == [False, False, False, True, False, False]


def test_deleted_and_unknown_slices_are_errors_of_their_frames() -> None:
    store = a_store()
    good = store.keys()[0]
    del store.data["a", tag("random plane", 1, "aaaa")]
    unknown = ["", "x", "../../etc/passwd", "AAAAAAAAAAAA.1.aaaa", good + "\n", good.upper()]
    frames = read_frames(store.index, [good, store.keys()[1], *unknown], store.read)
    assert [bool(f.error) for f in frames] == [False, True, *[True] * len(unknown)]


def test_sizes_are_refused_before_anything_is_read() -> None:
    huge = listing(("a", a_plane(step=1), "aaaa", 1.0), shape=[4, 2048, 2049])
    index = SliceIndex(huge)
    series = the_series(json.loads(index.to_json()))

    def read(runs: set[str], tags: set[str]) -> Any:
        raise AssertionError("was read")

    (frame,) = read_frames(index, keys_of(series), read)
    assert "larger than" in frame.error


def test_many_slices_stop_at_the_limit_of_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    monkeypatch.setattr(slice_index, "MAX_RESPONSE_BYTES", 10_000)
    frames = read_frames(store.index, store.keys()[:9], store.read)
    served = [f for f in frames if not f.error]
    assert 1 < len(served) < 9
    assert sum(len(f.record) for f in served) <= 10_000
    assert all("fewer slices" in f.error for f in frames if f.error)


def test_a_record_larger_than_announced_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    store.data["a", tag("random plane", 0, "aaaa")] = np.array(b"x" * 20_000, dtype=object)
    monkeypatch.setattr(slice_index, "MAX_RESPONSE_BYTES", 10_000)
    frames = read_frames(store.index, store.keys()[:2], store.read)
    assert [bool(f.error) for f in frames] == [True, False]


def test_a_stride_takes_every_second_sample() -> None:
    slice_ = a_plane(samples=25)
    frame = Frame("k", slice_.to_bytes())
    assert coarsen_frame(frame, 1) is frame
    assert Slice.from_bytes(coarsen_frame(frame, 4).record) == slice_.coarsen(4)
    assert "Stride 5 does not fit" in coarsen_frame(frame, 5).error
    assert coarsen_frame(Frame("k", error="gone"), 2).error == "gone"


@given(st.binary(max_size=100))
def test_records_that_are_none_are_errors_of_their_frames(data: bytes) -> None:
    for stride in (1, 2):
        assert coarsen_frame(Frame("k", b"PSL1" + data), stride).error


@given(st.lists(st.tuples(st.text(), st.binary(), st.booleans()), max_size=5))
def test_a_container_gives_back_its_frames(parts: list[tuple[str, bytes, bool]]) -> None:
    frames = [Frame(key, record) if ok else Frame(key, error="no") for key, record, ok in parts]
    container = pack_frames(frames)
    assert len(container) % 8 == 0
    assert unpack_frames(container) == [frame.error or frame.record for frame in frames]
