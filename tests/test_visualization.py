"""Figures: what is prepared as plain numbers, and what stands in the files that are saved."""

from __future__ import annotations

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

import pysclice
from pysclice.slices import Axis, Slice, regular_coordinates
from pysclice.visualization import bundle, data, line, plane, plot

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


# ---- plain numbers ---------------------------------------------------------------------------


def test_axis_label_says_direction_and_unit() -> None:
    known, unknown = Axis("random 0", X, 6.25), Axis("top", X)
    assert data.axis_label(known) == "random 0\nin multiples of the direction, L2 length 6.25"
    assert data.axis_label(unknown) == "top\nin multiples of the direction"


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
    (heatmap,), note = plane.prepare_planes(a_plane(missing=2))
    assert heatmap.values.shape == (7, 13)
    assert heatmap.values[6, 0] == pytest.approx(0.5 + 1 + 0.5)
    assert heatmap.x_label.startswith("random 0\n") and heatmap.y_label.startswith("random 1\n")
    assert note == "2 of 91 values are not finite (hatched)."


def test_a_series_of_planes_shows_six_steps() -> None:
    heatmaps, _ = plane.prepare_plane_series({s: a_plane(step=s) for s in range(0, 1000, 100)})
    assert [h.title for h in heatmaps] == [f"step {s}" for s in (0, 200, 400, 500, 700, 900)]


def test_axes_have_equal_units_unless_one_is_much_longer() -> None:
    (heatmap,), _ = plane.prepare_planes(a_plane())
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
    assert "in multiples of the direction, L2 length 6.25" in words
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
    caption = " ".join(texts(plot({0: one} if series else one, scale="log")))
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
