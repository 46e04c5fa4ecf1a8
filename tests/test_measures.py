"""Measures against closed forms, and what must not change them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysclice import measures
from pysclice.slices import Axis, Float64, Slice, regular_coordinates

Function = Callable[[Float64], Float64]


def of_line(
    coordinates: Float64, losses: Float64, *, length: float = 1.0, center: float = math.nan
) -> Slice:
    return Slice(
        kind="lines",
        method="test",
        axes=(Axis("x", coordinates, length),),
        values={"loss": np.asarray(losses, dtype=np.float32)[None, None]},
        center={"loss": np.array([center])},
    )


def line(
    f: Function,
    span: tuple[float, float] = (-1.0, 1.0),
    samples: int = 49,
    *,
    length: float = 1.0,
) -> Slice:
    x = regular_coordinates(*span, samples)
    return of_line(x, f(x), length=length, center=float(f(np.zeros(1))[0]))


def plane(
    f: Callable[[Float64, Float64], Float64],
    spans: Sequence[tuple[float, float]] = ((-1.0, 1.0), (-1.0, 1.0)),
    samples: tuple[int, int] = (97, 97),
) -> Slice:
    x, y = (regular_coordinates(*span, n) for span, n in zip(spans, samples, strict=True))
    values = f(x[:, None], y[None, :]) * np.ones((x.size, y.size))
    zero = np.zeros((1, 1))
    return Slice(
        kind="plane",
        method="test",
        axes=(Axis("x", x, 1.0), Axis("y", y, 1.0)),
        values={"loss": values[None].astype(np.float32)},
        center={"loss": f(zero, zero).reshape(1)},
    )


IRREGULAR = np.array([-1.0, -0.9, -0.5, -0.45, -0.2, -0.1, 0.0, 0.05, 0.3, 0.35, 0.6, 1.0])


# ---- barrier ---------------------------------------------------------------------------------


def test_barrier_of_a_bump_is_its_height_above_the_straight_line() -> None:
    found = measures.barrier(line(lambda a: 1 + 2 * a + 3 * 4 * a * (1 - a), (0, 1), 49))
    assert found.value == pytest.approx(3.0, rel=1e-6)
    assert found.where == 0.5


def test_barrier_of_a_valley_is_zero() -> None:
    assert measures.barrier(line(lambda a: 4 * a * (a - 1), (0, 1))).value == 0.0


def test_barrier_looks_between_0_and_1_only() -> None:
    assert measures.barrier(line(lambda a: a**2, (-2, 3), 51)).value == 0.0


def test_barrier_interpolates_an_end_without_a_sample() -> None:
    x = np.array([-0.5, 0.5, 1.5])  # L(0) is the center, L(1) lies between 5 and 1
    found = measures.barrier(of_line(x, np.array([9.0, 5.0, 1.0]), center=1.0))
    assert found.value == pytest.approx(5 - (1 + 3) / 2)
    assert found.where == 0.5


@pytest.mark.parametrize("wall", [math.inf, -math.inf, math.nan])
def test_a_path_through_what_is_not_finite_has_an_infinite_barrier(wall: float) -> None:
    x = regular_coordinates(0, 1, 5)
    found = measures.barrier(of_line(x, np.array([1, 1, 1, wall, 1])))
    assert found == measures.Barrier(math.inf, 0.75)


def test_barrier_needs_finite_ends_on_the_axis() -> None:
    with pytest.raises(ValueError, match=r"this axis ends at 0\.5"):
        measures.barrier(line(np.abs, (-0.5, 0.5)))
    x = regular_coordinates(0, 1, 3)
    with pytest.raises(ValueError, match="coordinate 1 is not finite"):
        measures.barrier(of_line(x, np.array([1, 1, math.inf])))
    with pytest.raises(ValueError, match="focus point is not finite"):
        measures.barrier(of_line(x, np.array([math.nan, 1, 1])))


# ---- curvature -------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1.0, 6.25, 1e-3])
@pytest.mark.parametrize("eigenvalue", [3.0, -0.5, 1e4])
def test_curvature_of_a_parabola_is_its_eigenvalue(eigenvalue: float, length: float) -> None:
    # Along a unit eigenvector a step of `x` coordinates covers `length * x`.
    bowl = line(lambda x: 0.3 + 0.1 * x + eigenvalue / 2 * (length * x) ** 2, length=length)
    found = measures.curvature(bowl)
    noise = 1e-4 / length**2  # of float32 beside the constant and the slope
    assert found.value == pytest.approx(eigenvalue, rel=1e-5, abs=noise)
    assert found.per_coordinate == pytest.approx(found.value * length**2)


def test_curvature_of_a_parabola_uses_the_whole_line() -> None:
    found = measures.curvature(line(lambda x: 1 + x**2))
    assert (found.samples, found.radius) == (49, 1.0)
    assert found.r_squared == pytest.approx(1.0)


def test_curvature_of_a_constant_is_zero() -> None:
    found = measures.curvature(line(np.ones_like))
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.r_squared == 1.0


def test_curvature_of_a_cosine_is_taken_near_the_focus_point() -> None:
    found = measures.curvature(line(lambda x: 1 - np.cos(3 * x), (-2, 2), 97))
    assert found.value == pytest.approx(9.0, rel=0.02)
    assert found.radius < 0.5


def test_curvature_on_an_irregular_axis() -> None:
    found = measures.curvature(of_line(IRREGULAR, 1 + IRREGULAR + 5 * IRREGULAR**2))
    assert found.value == pytest.approx(10.0, rel=1e-4)


def test_curvature_of_a_noisy_parabola_uses_many_samples() -> None:
    x = regular_coordinates(-1, 1, 97)
    noise = np.random.default_rng(0).normal(0, 0.01, x.size)
    found = measures.curvature(of_line(x, x**2 + noise))
    assert found.value == pytest.approx(2.0, rel=0.03)
    assert found.samples > 60


def test_curvature_of_a_bowl_as_shallow_as_float32_can_tell() -> None:
    # The samples near 0 all round to 1: a perfect fit of nothing, which must not win.
    found = measures.curvature(line(lambda x: 1 + 2e-6 * x**2, samples=97))
    assert found.value == pytest.approx(4e-6, rel=0.05)


def test_curvature_stops_at_a_wall() -> None:
    x = regular_coordinates(-1, 1, 49)
    losses = np.where(np.abs(x) > 0.5, math.nan, 1 + x**2)
    found = measures.curvature(of_line(x, losses))
    assert found.value == pytest.approx(2.0, rel=1e-4)
    assert found.radius == 0.5


def test_curvature_without_a_length_is_known_per_coordinate_only() -> None:
    found = measures.curvature(line(lambda x: x**2, length=math.nan))
    assert math.isnan(found.value)
    assert found.per_coordinate == pytest.approx(2.0)


def test_curvature_needs_five_finite_samples() -> None:
    x = regular_coordinates(-1, 1, 5)
    with pytest.raises(ValueError, match=r"at least five finite samples .* got 3"):
        measures.curvature(of_line(x, np.array([math.inf, 1, 0, 1, 4])))


# ---- sharpness -------------------------------------------------------------------------------


def test_sharpness_of_a_parabola() -> None:
    bowl = line(lambda x: 1 + 8 * x**2, samples=49)
    assert measures.sharpness(bowl, 0.5) == pytest.approx(100 * 2 / 2)
    assert measures.sharpness(bowl, 0.3125) == pytest.approx(100 * 8 * 0.3125**2 / 2, rel=1e-2)


def test_sharpness_interpolates_the_border() -> None:
    assert measures.sharpness(line(np.abs, samples=3), 0.3) == pytest.approx(30.0)


def test_sharpness_of_a_plane_looks_into_the_corners() -> None:
    bowl = plane(lambda x, y: x**2 + y**2 - x * y, samples=(9, 9))
    assert measures.sharpness(bowl, 0.5) == pytest.approx(100 * 0.75)


def test_sharpness_at_a_wall_is_infinite() -> None:
    x = regular_coordinates(-1, 1, 5)
    assert measures.sharpness(of_line(x, np.array([1, math.nan, 1, 1, 1])), 0.75) == math.inf


def test_sharpness_of_a_focus_point_between_samples_uses_the_measured_center() -> None:
    x = np.array([-0.5, 0.5])
    assert measures.sharpness(of_line(x, np.array([2.0, 2.0]), center=1.0), 0.5) == 50.0


@pytest.mark.parametrize(
    ("radius", "words"), [(2.0, "beyond"), (0.0, "positive"), (-1, "positive")]
)
def test_sharpness_needs_a_radius_on_the_axis(radius: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        measures.sharpness(line(np.abs), radius)


def test_sharpness_is_for_losses_that_are_not_negative() -> None:
    with pytest.raises(ValueError, match=r"divides by 1 \+ L\(0\)"):
        measures.sharpness(line(lambda x: x**2 - 2), 0.5)


# ---- width -----------------------------------------------------------------------------------


def test_width_of_an_absolute_value_has_exact_ends() -> None:
    # 1 + |x| reaches 1.3 at 0.3, which no sample hits.
    found = measures.width(line(lambda x: 1 + np.abs(x), samples=9), 0.3)
    assert found.value == pytest.approx(0.6)
    assert (found.left, found.right) == pytest.approx((-0.3, 0.3))
    assert not found.left_is_cut and not found.right_is_cut


def test_width_of_a_parabola_within_the_error_of_straight_lines() -> None:
    found = measures.width(line(lambda x: 0.1 + 2 * x**2, samples=97), absolute=0.5)
    assert found.value == pytest.approx(1.0, rel=1e-3)


def test_width_says_which_end_is_cut() -> None:
    found = measures.width(line(np.exp), 0.5)
    assert found.right == pytest.approx(math.log(1.5), rel=1e-3)
    assert (found.left, found.left_is_cut, found.right_is_cut) == (-1.0, True, False)


def test_width_does_not_cross_a_ridge() -> None:
    found = measures.width(line(lambda x: 1 + np.sin(np.pi * x) ** 2, (-3, 3), 97), absolute=0.5)
    assert found.right == pytest.approx(0.25, rel=1e-2)


def test_width_ends_at_the_last_finite_sample() -> None:
    x = regular_coordinates(-2, 2, 5)
    found = measures.width(of_line(x, np.array([1, math.nan, 1, 1, math.inf])))
    assert found == measures.Width(1.0, 0.0, 1.0, False, False)


def test_width_of_one_side_of_the_focus_point() -> None:
    found = measures.width(line(lambda x: 1 + x, (0, 1), 5), 0.5)
    assert (found.left, found.left_is_cut) == (0.0, True)
    assert math.copysign(1.0, found.left) == 1.0


@pytest.mark.parametrize("loss", [0.0, -1.0])
def test_a_relative_rise_needs_a_positive_loss(loss: float) -> None:
    with pytest.raises(ValueError, match="absolute="):
        measures.width(line(lambda x: x**2 + loss))
    assert measures.width(line(lambda x: x**2 + loss), absolute=0.25).value == pytest.approx(1.0)


@pytest.mark.parametrize("thresholds", [{"rise": -0.1}, {"absolute": -0.1}, {"rise": math.nan}])
def test_a_rise_cannot_be_negative(thresholds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        measures.width(line(lambda x: 1 + x**2), **thresholds)


# ---- asymmetry -------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.0, 0.4, -0.8])
def test_asymmetry_of_a_cubic(c: float) -> None:
    # The integral of 2 c x^3 over that of 2 x^2, over 0 < x < 1.
    found = measures.asymmetry(line(lambda x: 1 + x**2 + c * x**3, samples=193))
    assert found == pytest.approx(3 * c / 4, abs=1e-3)


def test_asymmetry_compares_the_part_that_both_sides_have() -> None:
    assert measures.asymmetry(line(lambda x: x**2, (-1, 3), 65)) == pytest.approx(0.0, abs=1e-6)


def test_a_loss_that_rises_on_the_right_only_has_asymmetry_1() -> None:
    assert measures.asymmetry(line(lambda x: np.maximum(x, 0))) == 1.0
    assert measures.asymmetry(line(lambda x: np.maximum(-x, 0))) == -1.0


def test_asymmetry_of_a_constant_is_zero() -> None:
    assert measures.asymmetry(line(np.ones_like)) == 0.0


def test_asymmetry_ends_before_a_wall() -> None:
    x = regular_coordinates(-2, 2, 5)
    assert measures.asymmetry(of_line(x, np.array([math.inf, 1, 0, 1, 9]))) == 0.0


def test_asymmetry_needs_both_sides() -> None:
    with pytest.raises(ValueError, match=r"both sides .* from 0 to 1"):
        measures.asymmetry(line(np.abs, (0, 1)))


# ---- roughness -------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.abs, np.exp, np.square, np.ones_like, lambda x: np.sqrt(abs(x))])
def test_a_single_valley_is_not_rough(f: Function) -> None:
    assert measures.roughness(line(f)) == 0.0


@pytest.mark.parametrize("periods", [1, 2, 5])
def test_roughness_of_a_sine_counts_its_hills(periods: int) -> None:
    # From 0 up to 1, then between -1 and 1, back to 0: V = 4 k, the single valley needs 2 of it.
    wave = line(lambda x: np.sin(2 * np.pi * periods * x), (0, 1), 20 * periods + 1)
    assert measures.roughness(wave) == pytest.approx((4 * periods - 2) / 4, rel=1e-6)


def test_roughness_of_a_hill_between_two_valleys_is_its_share_of_the_range() -> None:
    x = regular_coordinates(0, 4, 5)
    assert measures.roughness(of_line(x, np.array([4, 0, 1, 0, 4]))) == 0.25


def test_roughness_leaves_out_what_is_not_finite() -> None:
    x = regular_coordinates(0, 4, 5)
    assert measures.roughness(of_line(x, np.array([math.inf, 4, 0, math.nan, 4]))) == 0.0
    with pytest.raises(ValueError, match="three finite samples, got 2"):
        measures.roughness(of_line(x, np.array([math.inf, 4, math.nan, math.nan, 4])))


# ---- nonconvexity ----------------------------------------------------------------------------


def test_nonconvexity_of_a_parabola_and_of_a_hill() -> None:
    assert measures.nonconvexity(line(np.square)) == 0.0
    assert measures.nonconvexity(line(lambda x: -(x**2))) == 1.0


def test_a_straight_line_is_convex_whatever_rounding_does_to_it() -> None:
    assert measures.nonconvexity(line(lambda x: 0.1 + x / 3, samples=97)) == 0.0
    x = IRREGULAR
    assert measures.nonconvexity(of_line(x, 1000.1 - 0.7 * x)) == 0.0
    assert measures.nonconvexity(plane(lambda x, y: 7.7 + x / 3 - y / 7)) == 0.0


def test_nonconvexity_of_a_sine_is_a_half() -> None:
    wave = line(lambda x: np.sin(2 * np.pi * x), (0, 1), 202)
    assert measures.nonconvexity(wave) == pytest.approx(0.5)


def test_nonconvexity_on_an_irregular_axis() -> None:
    assert measures.nonconvexity(of_line(IRREGULAR, IRREGULAR**2)) == 0.0
    assert measures.nonconvexity(of_line(IRREGULAR, -(IRREGULAR**2))) == 1.0


@pytest.mark.parametrize(
    ("a", "b", "c", "share"), [(1, 0, 1, 0), (1, 2.1, 1, 1), (1, 1.9, 1, 0), (-1, 0, 9, 1)]
)
def test_nonconvexity_of_quadratic_forms(a: float, b: float, c: float, share: float) -> None:
    form = plane(lambda x, y: a * x**2 + b * x * y + c * y**2, ((-1, 1), (-0.1, 0.3)), (13, 25))
    assert measures.nonconvexity(form) == share


def test_nonconvexity_of_a_plane_finds_the_inflection() -> None:
    # The second derivative along x is negative left of 0; along y it is positive everywhere.
    half = plane(lambda x, y: x**3 + y**2, samples=(42, 13))
    assert measures.nonconvexity(half) == pytest.approx(0.5)


def test_nonconvexity_leaves_out_the_neighbors_of_a_wall() -> None:
    x = regular_coordinates(0, 4, 5)
    assert measures.nonconvexity(of_line(x, np.array([0, -1, 0, math.nan, 3]))) == 0.0
    with pytest.raises(ValueError, match="neighbors are all finite"):
        measures.nonconvexity(of_line(x, np.array([0, 1, math.inf, 1, 0])))
    bowl = plane(
        lambda x, y: np.where((x == 1) & (y == 1), math.nan, 10 + x**2 + y**2), samples=(9, 9)
    )
    assert measures.nonconvexity(bowl) == 0.0
    values = np.zeros((1, 3, 4), dtype=np.float32)
    values[0, 0, 0] = math.nan
    values[0, 1, 2] = 1.0  # a peak: the only interior sample without NaN around it
    corner = Slice(
        kind="plane",
        method="test",
        axes=(Axis("x", regular_coordinates(-1, 1, 3)), Axis("y", regular_coordinates(-1, 1, 4))),
        values={"loss": values},
        center={"loss": np.zeros(1)},
    )
    assert measures.nonconvexity(corner) == 1.0


# ---- basin volume ----------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b", "c"), [(1, 0, 1), (4, 0, 1), (3, 2, 2), (3, -2, 2)])
def test_basin_of_a_quadratic_form_is_an_ellipse(a: float, b: float, c: float) -> None:
    # {a x^2 + b x y + c y^2 <= t} has the area 2 pi t / sqrt(4 a c - b^2).
    form = plane(lambda x, y: 0.5 + a * x**2 + b * x * y + c * y**2)
    found = measures.basin_volume(form, 1.0)
    assert found.value == pytest.approx(math.pi / math.sqrt(4 * a * c - b**2), rel=0.01)
    assert not found.is_cut


def test_basin_of_a_pyramid_has_an_exact_area_on_a_coarse_grid() -> None:
    found = measures.basin_volume(plane(lambda x, y: 1 + abs(x), samples=(5, 4)), 0.3)
    assert found.value == pytest.approx(0.6 * 2)
    assert found.is_cut


def test_basin_of_a_constant_is_the_whole_plane() -> None:
    flat = plane(lambda x, y: np.ones_like(x * y), ((-1, 2), (-3, 1)), (7, 5))
    assert measures.basin_volume(flat) == measures.BasinVolume(12.0, True)


def test_basin_is_the_one_around_the_focus_point() -> None:
    wells = plane(lambda x, y: 1 + np.sin(np.pi * x) ** 2 + y**2, ((-2, 2), (-1, 1)), (193, 97))
    alone = plane(lambda x, y: 1 + np.sin(np.pi * x) ** 2 + y**2, ((-0.5, 0.5), (-1, 1)), (49, 97))
    assert measures.basin_volume(wells, 0.2) == pytest.approx(measures.basin_volume(alone, 0.2))


def test_basin_ends_at_a_wall() -> None:
    walled = plane(lambda x, y: np.where(abs(x) > 0.5, math.nan, 1.0) + 0 * y, samples=(9, 9))
    assert measures.basin_volume(walled) == measures.BasinVolume(2.0, True)


def test_basin_around_a_focus_point_between_samples() -> None:
    even = plane(lambda x, y: 1 + x**2 + y**2, samples=(96, 98))
    found = measures.basin_volume(even, absolute=0.25)
    assert found.value == pytest.approx(math.pi / 4, rel=0.01)


def test_basin_winds_as_far_as_it_is_connected() -> None:
    # A snake of low samples through high ones: a flood has to turn around.
    low = np.array([[1, 1, 1, 1], [9, 9, 9, 1], [1, 1, 1, 1], [1, 9, 9, 9], [1, 1, 1, 1]])
    x, y = np.arange(5.0), np.arange(4.0)
    snake = Slice(
        kind="plane",
        method="test",
        axes=(Axis("x", x), Axis("y", y)),
        values={"loss": low[None].astype(np.float32)},
        center={"loss": np.ones(1)},
    )
    cut = Slice(
        kind="plane",
        method="test",
        axes=(Axis("x", x), Axis("y", y)),
        values={"loss": np.where(np.arange(5)[:, None] == 3, 9, low)[None].astype(np.float32)},
        center={"loss": np.ones(1)},
    )
    whole, part = measures.basin_volume(snake, 1e-6), measures.basin_volume(cut, 1e-6)
    assert whole.value > part.value > 0


def test_basin_is_connected_along_the_diagonals_of_its_triangles() -> None:
    diagonal = plane(lambda x, y: 1 + (x != y), samples=(5, 5))
    crossing = plane(lambda x, y: 1 + (x != -y), samples=(5, 5))
    # Eight triangles with two low corners (share 3/4) and, at the rims, with one (share 1/4).
    assert measures.basin_volume(diagonal, 0.5).value == pytest.approx((8 * 3 + 6) / 4 / 8)
    # Across the diagonals, the six triangles around the focus point only.
    assert measures.basin_volume(crossing, 0.5).value == pytest.approx(6 / 4 / 8)


# ---- what all share --------------------------------------------------------------------------

ON_LINES = (
    measures.asymmetry,
    measures.barrier,
    measures.curvature,
    measures.nonconvexity,
    measures.roughness,
    measures.width,
)


@pytest.mark.parametrize("measure", [m for m in ON_LINES if m is not measures.nonconvexity])
def test_a_measure_of_lines_says_so_of_a_plane(measure: Callable[[Slice], object]) -> None:
    with pytest.raises(ValueError, match="measured on lines, but this slice is a plane"):
        measure(plane(lambda x, y: x * y, samples=(5, 5)))


def test_a_measure_of_planes_says_so_of_a_line() -> None:
    with pytest.raises(ValueError, match="measured on a plane"):
        measures.basin_volume(line(np.abs))


@pytest.mark.parametrize("measure", ON_LINES)
def test_channel_focus_point_and_line_are_checked(measure: Callable[..., object]) -> None:
    bowl = line(lambda x: 1 + x**2)
    with pytest.raises(ValueError, match="no channel 'accuracy'; it has 'loss'"):
        measure(bowl, channel="accuracy")
    with pytest.raises(ValueError, match="1 focus points, counted from 0; got 1"):
        measure(bowl, focus_point=1)
    with pytest.raises(ValueError, match="1 lines, counted from 0; got -1"):
        measure(bowl, line=-1)


@pytest.mark.parametrize(
    "measure", [measures.curvature, measures.width, measures.asymmetry, measures.barrier]
)
def test_the_focus_point_has_to_be_on_the_axis(measure: Callable[[Slice], object]) -> None:
    with pytest.raises(ValueError, match="not on this axis, which runs from 1 to 2"):
        measure(line(np.square, (1, 2)))


def test_a_bundle_is_measured_line_by_line() -> None:
    x = regular_coordinates(-1, 1, 9)
    values = np.stack([[1 + x**2, 1 + 2 * x**2], [1 + 3 * x**2, 1 + 4 * x**2]])
    bundle = Slice(
        kind="lines",
        method="test",
        axes=(Axis("a", x, 1.0), Axis("b", x, 2.0)),
        values={"loss": -values, "other": values.astype(np.float32)},
        center={"loss": np.ones(2), "other": np.ones(2)},
        focus_points=("here", "there"),
    )
    found = measures.curvature(bundle, channel="other", focus_point=1, line=1)
    assert found.value == pytest.approx(8 / 4, rel=1e-5)


# Sixteenths and powers of two: sums and products that float32 holds exactly, so that equal means
# equal and no tolerance hides a mistake.
sixteenths = st.integers(0, 160).map(lambda n: n / 16)
profiles = st.lists(sixteenths, min_size=9, max_size=9).map(np.array)
NINE = regular_coordinates(-1.0, 1.0, 9)


@given(profiles, st.integers(-50, 50), st.sampled_from([0.25, 2.0, 64.0]))
def test_adding_a_constant_and_scaling(losses: Float64, constant: int, factor: float) -> None:
    before, shifted = of_line(NINE, losses), of_line(NINE, losses + constant)
    scaled = of_line(NINE, factor * losses)
    assert measures.barrier(shifted).value == pytest.approx(measures.barrier(before).value)
    assert measures.barrier(scaled).value == factor * measures.barrier(before).value
    for measure in (measures.asymmetry, measures.roughness, measures.nonconvexity):
        assert measure(shifted) == measure(before)
        assert measure(scaled) == measure(before)
    assert measures.width(shifted, absolute=1.0) == measures.width(before, absolute=1.0)
    assert measures.width(scaled, absolute=factor) == measures.width(before, absolute=1.0)
    second = measures.curvature(before).value
    assert measures.curvature(scaled).value == pytest.approx(factor * second, abs=1e-9)


@given(profiles)
def test_samples_on_the_straight_lines_change_nothing(losses: Float64) -> None:
    finer = regular_coordinates(-1.0, 1.0, 17)
    coarse, fine = of_line(NINE, losses), of_line(finer, np.interp(finer, NINE, losses))
    assert measures.barrier(fine) == measures.barrier(coarse)
    assert measures.roughness(fine) == measures.roughness(coarse)
    assert measures.sharpness(fine, 0.3) == pytest.approx(measures.sharpness(coarse, 0.3))
    one, two = measures.width(fine, absolute=0.3), measures.width(coarse, absolute=0.3)
    assert (one.left, one.right) == pytest.approx((two.left, two.right))


@given(profiles)
def test_a_mirrored_line(losses: Float64) -> None:
    line_, mirrored = of_line(NINE, losses), of_line(NINE, losses[::-1])
    assert measures.asymmetry(mirrored) == -measures.asymmetry(line_)
    assert measures.roughness(mirrored) == measures.roughness(line_)
    assert measures.nonconvexity(mirrored) == measures.nonconvexity(line_)
    one, two = measures.width(mirrored, absolute=0.3), measures.width(line_, absolute=0.3)
    assert (one.left, one.right) == (-two.right, -two.left)


@given(st.lists(sixteenths, min_size=25, max_size=25), st.integers(-50, 50))
def test_a_plane_with_a_constant_added(losses: list[float], constant: int) -> None:
    values = np.array(losses, dtype=np.float32).reshape(1, 5, 5)
    axes = (Axis("x", regular_coordinates(-1, 1, 5)), Axis("y", regular_coordinates(-2, 2, 5)))

    def raised(by: float) -> Slice:
        return Slice("plane", "test", axes, {"loss": values + by}, {"loss": values[:, 2, 2] + by})

    before, after = raised(0), raised(constant)
    assert measures.basin_volume(after, absolute=1.0) == measures.basin_volume(before, absolute=1.0)
    assert measures.nonconvexity(after) == measures.nonconvexity(before)
    assert 0 <= measures.basin_volume(before, absolute=1.0).value <= 8
    assert measures.basin_volume(before, absolute=10.0) == measures.BasinVolume(8.0, True)
