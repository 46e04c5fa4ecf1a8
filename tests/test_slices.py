"""The record: what goes in comes out, to the bit, and nothing that is no slice gets through."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pysclice.slices import (
    Axis,
    ProjectedTrajectory,
    Slice,
    SliceFormatError,
    index_entry,
    load,
    regular_coordinates,
)

GOLDEN = Path(__file__).parent / "golden"


def a_line(samples: int = 13, **changes: object) -> Slice:
    coordinates = regular_coordinates(-1.0, 1.0, samples)
    fields: dict[str, object] = {
        "kind": "lines",
        "method": "random direction",
        "axes": (Axis("random 0", coordinates, 2.0),),
        "values": {"train/loss": (coordinates**2).astype("f4")[None, None]},
        "center": {"train/loss": np.zeros(1)},
    }
    return Slice(**(fields | changes))  # type: ignore[arg-type]


def from_text(value: object) -> float:
    return float(value)  # type: ignore[arg-type]  # float("NaN") and float("Infinity") do the rest


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.slice")), ids=lambda p: p.stem)
def test_golden_files_of_every_version_are_read_for_good(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = load(path)
    for name in ("kind", "method", "series", "step", "epoch", "mode", "examples", "evaluations"):
        assert getattr(found, name) == expected[name], name
    assert list(found.shape) == expected["shape"]
    assert list(found.focus_points) == expected["focus_points"]
    assert dict(found.notes) == expected["notes"]
    for axis, facts in zip(found.axes, expected["axes"], strict=True):
        assert (axis.name, axis.description) == (facts["name"], facts["description"])
        assert (axis.length, axis.fingerprint) == (facts["length"], facts["fingerprint"])
        np.testing.assert_array_equal(axis.coordinates, facts["coordinates"])
    assert list(found.channels) == list(expected["values"])
    for name, values in expected["values"].items():
        wanted = np.array([from_text(v) for v in values], dtype=np.float32)
        np.testing.assert_array_equal(found.values[name].ravel(), wanted)
        center = [from_text(v) for v in expected["center"][name]]
        np.testing.assert_array_equal(found.center[name], center)
    for name, values in expected.get("errors", {}).items():
        wanted = np.array([from_text(v) for v in values], dtype=np.float32)
        np.testing.assert_array_equal(found.errors[name].ravel(), wanted)
    for name, groups in expected.get("replicates", {}).items():
        for group, values in zip(found.replicates[name], groups, strict=True):
            np.testing.assert_array_equal(group.ravel(), np.array(values, dtype=np.float32))
        centers = expected["center_replicates"][name]
        np.testing.assert_array_equal(found.center_replicates[name], centers)
    path = expected.get("trajectory")
    assert (found.trajectory is None) == (path is None)
    if found.trajectory is not None:
        assert found.trajectory.steps.tolist() == path["steps"]
        assert found.trajectory.coordinates.tolist() == path["coordinates"]
        distances = [from_text(v) for v in path["distances"]]
        np.testing.assert_array_equal(found.trajectory.distances, distances)
        assert found.trajectory.explained == path["explained"]
    evaluated = expected.get("evaluated")
    assert (found.evaluated is None) == (evaluated is None)
    if evaluated is not None:
        assert found.evaluated is not None and found.evaluated.ravel().tolist() == evaluated


def test_there_are_golden_files_to_read() -> None:
    first = {"v1-line", "v1-plane", "v1-bundle"}
    second = {"v2-line", "v2-plane", "v2-bundle", "v2-spectrum", "v2-adaptive"}
    assert {p.stem for p in GOLDEN.glob("*.slice")} == first | second


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
floats32 = st.floats(width=32, allow_nan=True, allow_infinity=True)


@st.composite
def slices(draw: st.DrawFn) -> Slice:
    kind = draw(st.sampled_from(["lines", "plane", "spectrum"]))
    focus_points = draw(st.integers(1, 3))
    samples = draw(st.integers(2, 9))
    lines = {"plane": 2, "spectrum": 1}.get(kind) or draw(st.integers(1, 4))
    counts = [samples] * lines
    if kind == "plane":
        counts[1] = draw(st.integers(2, 9))
    axes = []
    for count in counts:
        start = draw(st.floats(-1e6, 1e6))
        width = draw(st.floats(1e-3, 1e6))
        axes.append(
            Axis(
                draw(names),
                regular_coordinates(start, start + width, count),
                draw(st.floats()),
                draw(names),
                draw(names),
            )
        )
    shape = (focus_points, *counts) if kind == "plane" else (focus_points, len(counts), counts[0])
    channels = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    measured = draw(st.lists(st.sampled_from(channels), unique=True))
    replicated = draw(st.lists(st.sampled_from(channels), unique=True))
    groups = draw(st.integers(2, 3))
    return Slice(
        kind=kind,
        method=draw(names),
        axes=tuple(axes),
        values={c: draw(arrays.arrays(np.float32, shape, elements=floats32)) for c in channels},
        center={c: draw(arrays.arrays(np.float64, focus_points)) for c in channels},
        series=draw(names),
        step=draw(st.integers(0, 10**9)),
        epoch=draw(st.none() | st.floats()),
        wall_time=draw(st.floats(0, 4e9)),
        focus_points=tuple(draw(names) for _ in range(focus_points)),
        mode=draw(st.sampled_from(["eval", "train"])),
        examples=draw(st.integers(0, 10**9)),
        evaluations=draw(st.integers(0, 10**9)),
        seconds=draw(st.floats(0, 1e6)),
        notes=draw(st.dictionaries(names, st.integers() | names | st.booleans(), max_size=3)),
        errors={c: draw(arrays.arrays(np.float32, shape, elements=floats32)) for c in measured},
        replicates={
            c: draw(arrays.arrays(np.float32, (groups, *shape), elements=floats32))
            for c in replicated
        },
        center_replicates={
            c: draw(arrays.arrays(np.float64, (groups, focus_points))) for c in replicated
        },
        trajectory=draw(st.none() | trajectories(len(axes))),
        evaluated=draw(st.none() | arrays.arrays(np.bool_, shape)),
    )


@st.composite
def trajectories(draw: st.DrawFn, axes: int) -> ProjectedTrajectory:
    steps = draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=5, unique=True))
    return ProjectedTrajectory(
        steps=np.array(sorted(steps)),
        coordinates=draw(arrays.arrays(np.float32, (axes, len(steps)), elements=floats32)),
        distances=draw(arrays.arrays(np.float32, len(steps), elements=floats32)),
        explained=draw(st.floats()),
    )


@given(slices())
def test_bytes_give_back_the_same_bits(given_slice: Slice) -> None:
    data = given_slice.to_bytes()
    found = Slice.from_bytes(data)
    assert found.to_bytes() == data
    assert len(data) % 4 == 0
    for name, values in given_slice.values.items():
        assert found.values[name].tobytes() == values.tobytes()  # NaN payloads included
    for name, values in given_slice.errors.items():
        assert found.errors[name].tobytes() == values.tobytes()
    for name, values in given_slice.replicates.items():
        assert found.replicates[name].tobytes() == values.tobytes()
    if given_slice.trajectory is not None:
        assert found.trajectory is not None
        assert found.trajectory.steps.tolist() == given_slice.trajectory.steps.tolist()
    np.testing.assert_array_equal(found.evaluated, given_slice.evaluated)
    for axis, other in zip(given_slice.axes, found.axes, strict=True):
        np.testing.assert_array_equal(axis.coordinates, other.coordinates)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_with_a_sentence(data: bytes) -> None:
    for candidate in (data, b"PSL1" + data, b"PSL1" + len(data).to_bytes(4, "little") + data):
        with pytest.raises(SliceFormatError):
            Slice.from_bytes(candidate)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def header_and_values(data: bytes) -> tuple[dict[str, object], bytes]:
    length = int.from_bytes(data[4:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(header: object, values: bytes) -> bytes:
    text = json.dumps(header).encode()
    return b"PSL1" + len(text).to_bytes(4, "little") + text + values


@given(st.sampled_from(sorted(header_and_values(a_line().to_bytes())[0])), json_values)
def test_a_lying_header_is_refused_or_read_as_it_says(key: str, value: object) -> None:
    header, values = header_and_values(a_line().to_bytes())
    try:
        found = Slice.from_bytes(with_header(header | {key: value}, values))
    except SliceFormatError:
        return
    assert found.shape == (1, 1, 13)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_never_crashes_the_reader(position: int, byte: int) -> None:
    data = bytearray(a_line().to_bytes())
    data[position % len(data)] = byte
    try:
        Slice.from_bytes(bytes(data))
    except SliceFormatError:
        pass


@pytest.mark.parametrize("cut", [0, 3, 7, 8, 40, -1, -4])
def test_a_cut_file_says_so(cut: int) -> None:
    with pytest.raises(SliceFormatError):
        Slice.from_bytes(a_line().to_bytes()[:cut])


def test_a_header_cannot_make_the_reader_allocate() -> None:
    header, values = header_and_values(a_line().to_bytes())
    huge = 2**40
    axes = [{"name": "x", "start": -1.0, "stop": 1.0, "samples": huge}]
    with pytest.raises(SliceFormatError, match="cut short or damaged"):
        Slice.from_bytes(with_header(header | {"shape": [1, 1, huge], "axes": axes}, values))
    with pytest.raises(SliceFormatError, match="samples"):
        Slice.from_bytes(with_header(header | {"axes": axes}, values))
    # No channel, so no values: the sizes agree, but nothing is there.
    with pytest.raises(SliceFormatError):
        Slice.from_bytes(with_header(header | {"shape": [1, 1, huge], "channels": []}, b""))


def test_a_newer_version_is_named_as_such() -> None:
    header, values = header_and_values(a_line().to_bytes())
    with pytest.raises(SliceFormatError, match="written by a newer pysclice"):
        Slice.from_bytes(with_header(header | {"version": 3}, values))


def test_unknown_keys_are_ignored() -> None:
    header, values = header_and_values(a_line().to_bytes())
    assert Slice.from_bytes(with_header(header | {"later": [1]}, values)) == a_line()


def test_values_start_at_a_multiple_of_eight() -> None:
    for series in ("", "a", "ab", "abcdefgh"):
        data = a_line(series=series).to_bytes()
        assert (8 + int.from_bytes(data[4:8], "little")) % 8 == 0


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e3), st.integers(1, 60))
def test_regular_coordinates_nest_and_reach_both_ends(
    start: float, width: float, intervals: int
) -> None:
    coarse = regular_coordinates(start, start + width, intervals + 1)
    fine = regular_coordinates(start, start + width, 2 * intervals + 1)
    np.testing.assert_array_equal(fine[::2], coarse)
    assert coarse[-1] == start + width or abs(coarse[-1]) == 0.0
    assert np.all(np.diff(fine) > 0)


@pytest.mark.parametrize("samples", [3, 13, 25, 49, 97, 101])
def test_symmetric_spans_hit_the_focus_point(samples: int) -> None:
    for half in (0.1, 0.3, 1.0, 7.7):
        coordinates = regular_coordinates(-half, half, samples)
        assert coordinates[samples // 2] == 0.0
        np.testing.assert_array_equal(coordinates, -coordinates[::-1])


def test_coarsening_takes_samples_and_leaves_no_other_trace() -> None:
    fine = load(GOLDEN / "v1-plane.slice")
    coarse = fine.coarsen(2)
    assert coarse.shape == (1, 5, 4)
    np.testing.assert_array_equal(coarse.losses, fine.losses[:, ::2, ::2])
    np.testing.assert_array_equal(coarse.axes[1].coordinates, fine.axes[1].coordinates[::2])
    assert coarse.step == fine.step and coarse.center == fine.center
    with pytest.raises(ValueError, match="must divide"):
        fine.coarsen(4)


def test_coarsening_takes_what_belongs_to_the_samples_along() -> None:
    fine = load(GOLDEN / "v2-line.slice")
    coarse = fine.coarsen(2)
    np.testing.assert_array_equal(coarse.errors["train/loss"], fine.errors["train/loss"][..., ::2])
    np.testing.assert_array_equal(
        coarse.replicates["train/loss"], fine.replicates["train/loss"][..., ::2]
    )
    path = load(GOLDEN / "v2-plane.slice")
    assert path.coarsen(2).trajectory is path.trajectory


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"errors": {"train/loss": np.zeros((1, 1, 12))}}, "Standard errors of 'train/loss'"),
        ({"errors": {"elsewhere": np.zeros((1, 1, 13))}}, "which is no channel"),
        ({"replicates": {"train/loss": np.zeros((2, 1, 1, 13))}}, "and their centers"),
        (
            {"trajectory": ProjectedTrajectory(np.array([1]), np.zeros((2, 1)), np.zeros(1))},
            "coordinates for 2 axes",
        ),
        ({"kind": "spectrum", "axes": (), "values": {"a": np.zeros(1)}}, "one axis"),
        ({"evaluated": np.ones(13, dtype=bool)}, "evaluated has shape"),
    ],
)
def test_what_does_not_fit_the_slice_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        a_line(**changes)


def test_a_slice_of_which_all_was_evaluated_has_no_mask() -> None:
    everything = np.ones((1, 1, 13), dtype=bool)
    assert a_line(evaluated=everything).evaluated is None
    assert a_line(evaluated=everything) == a_line()
    every_other = everything.copy()
    every_other[..., 1::2] = False
    line = a_line(evaluated=every_other)
    np.testing.assert_array_equal(line.evaluated, every_other)
    assert line.coarsen(2).evaluated is None
    assert line.coarsen(3).evaluated.ravel().tolist() == [True, False, True, False, True]


def test_a_mask_of_another_size_is_refused() -> None:
    every_other = np.arange(13)[None, None] % 2 == 0
    data = a_line(evaluated=every_other).to_bytes()
    header, values = header_and_values(data)
    for lie in ("", "qqqqqq==", "#", 5, [1]):
        with pytest.raises(SliceFormatError):
            Slice.from_bytes(with_header(header | {"evaluated": lie}, values))


def test_resolutions_are_the_strides_that_keep_both_ends() -> None:
    assert a_line(49).resolutions() == (49, 25, 13, 7, 4)
    assert a_line(50).resolutions() == (50,)
    assert load(GOLDEN / "v1-plane.slice").resolutions() == (9, 5)


def test_index_entries_stay_small() -> None:
    coordinates = regular_coordinates(-1.0, 1.0, 25)
    axes = tuple(
        Axis(f"layer{i}.conv1.weight[{i}, 0, 1, 2]", coordinates, 1.0, "", f"{i:016x}")
        for i in range(64)
    )
    values = np.ones((1, 64, 25), dtype=np.float32)
    channels = ("train/loss", "validation/loss", "validation/accuracy")
    bundle = a_line(
        axes=axes,
        values=dict.fromkeys(channels, values),
        center=dict.fromkeys(channels, np.array([math.pi])),
    )
    assert len(json.dumps(index_entry(bundle))) <= 500
    assert index_entry(bundle)["fingerprint"] != index_entry(a_line())["fingerprint"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "cube"}, "Unknown kind"),
        ({"kind": "plane"}, "two axes"),
        ({"values": {}}, "at least one channel"),
        ({"values": {"train/loss": np.zeros((1, 1, 5), "f4")}}, "shape"),
        ({"center": {}}, "no center"),
        ({"center": {"train/loss": np.zeros(2)}}, "center values"),
        ({"axes": ()}, "one axis or more"),
    ],
)
def test_a_slice_that_contradicts_itself_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        a_line(**changes)


def test_values_cannot_be_changed_behind_the_records_back() -> None:
    with pytest.raises(ValueError, match="read-only"):
        a_line().losses[0, 0, 0] = 1.0


def test_saving_replaces_a_file_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "line.slice"
    path.write_bytes(b"old")
    a_line().save(path)
    assert load(path) == a_line()
    assert [p.name for p in tmp_path.iterdir()] == ["line.slice"]
