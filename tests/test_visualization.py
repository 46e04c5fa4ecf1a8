"""Figures: what is prepared as plain numbers, and what stands in the files that are saved."""

from __future__ import annotations

import base64
import dataclasses
import io
import math
import pickle
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

import pysclice
from pysclice.slices import Axis, ProjectedTrajectory, Slice, regular_coordinates
from pysclice.visualization import (
    barrier,
    bundle,
    data,
    line,
    overlay,
    plane,
    plot,
    relief,
    trajectory,
)
from pysclice.visualization import spectrum as spectrum_view

ROOT = Path(__file__).resolve().parent.parent
X = regular_coordinates(-1.0, 1.0, 13)
Y = regular_coordinates(-0.5, 0.5, 7)


def lines(
    count: int = 1, focus_points: int = 1, step: int = 3, loss: Any = None, name: str = "random"
) -> Slice:
    values = np.array([[0.25 + k + X**2 for k in range(count)]] * focus_points)
    if loss is not None:
        values[...] = loss
    return Slice(
        kind="lines",
        method="random direction",
        axes=tuple(Axis(f"{name} {k}", X, 6.25, fingerprint="ab") for k in range(count)),
        values={"train/loss": values.astype(np.float32), "accuracy": values.astype(np.float32)},
        center=dict.fromkeys(("train/loss", "accuracy"), values[:, 0, 6]),
        series="my line",
        step=step,
        focus_points=tuple(f"point {i}" for i in range(focus_points)),
    )


def a_plane(focus_points: int = 1, step: int = 3, missing: int = 0) -> Slice:
    values = np.stack(
        [0.5 + X[:, None] ** 2 + 2 * Y[None, :] ** 2 + p for p in range(focus_points)]
    )
    values[0, :missing, 0] = math.nan
    return Slice(
        kind="plane",
        method="random plane",
        axes=(Axis("random 0", X, 6.25), Axis("random 1", Y, 5.5)),
        values={"train/loss": values.astype(np.float32)},
        center={"train/loss": values[:, 6, 3]},
        series="my plane",
        step=step,
        focus_points=tuple(f"point {i}" for i in range(focus_points)),
    )


def texts(figure: Figure) -> list[str]:
    """All texts of the figure as they stand in an SVG that keeps them as text."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg")
    root = ElementTree.fromstring(file.getvalue())
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def words_of(figure: Figure) -> set[str]:
    """The same without drawing, which takes most of the time."""
    return {text.get_text() for text in figure.findobj(Text) if text.get_visible()} - {""}


# ---- plain numbers ---------------------------------------------------------------------------


def test_axis_label_says_direction_and_unit() -> None:
    known, unknown = Axis("random 0", X, 6.25), Axis("top", X)
    assert data.axis_label(known) == "random 0\nin multiples of L2 length 6.25"
    assert data.axis_label(unknown) == "top\nin multiples"


def test_cell_edges_lie_between_the_samples() -> None:
    assert data.cell_edges(np.array([0.0, 1.0, 3.0])).tolist() == [-0.5, 0.5, 2.0, 4.0]
    assert data.cell_edges(np.array([7.0])).tolist() == [6.5, 7.5]


def test_values_that_cannot_be_shown_are_missing_and_counted() -> None:
    values = [1.0, 0.0, -2.0, math.inf, math.nan]
    assert np.isnan(data.showable(values, "linear")).tolist() == [False] * 3 + [True] * 2
    assert np.isnan(data.showable(values, "log")).tolist() == [False] + [True] * 4
    assert data.caption([values], "linear") == "2 of 5 values are not finite (hatched)."
    assert data.caption([[1.0, math.nan]], "linear") == "1 of 2 values is not finite (hatched)."
    assert data.caption([values], "log").endswith(
        "2 of 5 values are zero or negative, which a log scale cannot show (hatched)."
    )
    assert data.caption([[1.0, 2.0]], "log") == ""


def test_missing_samples_that_touch_are_one_span() -> None:
    values = np.array([math.nan, math.nan, 1.0, math.nan, 2.0])
    assert data.missing_spans(np.arange(5.0), values) == [(-0.5, 1.5), (2.5, 3.5)]


def test_limits_hold_all_values_and_are_never_empty() -> None:
    assert data.limits([np.array([1.0, math.nan]), np.array([3.0])], "linear") == (1.0, 3.0)
    assert data.limits([np.array([2.0])], "linear") == (1.8, 2.2)
    assert data.limits([np.array([0.0])], "linear") == (-1.0, 1.0)
    assert data.limits([np.array([math.nan])], "linear") == (0.0, 1.0)
    low, high = data.limits([np.array([2.0])], "log")
    assert 0 < low < 2 < high
    assert data.limits([np.array([math.nan])], "log")[0] > 0


def test_levels_are_round_numbers() -> None:
    assert data.levels(0.0, 4.0, "linear") == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert data.levels(0.15, 40.0, "log") == pytest.approx([0.2, 0.5, 1, 2, 5, 10, 20])
    assert data.levels(1e-6, 1e6, "log") == pytest.approx(10.0 ** np.arange(-5, 6))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.sampled_from(["linear", "log"]))
def test_levels_are_few_and_inside(low: float, span: float, scale: data.Scale) -> None:
    if scale == "log":
        low = abs(low) + 1e-3
    high = low + span
    if high - low < 1e-6 * abs(low):
        return  # limits() never gives such a range
    found = data.levels(low, high, scale)
    assert len(found) <= 14
    assert all(low < level < high for level in found)
    assert sorted(set(found)) == found


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (0.4216, 0.0312, "0.422 ± 0.031"),
        (125.32, 6.25, "125.3 ± 6.2"),
        (1234.5, 321.0, "1234 ± 321"),
        (3.0, 0.0, "3.000 ± 0.000"),
        (1.234e9, 1.5e7, "1.23e+09 ± 1.5e+07"),
        (1.234e-8, 1.5e-9, "1.23e-08 ± 1.5e-09"),
        (-0.5, math.nan, "-0.5"),
        (0.123456, None, "0.123"),
        (0.123456, "NaN", "0.123"),
    ],
)
def test_a_number_has_the_digits_of_its_error(value: float, error: object, words: str) -> None:
    assert data.with_error(value, error) == words


def test_evenly_keeps_both_ends() -> None:
    assert data.evenly(range(10), 6) == [0, 2, 4, 5, 7, 9]
    assert data.evenly([1, 2], 6) == [1, 2]


def test_a_line_is_prepared_with_its_center() -> None:
    found = line.prepare_line(lines())
    assert found.curves[0].values == pytest.approx(0.25 + X**2)
    assert found.curves[0].center == 0.25
    assert (found.title, found.y_label, found.note) == ("my line, step 3", "train/loss", "")
    assert found.missing == ()


def test_focus_points_become_curves_unless_one_is_chosen() -> None:
    both = line.prepare_line(lines(focus_points=2))
    assert [curve.name for curve in both.curves] == ["point 0", "point 1"]
    one = line.prepare_line(lines(focus_points=2), focus_point=1)
    assert [curve.name for curve in one.curves] == ["my line, step 3"]


def test_a_line_with_missing_values_says_where() -> None:
    found = line.prepare_line(lines(loss=np.where(X > 0.7, math.inf, 1.0)))
    assert found.missing == (pytest.approx((0.75, 13 / 12)),)
    assert found.note == "2 of 13 values are not finite (hatched)."


def test_a_series_of_lines_has_a_row_for_each_step() -> None:
    series = {step: lines(step=step, loss=np.full(13, step + 1.0)) for step in (0, 5, 20)}
    heatmap, note = line.prepare_line_series(series)
    assert heatmap.y.tolist() == [0, 5, 20]
    assert heatmap.values.shape == (3, 13)
    assert heatmap.values[:, 0].tolist() == [1, 6, 21]
    assert note == ""


def test_a_plane_is_prepared_with_its_first_axis_horizontal() -> None:
    (panel,), note = plane.prepare_planes(a_plane(missing=2))
    heatmap = panel.heatmap
    assert heatmap.values.shape == (7, 13)
    assert heatmap.values[6, 0] == pytest.approx(0.5 + 1 + 0.5)
    assert heatmap.x_label.startswith("random 0\n") and heatmap.y_label.startswith("random 1\n")
    assert note == "2 of 91 values are not finite (hatched)."


def test_a_series_of_planes_shows_six_steps() -> None:
    panels, _ = plane.prepare_plane_series({s: a_plane(step=s) for s in range(0, 1000, 100)})
    assert [panel.heatmap.title for panel in panels] == [
        f"step {s}" for s in (0, 200, 400, 500, 700, 900)
    ]


def test_axes_have_equal_units_unless_one_is_much_longer() -> None:
    (panel,), _ = plane.prepare_planes(a_plane())
    heatmap = panel.heatmap
    assert plane.aspect(heatmap) == "equal"
    strip = data.Heatmap(X * 10, Y, heatmap.values, "", "", "")
    assert plane.aspect(strip) == "auto"


def test_a_large_bundle_is_thinned_out_and_says_so() -> None:
    shown, note = bundle.prepare_bundle(lines(count=30))
    assert len(shown) == 24
    assert note == "24 of 30 lines, evenly chosen."
    assert bundle.grid(5) == (2, 3)
    assert bundle.grid(24) == (6, 4)


# ---- figures ---------------------------------------------------------------------------------

EVERY_VIEW = {
    "line": lines(),
    "line, several focus points": lines(focus_points=2),
    "bundle": lines(count=3, focus_points=2),
    "plane": a_plane(missing=3),
    "plane, several focus points": a_plane(focus_points=2),
    "line series": {step: lines(step=step) for step in (0, 10)},
    "plane series": {step: a_plane(step=step) for step in (0, 10)},
}


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("view", EVERY_VIEW)
def test_every_view_is_saved_with_its_labels(view: str, scale: data.Scale) -> None:
    before = dict(matplotlib.rcParams)
    figure = plot(EVERY_VIEW[view], scale=scale)
    assert isinstance(figure, Figure)
    words = texts(figure)
    assert "random 0" in words
    assert "in multiples of L2 length 6.25" in words
    assert "train/loss" in words
    assert dict(matplotlib.rcParams) == before


def test_a_line_is_drawn_with_a_dot_at_the_focus_point() -> None:
    ax = plot(lines(), scale="log").axes[0]
    curve, dot = ax.lines
    assert curve.get_xydata() == pytest.approx(np.stack([X, 0.25 + X**2], axis=1))
    assert dot.get_xydata().tolist() == [[0.0, 0.25]]
    assert ax.get_yscale() == "log"


def test_what_is_missing_on_a_line_is_hatched() -> None:
    (span,) = plot(lines(loss=np.where(X > 0.7, math.nan, 1.0))).axes[0].patches
    assert span.get_hatch()
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((0.75, 13 / 12))


def test_a_bundle_shares_its_loss_axis() -> None:
    panels = plot(lines(count=3)).axes
    assert len({panel.get_ylim() for panel in panels}) == 1


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_plane_is_drawn_where_its_values_are(scale: data.Scale) -> None:
    slope = a_plane()
    values = {"train/loss": (3 + X[:, None] + 2 * Y[None, :])[None].astype(np.float32)}
    values["train/loss"][0, 2, 1] = math.nan
    ax = plot(Slice("plane", "m", slope.axes, values, slope.center), scale=scale).axes[0]
    mesh, contours = ax.collections[:2]
    drawn = mesh.get_array()
    assert np.ma.getmaskarray(drawn).nonzero() == (np.array([1]), np.array([2]))
    assert drawn[0, 12] == pytest.approx(3)  # right, bottom
    assert drawn[6, 0] == pytest.approx(3)
    assert drawn[6, 12] == pytest.approx(5)
    # Halfway between the limits, a log scale is above its middle, and a linear one in it.
    middle = float(mesh.norm(3.0))
    assert middle > 0.55 if scale == "log" else middle == pytest.approx(0.5)
    assert ax.patch.get_hatch()
    assert 3.0 in contours.levels
    for segment in contours.get_paths()[contours.levels.tolist().index(3.0)].vertices:
        assert segment[0] + 2 * segment[1] == pytest.approx(0.0, abs=1e-6)
    assert [cross.get_xydata().tolist() for cross in ax.lines] == [[[0.0, 0.0]]] * 2
    assert ax.get_aspect() == 1.0


def test_panels_of_a_series_share_their_colors() -> None:
    raised = a_plane(step=10)
    values = {name: value + 5 for name, value in raised.values.items()}
    high = Slice("plane", "m", raised.axes, values, raised.center)
    meshes = [ax.collections[0] for ax in plot({0: a_plane(), 10: high}).axes[:2]]
    assert [mesh.get_clim() for mesh in meshes] == [pytest.approx((0.5, 7.0))] * 2


def test_steps_are_drawn_in_order() -> None:
    series = {step: lines(step=step, loss=np.full(13, step + 1.0)) for step in (20, 0, 5)}
    ax = plot(series).axes[0]
    mesh = ax.collections[0]
    assert mesh.get_array()[:, 0].tolist() == [1, 6, 21]
    assert ax.get_ylim() == (-2.5, 27.5)


@pytest.mark.parametrize("view", ["line", "plane"])
def test_figures_are_saved_as_pdf_without_type_3_fonts(view: str) -> None:
    file = io.BytesIO()
    plot(EVERY_VIEW[view]).savefig(file, format="pdf")
    assert file.getvalue().startswith(b"%PDF")
    assert b"/Type3" not in file.getvalue()


def test_a_figure_shows_itself_in_a_notebook_and_can_be_pickled() -> None:
    figure = plot(lines())
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(figure))
    assert again._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("series", [False, True])
@pytest.mark.parametrize("make", [lines, a_plane])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_values_without_a_place_on_a_log_scale_are_said(
    make: Any, series: bool, value: float
) -> None:
    slice_ = make()
    values = {name: np.full_like(v, value) for name, v in slice_.values.items()}
    one = Slice(slice_.kind, "m", slice_.axes, values, slice_.center)
    caption = " ".join(words_of(plot({0: one} if series else one, scale="log")))
    assert "values are " + ("not finite" if math.isnan(value) else "zero or negative") in caption


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_plane_has_no_contours_and_no_warnings(value: float) -> None:
    flat = a_plane()
    values = {"train/loss": np.full((1, 13, 7), value)}
    assert texts(plot(Slice("plane", "m", flat.axes, values, flat.center)))


def test_names_with_dollars_are_no_formulas() -> None:
    assert "layer.$w_0$ 0" in texts(plot(lines(name="layer.$w_0$")))


@pytest.mark.parametrize("samples", [(1, 1), (1, 5), (2, 2)])
def test_small_planes_are_drawn(samples: tuple[int, int]) -> None:
    x, y = (regular_coordinates(0, 1, n) for n in samples)
    values = {"loss": np.arange(samples[0] * samples[1]).reshape(1, *samples)}
    small = Slice("plane", "m", (Axis("a", x), Axis("b", y)), values, {"loss": np.zeros(1)})  # type: ignore[arg-type]
    assert "a" in texts(plot(small))


def test_two_lines_share_axes_of_the_user() -> None:
    figure = Figure()
    ax = figure.subplots()
    assert plot(lines(), ax=ax) is figure
    assert plot(lines(step=9), ax=ax) is figure
    ax.legend()
    assert {"my line, step 3", "my line, step 9"} <= set(texts(figure))
    colors = {drawn.get_color() for drawn in ax.lines}
    assert len(colors) == 2


@pytest.mark.parametrize("view", ["plane", "line series"])
def test_heatmaps_are_drawn_into_axes_of_the_user(view: str) -> None:
    ax = Figure().subfigures(1, 2)[0].subplots()
    assert "random 0" in texts(plot(EVERY_VIEW[view], ax=ax))


@pytest.mark.parametrize("view", ["bundle", "plane, several focus points", "plane series"])
def test_views_of_several_panels_take_no_ax(view: str) -> None:
    with pytest.raises(ValueError, match="cannot be drawn into one ax"):
        plot(EVERY_VIEW[view], ax=Figure().subplots())


def test_a_choice_makes_one_panel_of_several() -> None:
    ax = Figure().subplots()
    plot(lines(count=3), ax=ax, line=2)
    assert ax.get_xlabel().startswith("random 2\n")
    plot({0: lines(count=3)}, line=1)
    plot(a_plane(focus_points=2), ax=ax, focus_point=1)


@pytest.mark.parametrize(
    ("what", "options", "words"),
    [
        (lines(), {"scale": "sqrt"}, "Unknown scale 'sqrt'"),
        (lines(), {"channel": "x"}, "no channel 'x'; it has 'train/loss', 'accuracy'"),
        (lines(), {"line": 1}, "1 lines, counted from 0; got 1"),
        (lines(), {"focus_point": 1}, "1 focus points, counted from 0; got 1"),
        (a_plane(), {"focus_point": -1}, "1 focus points, counted from 0; got -1"),
        ({}, {}, "holds no slices yet"),
        ({0: lines(count=2)}, {}, "choose one with line=0"),
        ({0: lines(), 1: a_plane()}, {}, "slices of one kind"),
        ({0: lines(), 2: lines(step=2).coarsen(2)}, {}, "Step 2 has other coordinates"),
    ],
)
def test_what_cannot_be_plotted_is_said(
    what: Slice | Mapping[int, Slice], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        plot(what, **options)


def test_a_whole_run_is_no_series() -> None:
    with pytest.raises(TypeError, match=r"read_slices\(logdir\)\[run\]\[series\]"):
        plot({"my line": {0: lines()}})  # type: ignore[dict-item]


# ---- bands, barriers, crowds, paths, spectra, reliefs ----------------------------------------


def with_errors(slice_: Slice, errors: Any) -> Slice:
    full = np.broadcast_to(errors, slice_.shape).astype(np.float32)
    return dataclasses.replace(slice_, errors={slice_.channels[0]: full})


def test_a_band_is_95_percent_around_the_curve() -> None:
    found = line.prepare_line(with_errors(lines(), 0.1 * abs(X)))
    assert found.note == "Band: 95 % interval of the difference from the focus point."
    low, high = found.curves[0].band or (None, None)
    assert high == pytest.approx(0.25 + X**2 + 0.196 * abs(X))
    assert low == pytest.approx(0.25 + X**2 - 0.196 * abs(X))
    assert line.prepare_line(lines()).curves[0].band is None


def test_a_band_on_a_log_scale_ends_far_below_instead_of_at_zero() -> None:
    low, _ = data.band(np.array([1.0, 1.0]), [0.1, 10.0], "log") or (None, None)
    assert low == pytest.approx([0.804, 1e-3])
    missing = data.band(np.array([math.nan, 1.0, 1.0]), [0.1, math.nan, math.inf], "linear")
    assert np.isnan(missing).all()


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_band_is_drawn_for_each_curve_in_its_color(scale: data.Scale) -> None:
    slice_ = with_errors(lines(focus_points=2), 0.5 * abs(X))
    ax = plot(slice_, scale=scale).axes[0]
    bands = ax.collections
    assert len(bands) == 2
    top = bands[0].get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(1.25 + 0.98)
    color = matplotlib.colors.to_rgb(ax.lines[0].get_color())
    assert tuple(bands[0].get_facecolor()[0][:3]) == pytest.approx(color)
    assert ax.get_ylim()[0] > (1e-4 if scale == "log" else -2)


def interpolation(
    noted: Any = None, x: Any = None, f: Any = lambda x: 1 + x + 12 * x * (1 - x)
) -> Slice:
    x = regular_coordinates(-0.25, 1.25, 25) if x is None else x
    noted = {"value": 3.0, "where": 0.5, "error": 0.25} if noted is None else noted
    return Slice(
        kind="lines",
        method="linear interpolation",
        axes=(Axis("towards other", x, 2.0),),
        values={"train/loss": f(x)[None, None].astype(np.float32)},
        center={"train/loss": np.array([1.0])},
        notes={"barrier": {"train/loss": noted}},
    )


def test_a_noted_barrier_is_drawn_between_the_chord_and_the_curve() -> None:
    mark, said = barrier.prepare_barrier(interpolation(), "train/loss", "linear")
    assert mark is not None and said == ""
    assert (mark.where, mark.foot, mark.middle, mark.top) == pytest.approx((0.5, 1.5, 3.0, 4.5))
    assert mark.label == "barrier 3.00 ± 0.25"
    assert mark.chord[:, [0, -1]].T == pytest.approx(np.array([[0, 1], [1, 2]]))
    figure = plot(interpolation())
    chord = figure.axes[0].lines[-1]
    assert chord.get_xydata()[[0, -1]] == pytest.approx(np.array([[0, 1], [1, 2]]))
    bracket = next(t for t in figure.axes[0].texts if not t.get_text())
    assert (bracket.xy, bracket.xyann) == (pytest.approx((0.5, 4.5)), pytest.approx((0.5, 1.5)))
    assert "barrier 3.00 ± 0.25" in words_of(figure)


def test_a_barrier_on_a_log_scale_is_written_halfway_up_as_it_is_seen() -> None:
    mark, _ = barrier.prepare_barrier(interpolation(), "train/loss", "log")
    assert mark is not None and mark.middle == pytest.approx(math.sqrt(1.5 * 4.5))
    below = interpolation(f=lambda x: -1 - x + 12 * x * (1 - x))
    below = dataclasses.replace(below, center={"train/loss": np.array([-1.0])})
    assert "There is a barrier 3.00 ± 0.25." in " ".join(words_of(plot(below, scale="log")))


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ({"value": "Infinity", "where": 0.5, "error": None}, "The barrier is infinite."),
        ({"value": 0.0, "where": 0.0, "error": 0.0}, "There is no barrier."),
        ({"value": 3.0, "where": 0.5, "error": None}, "barrier 3"),
        ({"value": 3.0, "where": 0.5}, "barrier 3"),
    ],
)
def test_every_barrier_is_said(noted: dict[str, Any], said: str) -> None:
    assert said in " ".join(words_of(plot(interpolation(noted))))


@pytest.mark.parametrize(
    "slice_",
    [
        dataclasses.replace(interpolation(), notes={}),
        dataclasses.replace(interpolation(), notes={"barrier": {"other": {"value": 3.0}}}),
        dataclasses.replace(interpolation(), notes={"barrier": "text"}),
        interpolation(x=regular_coordinates(0, 0.5, 3)),
        dataclasses.replace(lines(count=2), notes=interpolation().notes),
    ],
)
def test_without_a_barrier_of_this_line_none_is_drawn(slice_: Slice) -> None:
    assert barrier.prepare_barrier(slice_, "train/loss", "linear") == (None, "")
    assert line.prepare_line(slice_).barrier is None


def test_many_lines_are_drawn_over_each_other_with_their_median() -> None:
    shares = np.arange(1, 31.0)
    many = lines(count=30, loss=shares[:, None] * X**2)
    found = overlay.prepare_overlay(many)
    (crowd,) = found.crowds
    assert crowd.quantiles is not None
    # The quantiles of 1 ... 30, of values that are there.
    expected = np.quantile(shares, [0.1, 0.5, 0.9], method="nearest")
    assert crowd.quantiles[:, 0] == pytest.approx(expected)
    assert found.note == "30 lines: median and 10 to 90 % band."
    assert found.x_label == "coordinate\nin multiples of L2 length 6.25"
    ax = plot(many).axes[0]
    (median,) = ax.lines
    assert median.get_ydata() == pytest.approx(crowd.quantiles[1])
    band, curves = ax.collections
    assert len(curves.get_segments()) == 30
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(crowd.quantiles[2].max())
    assert ax.get_ylim()[1] >= 30


def test_a_crowd_is_drawn_if_it_is_large_or_asked_for() -> None:
    few, many = lines(count=24), lines(count=25)
    points, crowd = lines(focus_points=7), lines(focus_points=8)
    assert [overlay.is_crowded(s, None, None, 24) for s in (few, many)] == [False, True]
    assert [len(plot(many, overlay=o).axes) for o in (None, True, False)] == [1, 1, 24]
    assert len(plot(few, overlay=True).axes[0].collections) == 2
    assert [len(plot(s).axes[0].lines) for s in (points, crowd)] == [14, 1]
    assert len(plot(crowd, overlay=False).axes[0].lines) == 16
    assert len(plot(crowd, focus_point=3).axes[0].lines) == 2
    assert len(plot(many, line=3).axes[0].lines) == 2


def test_the_lines_of_each_focus_point_are_a_crowd_of_their_own() -> None:
    found = overlay.prepare_overlay(lines(count=5, focus_points=3))
    assert [crowd.name for crowd in found.crowds] == ["point 0", "point 1", "point 2"]
    assert found.note == "5 lines at 3 focus points: median and 10 to 90 % band."
    together = overlay.prepare_overlay(lines(count=5, focus_points=8))
    assert [len(crowd.values) for crowd in together.crowds] == [40]
    one = overlay.prepare_overlay(lines(count=5, focus_points=3), line=2)
    assert [len(crowd.values) for crowd in one.crowds] == [3]
    assert one.x_label.startswith("random 2\n")
    assert one.note == "One line at 3 focus points: median and 10 to 90 % band."
    assert {"point 0", "point 2"} <= set(
        words_of(plot(lines(count=5, focus_points=3), overlay=True))
    )


def test_a_diverged_line_counts_above_the_median() -> None:
    values = np.ones((5, 13)) * np.arange(5.0)[:, None]
    values[0, 12] = math.nan
    found = overlay.prepare_overlay(lines(count=5, loss=values))
    quantiles = found.crowds[0].quantiles
    assert quantiles is not None
    assert quantiles[1].tolist() == [2.0] * 12 + [3.0]
    assert math.isnan(quantiles[2, 12]) and quantiles[2, 0] == 4.0
    assert found.note.endswith("1 of 65 values is not finite (left out).")


def test_lines_of_different_coordinates_have_no_median() -> None:
    slice_ = lines(count=2)
    wide = dataclasses.replace(slice_.axes[1], coordinates=2 * X, length=1.0)
    apart = dataclasses.replace(slice_, axes=(slice_.axes[0], wide))
    found = overlay.prepare_overlay(apart)
    assert found.crowds[0].quantiles is None
    assert found.note == "2 lines. They have different coordinates, and so no median."
    assert found.x_label == "coordinate\nin multiples of each direction"
    ax = plot(apart, overlay=True).axes[0]
    assert len(ax.collections[-1].get_segments()) == 2
    assert ax.get_xlim()[1] >= 2


def with_path(slice_: Slice, points: Any, explained: float = 0.8379) -> Slice:
    points = np.array(points, dtype=np.float64)
    steps = np.arange(len(points)) * 10
    path = ProjectedTrajectory(steps, points.T, np.zeros(len(points)), explained)
    return dataclasses.replace(slice_, trajectory=path)


def test_a_trajectory_is_drawn_on_its_plane() -> None:
    slice_ = with_path(a_plane(), [(-0.9, 0.4), (-0.5, -0.1), (3.0, 0.0), (0.0, 0.0)])
    path, note = trajectory.prepare_trajectory(slice_)
    assert path is not None and path.ends_here
    assert note == "The plane explains 83 % of the path's motion. 1 of its 4 points lie outside."
    figure = plot(slice_)
    ax = figure.axes[0]
    assert ax.lines[0].get_xydata().tolist() == [
        pytest.approx(point) for point in [(-0.9, 0.4), (-0.5, -0.1), (3.0, 0.0), (0.0, 0.0)]
    ]
    assert ax.lines[0].get_path_effects()
    assert len(ax.lines) == 4  # no cross, as the path ends at the focus point
    edges = data.cell_edges(X)
    assert ax.get_xlim() == pytest.approx((edges[0], edges[-1]))
    words = words_of(figure)
    assert {"step 0", "step 30"} <= set(words)
    assert any(word.startswith("The plane explains 83 %") for word in words)


def test_a_path_that_ends_elsewhere_leaves_the_cross_at_the_focus_point() -> None:
    ax = plot(with_path(a_plane(), [(-0.9, 0.4), (0.1, 0.1)], math.nan)).axes[0]
    assert [cross.get_xydata().tolist() for cross in ax.lines[:2]] == [[[0.0, 0.0]]] * 2
    one = plot(with_path(a_plane(), [(0.5, 0.1)], math.nan))
    assert "The path of the parameters." in words_of(one)


def test_a_long_path_has_few_dots_and_both_ends() -> None:
    path, _ = trajectory.prepare_trajectory(with_path(a_plane(), np.zeros((500, 2))))
    assert path is not None
    assert (len(path.dots), path.dots[0], path.dots[-1]) == (trajectory.MOST_DOTS, 0, 499)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.29, 0.9999, 1.0])
def test_no_share_is_rounded_up(share: float) -> None:
    _, note = trajectory.prepare_trajectory(with_path(a_plane(), [(0, 0)], share))
    assert note == f"The plane explains {int(100 * share + 1e-9)} % of the path's motion."


def test_the_path_is_drawn_at_the_first_focus_point_and_in_every_step_of_a_series() -> None:
    both = with_path(a_plane(focus_points=2), [(0.5, 0.1), (0, 0)])
    assert [len(ax.lines) for ax in plot(both).axes[:2]] == [4, 2]
    assert len(plot(both, focus_point=1).axes[0].lines) == 2
    series = {0: a_plane(), 10: with_path(a_plane(step=10), [(0.5, 0.1), (0, 0)])}
    assert [len(ax.lines) for ax in plot(series).axes[:2]] == [2, 4]


def spectrum(step: int = 7, focus_points: int = 1, **notes: Any) -> Slice:
    x = regular_coordinates(-1.0, 9.0, 101)
    density = np.exp(-(x**2) / 0.02) + 1e-5 * np.exp(-((x - 8) ** 2) / 0.02)
    values = np.tile(density, (focus_points, 1, 1))
    return Slice(
        kind="spectrum",
        method="Hessian spectrum",
        axes=(Axis("eigenvalue", x, 1.0),),
        values={"train/loss": values.astype(np.float32)},
        center={"train/loss": np.ones(focus_points)},
        series="spectrum",
        step=step,
        focus_points=tuple(f"point {i}" for i in range(focus_points)),
        notes=notes,
    )


FULL = {
    "eigenvalues": [8.0, 6.5, -0.5],
    "trace": 125.0,
    "trace_error": 6.25,
    "matrix": "Hessian",
}


def test_a_spectrum_is_drawn_as_a_log_density_with_its_eigenvalues() -> None:
    slice_ = with_errors(spectrum(**FULL), spectrum().losses / 8)
    figure = plot(slice_)
    ax = figure.axes[0]
    assert ax.get_yscale() == "log"
    density, ticks = ax.lines
    peak = float(density.get_ydata().max())
    assert peak == pytest.approx(1.0, rel=1e-3)
    assert density.get_ydata().min() == pytest.approx(1e-8 * peak, rel=1e-3)
    assert ticks.get_xdata() == pytest.approx([8.0, 6.5, -0.5])
    assert ticks.get_transform() == ax.get_xaxis_transform()
    assert ax.get_ylim()[0] == pytest.approx(1e-8 * peak, rel=1e-3)
    area, band = ax.collections
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(
        peak * (1 + 1.96 / 8), rel=1e-3
    )
    words = set(texts(figure))
    assert {"density", "eigenvalue (Hessian)", "spectrum, step 7"} <= set(words)
    assert "Trace 125.0 ± 6.2. Ticks: 3 eigenvalues, from -0.5 to 8. Band: 95 % interval." in words
    assert area.get_paths()[0].vertices[:, 1].min() == pytest.approx(1e-8 * peak, rel=1e-3)


def test_a_spectrum_without_notes_is_its_density() -> None:
    figure = plot(spectrum(), scale="linear")
    assert figure.axes[0].get_yscale() == "linear"
    assert figure.axes[0].get_ylim()[0] == 0
    assert "eigenvalue" in words_of(figure)
    assert not any("Trace" in word or "Ticks" in word for word in words_of(figure))


def test_spectra_of_several_focus_points_share_their_axes() -> None:
    noted = {
        "eigenvalues": [[8.0], [7.0, 6.0], [5.0]],
        "trace": [1.0, 2.0, 3.0],
        "trace_error": [0.5, 0.5, "NaN"],
    }
    slice_ = spectrum(focus_points=3, **noted)
    figure = plot(slice_)
    assert {"point 0: trace 1.00 ± 0.50", "point 2: trace 3"} <= words_of(figure)
    assert "Ticks: 4 eigenvalues, from 5 to 8." in words_of(figure)
    ticks = figure.axes[0].lines[1::2]
    assert [drawn.get_xdata().tolist() for drawn in ticks] == [[8.0], [7.0, 6.0], [5.0]]
    assert "Trace 2.00 ± 0.50. Ticks: 2 eigenvalues, from 6 to 7." in words_of(
        plot(slice_, focus_point=1)
    )
    found = spectrum_view.prepare_spectrum_series({0: slice_, 1: slice_}, focus_point=1)
    assert found.eigenvalues.tolist() == [[7, 7], [6, 6]]
    many = spectrum_view.prepare_spectrum(spectrum(focus_points=9))
    assert len(many.densities) == 7
    assert many.note == "7 of 9 focus points."
    assert plot(spectrum(focus_points=3), focus_point=1).axes[0].get_legend() is None


@pytest.mark.parametrize("value", [0.0, 1.0, math.nan, -1.0])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_constant_spectrum_is_drawn(value: float, scale: data.Scale) -> None:
    slice_ = spectrum()
    flat = dataclasses.replace(slice_, values={"train/loss": np.full_like(slice_.losses, value)})
    words = " ".join(words_of(plot(flat, scale=scale)))
    assert ("not finite" in words) == math.isnan(value)


def test_a_series_of_spectra_is_its_eigenvalues_over_the_steps() -> None:
    series = {
        step: spectrum(step=step, eigenvalues=[2.0, 4.0 + step, 1.0][:count], matrix="Hessian")
        for step, count in ((20, 2), (0, 3))
    }
    found = spectrum_view.prepare_spectrum_series(data.check_series(series))
    assert found.steps.tolist() == [0, 20]
    assert found.eigenvalues[:2].tolist() == [[4, 24], [2, 2]]
    assert found.eigenvalues[2, 0] == 1 and math.isnan(found.eigenvalues[2, 1])
    figure = plot(series)
    ax = figure.axes[0]
    assert ax.get_yscale() == "log"
    assert [drawn.get_ydata()[0] for drawn in ax.lines] == [4, 2, 1]
    assert {"step", "eigenvalue (Hessian)", "spectrum"} <= set(words_of(figure))
    assert plot(series, scale="linear").axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("lowest", [0.0, -3.0])
def test_eigenvalues_that_are_not_positive_have_a_place(lowest: float) -> None:
    series = {step: spectrum(step=step, eigenvalues=[100.0, lowest]) for step in (0, 1)}
    ax = plot(series).axes[0]
    assert ax.get_yscale() == "symlog"
    assert ax.get_ylim()[0] < lowest + 1e-9


def test_a_series_of_spectra_without_eigenvalues_says_so() -> None:
    with pytest.raises(ValueError, match="note no eigenvalues"):
        plot({0: spectrum(), 1: spectrum(step=1, eigenvalues=["NaN"])})


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_relief_leaves_out_cells_with_missing_samples(scale: data.Scale) -> None:
    slice_ = a_plane()
    values = slice_.losses.copy()
    values[0, 0, 0] = math.inf  # a corner of one cell
    values[0, 5, 3] = math.nan  # of four
    holes = dataclasses.replace(slice_, values={"train/loss": values})
    panels, note = plane.prepare_planes(holes, relief=True)
    cells, heights = relief.prepare_cells(panels[0].heatmap, scale)
    assert len(cells) == len(heights) == 12 * 6 - 1 - 4
    assert np.isfinite(cells).all()
    assert note == "2 of 91 values are not finite (left out)."
    # Each corner stands on the surface.
    x, y, z = cells.reshape(-1, 3).T
    height = 0.5 + x**2 + 2 * y**2
    assert z == pytest.approx(np.log10(height) if scale == "log" else height, abs=1e-6)
    figure = plot(holes, relief=True, scale=scale)
    (faces,) = figure.axes[0].collections
    assert len(faces.get_facecolor()) == 67
    assert {"random 0", "random 1", "train/loss", "my plane, step 3"} <= set(words_of(figure))


def test_a_relief_on_a_log_scale_is_labeled_with_values() -> None:
    slice_ = a_plane()
    steep = dataclasses.replace(slice_, values={"train/loss": 10 ** (4 * slice_.losses)})
    figure = plot(steep, relief=True, scale="log")
    assert {"1000", "1e5"} <= set(texts(figure))
    assert figure.axes[0].get_zlim() == pytest.approx((2.0, 8.0))


def test_reliefs_of_a_series_share_their_heights() -> None:
    series = {step: a_plane(step=step) for step in range(0, 50, 10)}
    series[10] = dataclasses.replace(series[10], values={"train/loss": series[10].losses + 5})
    figure = plot(series, relief=True)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 5
    assert [axes.get_zlim() for axes in shown] == [pytest.approx((0.5, 7.0))] * 5
    assert {"step 0", "step 40", "my plane: train/loss"} <= set(words_of(figure))


def test_a_relief_goes_into_axes_of_the_user_that_have_three_dimensions() -> None:
    ax = Figure().add_subplot(projection="3d")
    assert plot(a_plane(), relief=True, ax=ax) is ax.figure
    with pytest.raises(ValueError, match="projection='3d'"):
        plot(a_plane(), relief=True, ax=Figure().subplots())


@pytest.mark.parametrize("values", [math.nan, 1.0])
def test_a_flat_or_empty_relief_is_drawn(values: float) -> None:
    flat = a_plane()
    flat = dataclasses.replace(flat, values={"train/loss": np.full((1, 13, 7), values)})
    for scale in ("linear", "log"):
        assert "random 0" in words_of(plot(flat, relief=True, scale=scale))


@pytest.mark.parametrize("value", [0.02, 0.3, 20.0])
def test_a_log_scale_has_plain_numbers(value: float) -> None:
    words = texts(plot(lines(loss=value * (1 + 9 * X**2)), scale="log"))
    assert any(_is_number(word) and value <= float(word) <= 10 * value for word in words)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("what", "options", "words"),
    [
        (lines(), {"relief": True}, "Only planes are drawn as a relief; .* kind 'lines'"),
        (a_plane(), {"overlay": True}, "a slice of kind 'plane'"),
        ({0: lines(count=2)}, {"overlay": True}, "but this is a series"),
        (spectrum(), {"channel": "x"}, "no channel 'x'"),
        (lines(count=30), {"line": 30}, "30 lines, counted from 0; got 30"),
    ],
)
def test_a_view_that_a_slice_does_not_have_is_said(
    what: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        plot(what, **options)


# ---- what plotting leaves alone --------------------------------------------------------------


def in_a_fresh_python(code: str) -> str:
    """Standard output of code that can use `slice_`, a line."""
    start = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import numpy as np, pysclice\n"
        "x = np.linspace(-1, 1, 5)\n"
        "slice_ = pysclice.Slice('lines', 'm', (pysclice.Axis('a', x),), {'loss': x[None, None]}, "
        "{'loss': [0.0]})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plotting_leaves_pyplot_and_torch_alone() -> None:
    code = (
        "pysclice.plot\n"
        "print('matplotlib' in sys.modules)\n"
        "pysclice.plot(slice_)._repr_png_()\n"
        "print('matplotlib.pyplot' in sys.modules, 'torch' in sys.modules)\n"
    )
    assert in_a_fresh_python(code).split() == ["False", "False", "False"]


def test_without_matplotlib_a_sentence_says_what_to_install() -> None:
    code = (
        "sys.modules['matplotlib'] = None\n"
        "try:\n    pysclice.plot(slice_)\n"
        "except ImportError as error:\n    print(error)\n"
    )
    assert "pip install 'pysclice[plot]'" in in_a_fresh_python(code)


def test_plot_is_a_public_name() -> None:
    assert pysclice.plot is plot


# ---- slices in notebooks ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "slice_",
    [
        lines(),
        lines(count=30),
        interpolation(),
        with_path(a_plane(), [(0.5, 0.1), (0, 0)]),
        spectrum(**FULL),
    ],
)
def test_a_slice_shows_itself_as_its_figure(slice_: Slice) -> None:
    shown = slice_._repr_mimebundle_()
    assert list(shown) == ["text/plain", "image/png"]
    assert shown["text/plain"] == repr(slice_)
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG")


def test_a_notebook_gets_what_it_asks_for() -> None:
    slice_ = lines()
    assert list(slice_._repr_mimebundle_(include={"text/plain"})) == ["text/plain"]
    assert list(slice_._repr_mimebundle_(exclude={"text/plain"})) == ["image/png"]
    assert slice_._repr_mimebundle_(include=[], exclude=["image/png"]) == {
        "text/plain": repr(slice_)
    }


def test_ipython_shows_the_figure_of_a_slice() -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    found, _ = formatters.DisplayFormatter().format(lines())
    assert base64.b64decode(found["image/png"]).startswith(b"\x89PNG")


def test_a_slice_that_cannot_be_drawn_shows_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Slice) -> Figure:
        raise MemoryError

    monkeypatch.setattr("pysclice.visualization.plot", broken)
    assert lines()._repr_mimebundle_() == {"text/plain": repr(lines())}


def test_without_matplotlib_a_slice_shows_its_text() -> None:
    code = "sys.modules['matplotlib'] = None\nprint(slice_._repr_mimebundle_())\n"
    assert in_a_fresh_python(code).strip().startswith("{'text/plain': \"<Slice 'm', lines")


def test_showing_a_slice_leaves_pyplot_alone() -> None:
    code = (
        "print('image/png' in slice_._repr_mimebundle_())\n"
        "print('matplotlib.pyplot' in sys.modules, 'torch' in sys.modules)\n"
    )
    assert in_a_fresh_python(code).split() == ["True", "False", "False"]


# ---- what was interpolated -------------------------------------------------------------------


def sparse(slice_: Slice) -> Slice:
    """The slice with every third value evaluated and tested to 1 %."""
    evaluated = np.arange(slice_.losses.size).reshape(slice_.shape) % 3 == 0
    tested = {"count": 30, "channels": {"accuracy": {"largest": 0.031}}}
    notes = {"tolerance": 0.01, "channel": "train/loss", "allowed": 0.02, "hold_outs": tested}
    return dataclasses.replace(slice_, evaluated=evaluated, notes={"sampling": notes})


def test_a_plane_has_a_dot_where_it_was_evaluated() -> None:
    found = sparse(a_plane())
    assert found.evaluated is not None
    (panel,), note = plane.prepare_planes(found)
    assert note == (
        "Dots: 31 of 91 points were evaluated, the others interpolated to 1 % of the range "
        "(± 0.02)."
    )
    assert panel.evaluated is not None and panel.evaluated.shape == (31, 2)
    for x, y in panel.evaluated:
        assert found.evaluated[0, X.tolist().index(x), Y.tolist().index(y)]
    assert any(text.startswith("Dots: 31 of 91 points") for text in texts(plot(found)))
    (panel,), note = plane.prepare_planes(a_plane())
    assert panel.evaluated is None and not note
    panels, note = plane.prepare_plane_series({0: a_plane(), 3: found})
    assert [panel.evaluated is None for panel in panels] == [True, False]
    assert note == "Dots: evaluated; between them values are interpolated."
    _, note = plane.prepare_planes(found, relief=True)
    assert note.startswith("31 of 91 points")


def test_a_line_has_dots_and_bars_where_it_was_evaluated() -> None:
    found = with_errors(sparse(lines()), np.where(np.arange(13) % 3 == 0, 0.125, np.nan))
    prepared = line.prepare_line(found)
    (curve,) = prepared.curves
    assert curve.evaluated is not None and curve.evaluated.tolist() == [
        n % 3 == 0 for n in range(13)
    ]
    assert prepared.note.startswith("Bars: 95 %")
    assert "Dots: 5 of 13 points were evaluated" in prepared.note
    (axes,) = plot(found).axes
    dots = [drawn for drawn in axes.lines if len(drawn.get_xdata()) == 5]
    np.testing.assert_allclose(dots[0].get_xdata(), X[::3])
    (bars,) = axes.collections
    heights = [np.ptp(bar[:, 1]) for bar in bars.get_segments()]  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights, 2 * 1.96 * 0.125, rtol=1e-5)


def test_of_a_slice_whose_test_is_not_done_no_tolerance_is_said() -> None:
    unfinished = dataclasses.replace(sparse(lines()), notes={"sampling": {"tolerance": 0.01}})
    note = data.interpolation(unfinished, "train/loss", "linear", unfinished.evaluated)
    assert note == "5 of 13 points were evaluated, the others interpolated."


def test_the_tolerance_is_that_of_one_channel_and_nothing_below_it_is_drawn() -> None:
    note = line.prepare_line(sparse(lines()), "accuracy").note
    assert note.endswith("interpolated; the worst of 30 tested ones by 3.1 % of the range.")
    flat = sparse(a_plane())
    flat = dataclasses.replace(flat, values={"train/loss": flat.losses**4})  # from 0.06 to 10
    notes = {"sampling": {**flat.notes["sampling"], "allowed": 0.5}}
    rough = dataclasses.replace(flat, notes=notes)
    assert "log scale" not in plane.prepare_planes(rough)[1]
    (panel,), note = plane.prepare_planes(rough, scale="log")
    assert note.endswith("Below that, a log scale shows one color.")
    np.testing.assert_allclose(panel.heatmap.values, np.maximum(rough.losses[0].T, 0.5))
    levels = [_contour_levels(plot(shown, scale="log")) for shown in (flat, rough)]
    assert min(levels[0]) < 0.5 < min(levels[1]) and max(levels[0]) == max(levels[1])


def test_on_a_log_scale_a_line_has_gaps_where_interpolation_cannot_tell() -> None:
    low = sparse(lines(loss=1e-3 + X**4))
    prepared = line.prepare_line(low, scale="log")
    (curve,) = prepared.curves
    unknown = (curve.values < 0.02) & (np.arange(13) % 3 != 0)
    assert unknown.any() and not prepared.missing
    np.testing.assert_array_equal(np.isnan(curve.shown), unknown)
    assert "interpolated values are not drawn on a log scale" in prepared.note
    np.testing.assert_array_equal(line.prepare_line(low).curves[0].shown, curve.values)


def _contour_levels(figure: Figure) -> list[float]:
    (contours,) = [drawn for drawn in figure.axes[0].collections if hasattr(drawn, "levels")]
    return [float(level) for level in contours.levels]


def test_long_captions_are_broken_into_lines() -> None:
    figure = plot(with_errors(sparse(lines()), 0.125))
    caption = figure._supxlabel.get_text()  # type: ignore[attr-defined]
    assert "\n" in caption and max(map(len, caption.splitlines())) <= 19 * figure.get_figwidth()
