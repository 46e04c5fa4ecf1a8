"""Joining slices and taking them at other coordinates: nothing is lost, nothing is made up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.interpolate import RegularGridInterpolator

import pysclice as ps
from pysclice import measures
from pysclice.slices import Axis, Float64, ProjectedTrajectory, Slice, regular_coordinates

X = regular_coordinates(-1.0, 1.0, 13)
Y = regular_coordinates(-0.5, 1.0, 7)
# Every float32 there is, NaN and infinities among them.
ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)


def lines(
    values: Any = None,
    names: tuple[str, ...] = ("random 0",),
    x: Float64 = X,
    *,
    length: float = 2.0,
    **others: Any,
) -> Slice:
    """Lines of x squared, at one focus point or as many as there are values."""
    if values is None:
        values = np.tile(0.25 + x**2, (1, len(names), 1))
    values = np.asarray(values, dtype=np.float32)
    return dataclasses.replace(
        Slice(
            kind="lines",
            method="random direction",
            axes=tuple(Axis(name, x, length, fingerprint=f"of {name}") for name in names),
            values={"loss": values, "accuracy": -values},
            center={name: np.full(len(values), 0.25) for name in ("loss", "accuracy")},
            focus_points=tuple(f"point {i}" for i in range(len(values))),
        ),
        **others,
    )


def with_uncertainty(slice_: Slice, groups: int = 3) -> Slice:
    """Errors and replicates that tell every sample apart."""
    shape, points = slice_.shape, slice_.shape[0]
    count = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    return dataclasses.replace(
        slice_,
        errors={"loss": count / 8},
        replicates={"loss": np.stack([count + 1000 * g for g in range(groups)])},
        center_replicates={"loss": np.tile(np.arange(groups) / 4, (points, 1)).T},
    )


def a_plane(values: Any = None, **others: Any) -> Slice:
    if values is None:
        values = (X[:, None] ** 2 + 2 * Y)[None]
    values = np.asarray(values, dtype=np.float32)
    slice_ = Slice(
        kind="plane",
        method="random plane",
        axes=(Axis("a", X, 1.0), Axis("b", Y, 2.0)),
        values={"loss": values},
        center={"loss": np.zeros(len(values))},
        focus_points=tuple(f"point {i}" for i in range(len(values))),
    )
    return dataclasses.replace(slice_, **others)


def same(one: Any, other: Any) -> bool:
    """Equal to the bit, NaN included."""
    one, other = np.asarray(one), np.asarray(other)
    return (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )


# ---- concatenate: the parts come back --------------------------------------------------------


@given(st.data(), st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(1, 2))
def test_lines_come_back(data: st.DataObject, counts: list[int], points: int) -> None:
    parts = [
        with_uncertainty(
            lines(
                data.draw(arrays.arrays(np.float32, (points, count, 13), elements=ANY)),
                tuple(f"{number}.{i}" for i in range(count)),
            )
        )
        for number, count in enumerate(counts)
    ]
    whole = ps.concatenate(parts)
    assert whole.axes == tuple(axis for part in parts for axis in part.axes)
    begin = 0
    for part in parts:
        pick = slice(begin, begin := begin + len(part.axes))
        for channel in ("loss", "accuracy"):
            assert same(whole.values[channel][:, pick], part.values[channel])
        assert same(whole.errors["loss"][:, pick], part.errors["loss"])
        assert same(whole.replicates["loss"][:, :, pick], part.replicates["loss"])
        assert same(whole.center["loss"], part.center["loss"])
        assert same(whole.center_replicates["loss"], part.center_replicates["loss"])
    assert Slice.from_bytes(whole.to_bytes()) == whole


@given(st.data(), st.lists(st.integers(1, 3), min_size=1, max_size=4), st.booleans())
def test_focus_points_come_back(data: st.DataObject, counts: list[int], plane: bool) -> None:
    parts = []
    for number, count in enumerate(counts):
        if plane:
            values = data.draw(arrays.arrays(np.float32, (count, 13, 7), elements=ANY))
            part = a_plane(values)
        else:
            values = data.draw(arrays.arrays(np.float32, (count, 2, 13), elements=ANY))
            part = lines(values, ("a", "b"))
        names = tuple(f"{number}.{i}" for i in range(count))
        center = {name: np.arange(count) + 10.0 * number for name in part.channels}
        parts.append(with_uncertainty(dataclasses.replace(part, focus_points=names, center=center)))
    whole = ps.concatenate(parts, along="focus points")
    assert whole.axes == parts[0].axes
    begin = 0
    for part in parts:
        pick = slice(begin, begin := begin + len(part.focus_points))
        assert whole.focus_points[pick] == part.focus_points
        assert same(whole.values["loss"][pick], part.values["loss"])
        assert same(whole.center["loss"][pick], part.center["loss"])
        assert same(whole.errors["loss"][pick], part.errors["loss"])
        assert same(whole.replicates["loss"][:, pick], part.replicates["loss"])
        assert same(whole.center_replicates["loss"][:, pick], part.center_replicates["loss"])
    assert Slice.from_bytes(whole.to_bytes()) == whole


@given(
    arrays.arrays(np.float32, (2, 1, 13), elements=ANY),
    st.lists(st.lists(st.integers(0, 12), min_size=1, unique=True), min_size=1, max_size=4),
)
def test_samples_come_back(values: Any, picks: list[list[int]]) -> None:
    # The parts overlap where they were drawn so; each holds some samples of one line.
    full = with_uncertainty(lines(values))
    parts = []
    for drawn in picks:
        pick = sorted(drawn)

        def of(channels: Any, pick: list[int] = pick) -> Any:
            return {name: channel[..., pick] for name, channel in channels.items()}

        axis = dataclasses.replace(full.axes[0], coordinates=X[pick])
        parts.append(
            dataclasses.replace(
                full,
                axes=(axis,),
                values=of(full.values),
                errors=of(full.errors),
                replicates=of(full.replicates),
            )
        )
    whole = ps.concatenate(parts, along="samples")
    there = sorted({sample for pick in picks for sample in pick})
    assert same(whole.axes[0].coordinates, X[there])
    assert same(whole.values["loss"], full.values["loss"][..., there])
    assert same(whole.errors["loss"], full.errors["loss"][..., there])
    assert same(whole.replicates["loss"], full.replicates["loss"][..., there])
    assert same(whole.center["loss"], full.center["loss"])


def test_a_slice_alone_is_itself() -> None:
    assert ps.concatenate([lines()]) == lines()
    assert ps.concatenate(iter([a_plane()]), along="focus points") == a_plane()


def test_spectra_are_concatenated_along_focus_points() -> None:
    one = dataclasses.replace(lines(), kind="spectrum")
    assert ps.concatenate([one, one], along="focus points").shape == (2, 1, 13)
    with pytest.raises(ValueError, match="is a spectrum"):
        ps.concatenate([one, one], along="samples")


def test_coordinates_that_differ_by_rounding_are_one_sample() -> None:
    one = lines(x=np.array([0.0, 0.3]))
    two = lines(x=np.array([0.1 + 0.2, 0.4]))
    whole = ps.concatenate([two, one], along="samples")
    assert whole.axes[0].coordinates.tolist() == [0.0, 0.3, 0.4]


# ---- concatenate: what else stands in a record -----------------------------------------------


def test_the_record_of_a_concatenation() -> None:
    one = lines(series="s", step=1, epoch=0.5, wall_time=5.0, evaluations=13, seconds=0.5)
    two = lines(
        names=("b",), series="s", step=3, epoch=1.5, wall_time=9.0, evaluations=2, seconds=1.0
    )
    two = dataclasses.replace(two, method="gradient")
    whole = ps.concatenate([two, one])
    assert (whole.series, whole.step, whole.epoch, whole.wall_time) == ("s", 3, 1.5, 9.0)
    assert (whole.evaluations, whole.seconds) == (15, 1.5)
    assert whole.method == "gradient + random direction"
    assert ps.concatenate([one, dataclasses.replace(two, series="t")]).series == ""


def test_errors_and_replicates_stay_where_all_have_them() -> None:
    one, two = with_uncertainty(lines()), with_uncertainty(lines(names=("b",)))
    fewer = with_uncertainty(lines(names=("b",)), groups=2)
    other = dataclasses.replace(two, center_replicates={"loss": np.ones((3, 1))})
    without = lines(names=("b",))
    assert list(ps.concatenate([one, two]).replicates) == ["loss"]
    for second in (fewer, other):  # groups that were drawn differently are no groups of all lines
        whole = ps.concatenate([one, second])
        assert list(whole.errors) == ["loss"] and not whole.replicates
        assert not whole.center_replicates
    assert not ps.concatenate([one, without]).errors


def test_focus_points_of_one_name_from_several_steps_are_told_apart() -> None:
    here = dataclasses.replace(lines(), focus_points=("current parameters",))
    steps = [dataclasses.replace(here, step=step) for step in (0, 100)]
    whole = ps.concatenate(steps, along="focus points")
    assert whole.focus_points == ("current parameters, step 0", "current parameters, step 100")
    named = dataclasses.replace(steps[1], focus_points=("start",))
    whole = ps.concatenate([steps[0], named], along="focus points")
    assert whole.focus_points == ("current parameters", "start")


def test_a_trajectory_stays_where_all_have_the_same_on_the_same_axes() -> None:
    path = ProjectedTrajectory(np.array([0, 5]), np.zeros((1, 2)), np.array([math.nan, 0]), 0.5)
    other = dataclasses.replace(path, explained=0.75)
    one = lines(trajectory=path)
    assert ps.concatenate([one, one], along="samples").trajectory is not None
    assert ps.concatenate([one, one], along="focus points").trajectory is not None
    assert ps.concatenate([one, one], along="lines").trajectory is None
    for second in (lines(), lines(trajectory=other)):
        assert ps.concatenate([one, second], along="samples").trajectory is None


@pytest.mark.parametrize(
    ("along", "notes", "expected"),
    [
        # Alike: as they are. Of one slice: below the name of its axis.
        ("lines", [{"k": 1, "x": 2}, {"k": 1}], {"k": 1, "a": {"x": 2}}),
        ("lines", [{"x": 1}, {"x": 2}], {"a": {"x": 1}, "b": {"x": 2}}),
        # What a direction noted of itself stands there already.
        (
            "lines",
            [{"a": {"seed": 0}, "x": 1}, {"b": {"seed": 1}}],
            {"a": {"seed": 0, "x": 1}, "b": {"seed": 1}},
        ),
        # A name that is taken gets a number.
        (
            "lines",
            [{"a": {"x": 0}, "x": 1}, {}],
            {"a": {"x": 0}, "a (2)": {"x": 1}},
        ),
        ("lines", [{"a": "text", "x": 1}, {}], {"a": "text", "a (2)": {"x": 1}}),
        ("lines", [{"b": 1}, {"b": 2}], {"a": {"b": 1}, "b": 2}),
        (
            "focus points",
            [{"a": {"norm": 1}, "k": 1}, {"a": {"norm": 2}, "k": 1}],
            {"k": 1, "here": {"a": {"norm": 1}}, "there": {"a": {"norm": 2}}},
        ),
        ("samples", [{"x": 1}, {"x": 2}], {"-1 to 1": {"x": 1}, "-1 to 1 (2)": {"x": 2}}),
    ],
)
def test_notes_lose_nothing(along: Any, notes: list[Any], expected: dict[str, Any]) -> None:
    names = ("a", "b") if along == "lines" else ("a", "a")
    points = ("here", "there") if along == "focus points" else ("here", "here")
    parts = [
        dataclasses.replace(lines(names=(name,), notes=note), focus_points=(point,))
        for name, note, point in zip(names, notes, points, strict=True)
    ]
    assert dict(ps.concatenate(parts, along=along).notes) == expected


def test_the_notes_of_a_bundle_stand_below_its_first_and_last_name() -> None:
    bundle = lines(names=("a", "b", "c"), notes={"x": 1})
    again = lines(names=("d", "e"), notes={"x": 2})
    assert dict(ps.concatenate([bundle, again]).notes) == {"a to c": {"x": 1}, "d to e": {"x": 2}}
    twice = ps.concatenate([bundle, dataclasses.replace(bundle, notes={"x": 2})])
    assert dict(twice.notes) == {"a to c": {"x": 1}, "a to c (2)": {"x": 2}}


JSON = st.recursive(
    st.integers(0, 2) | st.sampled_from(["a", "b"]),
    lambda inner: st.dictionaries(st.sampled_from("abcx"), inner, max_size=2),
    max_leaves=4,
)


def leaves(value: Any) -> list[Any]:
    return (
        [leaf for v in value.values() for leaf in leaves(v)] if isinstance(value, dict) else [value]
    )


@given(
    st.lists(st.dictionaries(st.sampled_from("abcx"), JSON), min_size=2, max_size=4),
    st.sampled_from(["lines", "focus points", "samples"]),
)
def test_every_note_of_every_slice_is_somewhere(notes: list[Any], along: Any) -> None:
    named = "abca" if along == "lines" else "aaaa"
    for number in range(len(notes)):
        # Numbered values: what is left of one slice's notes can be counted.
        marked = [_marked(n) if i == number else n for i, n in enumerate(notes)]
        parts = [lines(names=(name,), notes=n) for name, n in zip(named, marked, strict=False)]
        merged = dict(ps.concatenate(parts, along=along).notes)
        found = [leaf for leaf in leaves(merged) if isinstance(leaf, str) and leaf[:1] == "#"]
        assert sorted(found) == sorted(leaves(marked[number]))


def _marked(note: Any, path: str = "#") -> Any:
    if isinstance(note, dict):
        return {key: _marked(value, f"{path}.{key}") for key, value in note.items()}
    return path


# ---- concatenate: what does not fit ----------------------------------------------------------


@pytest.mark.parametrize(
    ("along", "other", "words"),
    [
        ("lines", lines(names=("b",), mode="train"), "it has mode 'train', slice 0 has 'eval'"),
        ("lines", lines(names=("b",), examples=5), "it has examples 5, slice 0 has 0"),
        ("lines", a_plane(), "it has kind 'plane', slice 0 has 'lines'"),
        ("lines", lines(x=X[::2]), r"7 samples, slice 0 has 13.*resample\(slice_, samples=13\)"),
        ("lines", lines(np.ones((2, 1, 13))), "the focus points .*'point 1'"),
        (
            "lines",
            lines(center={"loss": np.ones(1), "accuracy": np.ones(1)}),
            r"center values \[1\.\] of 'loss'.*'focus points'",
        ),
        ("focus points", lines(names=("b",)), "axis with name 'b' where slice 0 has 'random 0'"),
        ("focus points", lines(names=("a", "b")), "2 axes, slice 0 has 1"),
        ("focus points", lines(x=X[::2]), "other coordinates on axis 'random 0': 7 from -1 to 1"),
        ("focus points", lines(length=3.0), "length 3 where slice 0 has length 2"),
        ("samples", lines(names=("a", "b")), "2 lines instead of one"),
        ("samples", lines(length=math.nan), "length nan where slice 0 has length 2"),
        ("samples", lines(X[None, None]), "disagree about channel 'loss' at coordinate -1"),
        ("depth", lines(), r"along one of \('focus points', 'lines', 'samples'\), got 'depth'"),
    ],
)
def test_slices_that_do_not_fit_together_say_why(along: Any, other: Slice, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ps.concatenate([lines(), other], along=along)


def test_channels_have_to_be_the_same() -> None:
    other = lines()
    fewer = Slice("lines", "m", other.axes, {"loss": other.losses}, other.center)
    with pytest.raises(ValueError, match=r"channels \('loss',\), slice 0 has \('loss', 'acc"):
        ps.concatenate([other, dataclasses.replace(fewer, focus_points=other.focus_points)])


def test_fingerprints_tell_directions_apart() -> None:
    axis = dataclasses.replace(lines().axes[0], fingerprint="another seed")
    for along in ("samples", "focus points"):
        with pytest.raises(ValueError, match="fingerprint 'another seed'"):
            ps.concatenate([lines(), dataclasses.replace(lines(), axes=(axis,))], along=along)  # type: ignore[arg-type]


def test_only_slices_are_concatenated_and_at_least_one() -> None:
    with pytest.raises(ValueError, match="nothing to concatenate"):
        ps.concatenate([])
    with pytest.raises(TypeError, match="got int"):
        ps.concatenate([lines(), 3])  # type: ignore[list-item]


# ---- resample --------------------------------------------------------------------------------


@given(arrays.arrays(np.float32, (2, 3, 13), elements=ANY))
def test_a_bundle_at_its_own_coordinates_is_itself(values: Any) -> None:
    bundle = with_uncertainty(lines(values, ("a", "b", "c")))
    assert ps.resample(bundle, coordinates=X).to_bytes() == bundle.to_bytes()
    assert ps.resample(bundle, samples=13).to_bytes() == bundle.to_bytes()


@given(arrays.arrays(np.float32, (2, 13, 7), elements=ANY))
def test_a_plane_at_its_own_coordinates_is_itself(values: Any) -> None:
    plane = with_uncertainty(a_plane(values))
    assert ps.resample(plane, coordinates=(X, Y)).to_bytes() == plane.to_bytes()
    assert ps.resample(plane, samples=(13, 7)).to_bytes() == plane.to_bytes()


@given(
    arrays.arrays(np.float32, (1, 13, 7), elements=ANY),
    st.lists(st.integers(0, 12), min_size=1, unique=True),
    st.lists(st.integers(0, 6), min_size=1, unique=True),
)
def test_samples_that_a_plane_has_are_taken_to_the_bit(
    values: Any, rows: list[int], columns: list[int]
) -> None:
    rows, columns = sorted(rows), sorted(columns)
    part = ps.resample(a_plane(values), coordinates=(X[rows], Y[columns]))
    assert same(part.values["loss"], a_plane(values).losses[:, rows][:, :, columns])


@pytest.mark.parametrize("make", [lines, a_plane])
@pytest.mark.parametrize("stride", [2, 3, 4, 6])
def test_a_stride_is_what_coarsen_takes(make: Callable[[], Slice], stride: int) -> None:
    slice_ = with_uncertainty(make())
    if any((axis.samples - 1) % stride for axis in slice_.axes):
        return
    coarse = slice_.coarsen(stride)
    samples = [axis.samples for axis in coarse.axes]
    found = ps.resample(slice_, samples=samples if slice_.kind == "plane" else samples[0])
    assert dataclasses.replace(found, notes={}) == coarse
    before = " x ".join(str(axis.samples) for axis in slice_.axes)
    assert found.notes["resampled"] == f"{' x '.join(map(str, samples))} of {before} samples"


@given(arrays.arrays(np.float32, (2, 2, 13), elements=st.floats(-1e6, 1e6, width=32)))
def test_lines_are_interpolated_like_numpy_does(values: Any) -> None:
    x = np.array([-1.0, -0.93, 0.01, 0.5, 0.99])
    found = ps.resample(lines(values, ("a", "b")), coordinates=x)
    for point in range(2):
        for row in range(2):
            expected = np.interp(x, X, values[point, row].astype(np.float64))
            assert found.losses[point, row] == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(arrays.arrays(np.float32, (1, 13, 7), elements=st.floats(-1e6, 1e6, width=32)))
def test_planes_are_interpolated_like_scipy_does(values: Any) -> None:
    x, y = np.array([-1.0, -0.93, 0.01, 0.99]), np.array([-0.49, 0.3, 1.0])
    found = ps.resample(a_plane(values), coordinates=[x, y])
    there = RegularGridInterpolator((X, Y), values[0].astype(np.float64))
    expected = there(tuple(np.meshgrid(x, y, indexing="ij")))
    assert found.losses[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert [axis.name for axis in found.axes] == ["a", "b"]
    assert found.notes["resampled"] == "bilinear interpolation from 13 x 7 samples"


@pytest.mark.parametrize("wall", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_spreads_to_what_leans_on_it(wall: float) -> None:
    values = (0.25 + X**2)[None, None].copy()
    values[0, 0, 6] = wall
    between = (X[1:] + X[:-1]) / 2
    found = ps.resample(lines(values), coordinates=np.sort(np.concatenate([X, between]))).losses
    bad = found[0, 0][~np.isfinite(found[0, 0])]
    assert np.flatnonzero(~np.isfinite(found[0, 0])).tolist() == [11, 12, 13]
    assert same(bad, np.full(3, wall, dtype=np.float32))

    corner = np.zeros((1, 13, 7))
    corner[0, 0, 0] = wall
    near = ps.resample(a_plane(corner), samples=(25, 13)).losses[0]
    assert np.argwhere(~np.isfinite(near)).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_between_two_infinities_of_different_sign_is_no_number() -> None:
    walls = lines([[[math.inf, -math.inf]]], x=np.array([0.0, 1.0]))
    found = ps.resample(walls, samples=3).losses
    assert found.tolist() == [[[math.inf, pytest.approx(math.nan, nan_ok=True), -math.inf]]]


def test_each_line_of_a_bundle_has_its_own_span() -> None:
    wide = dataclasses.replace(lines().axes[0], name="wide", coordinates=2 * X)
    bundle = Slice(
        "lines",
        "m",
        (lines().axes[0], wide),
        {"loss": np.tile(X**2, (1, 2, 1))},
        {"loss": np.zeros(1)},
    )
    found = ps.resample(bundle, samples=5)
    assert found.axes[1].coordinates.tolist() == [-2, -1, 0, 1, 2]
    found = ps.resample(bundle, coordinates=[0.5])
    assert found.losses.ravel() == pytest.approx([0.25, (1 / 36 + 1 / 9) / 2])
    with pytest.raises(ValueError, match=r"'random 0' was measured from -1 to 1, but .* to 1\.5"):
        ps.resample(bundle, coordinates=[0, 1.5])


def test_the_jackknife_stays_right_and_errors_become_no_smaller() -> None:
    generator = np.random.default_rng(0)
    losses = generator.gamma(2, 1, (20, 13))
    kept = (losses.sum(0) - losses) / 19
    whole = dataclasses.replace(
        lines(losses.mean(0)[None, None]),
        errors={"loss": (losses.std(0, ddof=1) / math.sqrt(20))[None, None].astype(np.float32)},
        replicates={"loss": kept[:, None, None].astype(np.float32)},
        center_replicates={"loss": np.zeros((20, 1))},
    )
    where = X[4] + 0.25 * (X[5] - X[4])
    found = ps.resample(whole, coordinates=[where])
    expected = (0.75 * losses[:, 4] + 0.25 * losses[:, 5]).std(ddof=1) / math.sqrt(20)
    estimate = measures.estimate(lambda slice_: slice_.losses[0, 0, 0], found)
    assert estimate.error == pytest.approx(expected, rel=1e-4)
    assert found.errors["loss"][0, 0, 0] >= expected


def test_resampling_twice_is_said_twice() -> None:
    once = ps.resample(lines(notes={"k": 1}), samples=25)
    assert dict(ps.resample(once, samples=7).notes) == {
        "k": 1,
        "resampled": "linear interpolation from 13 samples; then 7 of 25 samples",
    }


def test_the_rest_of_the_record_stays() -> None:
    path = ProjectedTrajectory(np.array([0, 5]), np.zeros((1, 2)), np.zeros(2), 0.5)
    before = lines(series="s", step=4, trajectory=path, evaluations=13)
    after = ps.resample(before, samples=9)
    assert (after.series, after.step, after.evaluations) == ("s", 4, 13)
    assert after.trajectory is path
    assert after.axes[0].fingerprint == before.axes[0].fingerprint


@pytest.mark.parametrize(
    ("slice_", "given_", "words"),
    [
        (lines(), {}, "either samples"),
        (lines(), {"samples": 3, "coordinates": X}, "either samples"),
        (lines(), {"samples": 0}, "at least one sample, got 0"),
        (lines(), {"coordinates": [0.5, 0.2]}, "increasing"),
        (lines(), {"coordinates": [0.5, math.nan]}, "finite"),
        (lines(), {"coordinates": [[0.5]]}, "one-dimensional"),
        (lines(), {"coordinates": [-1.01, 0]}, "measured from -1 to 1, but .* from -1.01 to 0"),
        (a_plane(), {"coordinates": X}, "needs a pair"),
        (a_plane(), {"samples": (3, 4, 5)}, "needs a pair"),
        (a_plane(), {"coordinates": (X, 2 * Y)}, "'b' was measured from -0.5 to 1"),
    ],
)
def test_what_cannot_be_resampled_is_said(slice_: Slice, given_: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ps.resample(slice_, **given_)


# ---- slices of which some values were interpolated -------------------------------------------


def sparse(slice_: Slice) -> Slice:
    """The slice with every third value evaluated, the first one too."""
    evaluated = np.arange(slice_.losses.size).reshape(slice_.shape) % 3 == 0
    return dataclasses.replace(slice_, evaluated=evaluated)


def test_what_was_evaluated_is_concatenated_with_what_was_measured_as_a_whole() -> None:
    x = np.linspace(-1, 1, 5)
    one, two = lines(x[None, None] ** 2, x=x), lines(x[None, None] ** 2, x=x)
    found = ps.concatenate([sparse(one), two])
    assert found.evaluated is not None
    np.testing.assert_array_equal(found.evaluated[:, :1], sparse(one).evaluated)
    assert found.evaluated[:, 1:].all()
    assert ps.concatenate([one, two]).evaluated is None
    several = ps.concatenate([sparse(one), sparse(two)], along="focus points")
    assert several.evaluated is not None and several.evaluated.shape == (2, 1, 5)


def test_of_two_values_at_one_coordinate_the_evaluated_one_stays() -> None:
    x = np.linspace(-1, 1, 5)
    exact = lines(x[None, None] ** 2, x=x)
    guessed = exact.losses.copy()
    guessed[np.arange(5)[None, None] % 3 != 0] += 0.01
    rough = dataclasses.replace(sparse(exact), values={**exact.values, "loss": guessed})
    for parts in ([exact, rough], [rough, exact]):
        found = ps.concatenate(parts, along="samples")
        assert found.evaluated is None
        np.testing.assert_array_equal(found.losses, exact.losses)
    wrong = dataclasses.replace(rough, values={**exact.values, "loss": guessed + 1.0})
    with pytest.raises(ValueError, match="disagree"):
        ps.concatenate([exact, wrong], along="samples")


def test_resampling_keeps_what_was_evaluated_and_no_more() -> None:
    plane = sparse(a_plane())
    assert plane.evaluated is not None
    x, y = (axis.coordinates for axis in plane.axes)
    finer = ps.resample(plane, samples=(2 * len(x) - 1, 2 * len(y) - 1))
    assert finer.evaluated is not None
    np.testing.assert_array_equal(finer.evaluated[:, ::2, ::2], plane.evaluated)
    assert finer.evaluated.sum() == plane.evaluated.sum()
    part = ps.resample(plane, coordinates=(x[1:3], y[[0, 2]]))
    assert part.evaluated is not None
    np.testing.assert_array_equal(part.evaluated, plane.evaluated[:, 1:3][:, :, [0, 2]])
    line = sparse(lines(np.zeros((1, 1, 7)), x=np.linspace(-1, 1, 7)))
    between = ps.resample(line, coordinates=[-0.9, 0.0, 0.9])
    assert between.evaluated is not None
    assert between.evaluated.ravel().tolist() == [False, True, False]
