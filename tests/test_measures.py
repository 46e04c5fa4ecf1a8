"""Measures against closed forms, and what must not change them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

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


# Sixteenths and powers of two: sums and products that float32 holds exactly, so that equal means
# equal and no tolerance hides a mistake.
sixteenths = st.integers(0, 160).map(lambda n: n / 16)
profiles = st.lists(sixteenths, min_size=9, max_size=9).map(np.array)
NINE = regular_coordinates(-1.0, 1.0, 9)


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


@given(profiles, st.lists(st.booleans(), min_size=9, max_size=9).filter(lambda w: sum(w) <= 6))
def test_walls_are_left_out_wherever_they_stand(losses: Float64, walls: list[bool]) -> None:
    with_walls = of_line(NINE, np.where(walls, math.inf, losses))
    rest = ~np.array(walls)
    assert measures.roughness(with_walls) == measures.roughness(of_line(NINE[rest], losses[rest]))


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


# ---- roughness of planes ---------------------------------------------------------------------


@pytest.mark.parametrize("angle", np.linspace(0, math.pi, 7))
@pytest.mark.parametrize("eigenvalues", [(1.0, 1.0), (9.0, 0.5), (100.0, 0.0)])
def test_a_quadratic_bowl_is_not_rough_however_it_is_turned(
    angle: float, eigenvalues: tuple[float, float]
) -> None:
    (u, v), (cos, sin) = eigenvalues, (math.cos(angle), math.sin(angle))
    bowl = plane(
        lambda x, y: 0.3 + u * (cos * x + sin * y) ** 2 + v * (cos * y - sin * x) ** 2,
        samples=(25, 49),
    )
    # Rounding may give a float32 step up where the exact values are level.
    assert measures.roughness(bowl) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("periods", [1, 2, 5])
def test_roughness_of_a_bowl_with_sine_bumps(periods: int) -> None:
    # Along x every line climbs (4 k - 2) / 2 too much, along y none does; the range is 2 + 4.
    x, y = regular_coordinates(0, 1, 20 * periods + 1), regular_coordinates(-1, 1, 9)
    values = np.sin(2 * np.pi * periods * x)[:, None] + 4 * y[None, :] ** 2
    for turned in (False, True):
        bumps = Slice(
            kind="plane",
            method="test",
            axes=(Axis("y", y), Axis("x", x)) if turned else (Axis("x", x), Axis("y", y)),
            values={"loss": (values.T if turned else values)[None].astype(np.float32)},
            center={"loss": np.zeros(1)},
        )
        assert measures.roughness(bumps) == pytest.approx((2 * periods - 1) / 2 / 6, rel=1e-6)


def test_a_plane_that_changes_along_one_axis_is_half_as_rough_as_its_line() -> None:
    wave = line(lambda x: np.sin(9 * x), samples=97)
    both = plane(lambda x, y: np.sin(9 * x) + 0 * y, samples=(97, 5))
    assert measures.roughness(both) == pytest.approx(measures.roughness(wave) / 2, rel=1e-6)


def test_roughness_of_a_plane_leaves_out_what_is_not_finite() -> None:
    hills = plane(lambda x, y: np.where((x == 1) | (y == -1), math.inf, x**2 + y**2))
    assert measures.roughness(hills) == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ValueError, match="three finite samples, got 2"):
        measures.roughness(plane(lambda x, y: x + y, samples=(2, 2)))
    assert measures.roughness(plane(lambda x, y: 0 * x * y)) == 0.0


# ---- alignment -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "span", [(-1.0, 1.0), (0.0, 1.0), (-0.5, 0.0), (-1.0, 0.3), (-0.25, 0.125)]
)
@pytest.mark.parametrize("turn", [0.0, 1.0, 2.5])
def test_alignment_on_a_quadratic_is_the_cosine(turn: float, span: tuple[float, float]) -> None:
    # L(p) = p' A p / 2 + b' p: the gradient at p = 0 is b, whatever A; d has length 2.
    a = np.array([[3.0, 1.0], [1.0, 2.0]])
    b = np.array([0.6, -0.8]) * 5
    d = 2 * np.array([math.cos(turn), math.sin(turn)])
    along = line(lambda x: 1 + x**2 * (d @ a @ d) / 2 + x * (b @ d), span, 24, length=2.0)
    expected = float(b @ d / (np.linalg.norm(b) * np.linalg.norm(d)))
    assert measures.alignment(along, 5.0) == pytest.approx(expected, abs=1e-5)


def test_alignment_on_an_irregular_axis_and_between_samples() -> None:
    losses = 1 + 3 * IRREGULAR + 5 * IRREGULAR**2
    assert measures.alignment(of_line(IRREGULAR, losses), 6.0) == pytest.approx(0.5, rel=1e-4)
    x = np.delete(IRREGULAR, 6)  # the focus point is known from the center only
    without = of_line(x, np.delete(losses, 6), center=1.0)
    assert measures.alignment(without, 6.0) == pytest.approx(0.5, rel=1e-4)


def test_alignment_with_a_noted_gradient_norm() -> None:
    slope = line(lambda x: 2 * x, samples=3)
    noted = dataclasses.replace(slope, notes={"gradient_norm": 4.0})
    assert measures.alignment(noted) == pytest.approx(0.5)
    assert measures.alignment(noted, 2.0) == 1.0  # what is given wins
    assert measures.alignment(noted, 1.9) == 1.0
    with pytest.raises(ValueError, match="cosine would be 2"):
        measures.alignment(noted, 1.0)


@pytest.mark.parametrize(
    ("slope", "norm", "words"),
    [
        (line(np.abs), None, "positive number; got None"),
        (line(np.abs), math.nan, "positive number; got nan"),
        (line(np.abs), 0.0, r"positive number; got 0\.0"),
        (line(np.abs, length=math.nan), 1.0, "length nan"),
        (line(np.abs, (0, 1), samples=2), 1.0, "three samples, got 2"),
        (line(np.abs, (1, 2)), 1.0, "not on this axis"),
        (line(lambda x: np.where(x == 1, math.inf, x), samples=3), 1.0, "no slope there"),
    ],
)
def test_alignment_says_what_it_needs(slope: Slice, norm: float | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        measures.alignment(slope, norm)


# ---- estimates -------------------------------------------------------------------------------


def of_examples(losses: Float64, x: Float64, groups: int, *, channel: str = "loss") -> Slice:
    """The slice of losses per example (examples, samples), with paired errors and replicates."""
    center = int(np.flatnonzero(x == 0)[0])
    parts = losses.reshape(groups, -1, x.size)
    kept = (losses.sum(0) - parts.sum(1)) / (len(losses) - parts.shape[1])
    differences = losses - losses[:, center, None]
    return Slice(
        kind="lines",
        method="test",
        axes=(Axis("x", x, 1.5),),
        values={channel: losses.mean(0)[None, None].astype(np.float32)},
        center={channel: losses.mean(0)[[center]]},
        errors={
            channel: (differences.std(0, ddof=1) / math.sqrt(len(losses)))[None, None]  # type: ignore[dict-item]
        },
        replicates={channel: kept[:, None, None].astype(np.float32)},
        center_replicates={channel: kept[:, [center]]},
    )


def without_replicates(slice_: Slice) -> Slice:
    return dataclasses.replace(slice_, replicates={}, center_replicates={})


def smooth_examples(generator: np.random.Generator, examples: int, x: Float64) -> Float64:
    """Losses of examples that differ in height, slope, curvature and bumps: correlated samples."""
    height, bend = generator.gamma(2, 1, examples), generator.gamma(3, 1, examples)
    slope, bumps = generator.normal(0, 1, examples), generator.normal(1, 0.6, examples)
    phase = generator.normal(0.3, 0.3, examples)
    parts = np.stack([np.ones_like(x), x, x**2])
    waves = bumps[:, None] * np.sin(2 * np.pi * x + phase[:, None]) ** 2
    total: Float64 = np.stack([height, slope, bend], axis=1) @ parts + waves
    return total


ELEVEN = regular_coordinates(-1.0, 1.0, 11)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([2, 5, 30]),
    st.lists(st.floats(-2, 2), min_size=11, max_size=11),
)
def test_the_jackknife_of_a_linear_measure_is_the_error_of_the_mean(
    seed: int, groups: int, weights: list[float]
) -> None:
    # sum_j w_j mean_i L_ij is the mean of the groups' own sums; its error is their spread.
    losses = smooth_examples(np.random.default_rng(seed), 60, ELEVEN)
    own = losses.reshape(groups, -1, 11).mean(1) @ np.array(weights)
    expected = own.std(ddof=1) / math.sqrt(groups)

    def linear(slice_: Slice) -> float:
        return float(slice_.losses[0, 0].astype(np.float64) @ np.array(weights))

    found = measures.estimate(linear, of_examples(losses, ELEVEN, groups))
    assert found.method == "jackknife"
    # float32 rounds replicates, and K - 1 of them multiply it.
    assert found.error == pytest.approx(expected, rel=1e-3, abs=groups * 1e-5)


@pytest.mark.parametrize(
    ("measure", "arguments"),
    [
        (measures.curvature, {}),
        (measures.barrier, {}),
        (measures.roughness, {}),
        (measures.sharpness, {"radius": 0.8}),
        (measures.asymmetry, {}),
        (measures.width, {"absolute": 0.5}),
    ],
)
def test_the_jackknife_agrees_with_fresh_draws_of_examples(
    measure: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    # The spread of 300 draws is known to 4 %, an error from 20 groups to 16 %, the mean of 25 to
    # 3 %: together about 5 %, of which 20 % is the quadruple.
    generator = np.random.default_rng(7)
    x = regular_coordinates(-1.0, 1.0, 25)
    draws = [of_examples(smooth_examples(generator, 200, x), x, 20) for _ in range(300)]
    found = [measure(draw, **arguments) for draw in draws]
    spread = np.std([getattr(one, "value", one) for one in found], ddof=1)
    estimates = [measures.estimate(measure, draw, **arguments) for draw in draws[:25]]
    squares = [one.error**2 for one in estimates]
    assert math.sqrt(np.mean(squares)) == pytest.approx(spread, rel=0.2)


@given(st.integers(0, 2**32 - 1), st.lists(st.floats(-2, 2), min_size=11, max_size=11))
def test_the_bound_of_a_linear_measure_is_not_below_the_jackknife(
    seed: int, weights: list[float]
) -> None:
    # With one example a group, both rest on the same variances.
    slice_ = of_examples(smooth_examples(np.random.default_rng(seed), 40, ELEVEN), ELEVEN, 40)

    def linear(slice_: Slice) -> float:
        rises = slice_.losses[0, 0].astype(np.float64) - slice_.center["loss"][0]
        return float(rises @ np.array(weights))

    jackknife = measures.estimate(linear, slice_)
    bound = measures.estimate(linear, without_replicates(slice_))
    assert (jackknife.method, bound.method) == ("jackknife", "bound")
    expected = float(np.abs(weights) @ slice_.errors["loss"][0, 0])
    assert bound.error == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert bound.error >= 0.999 * jackknife.error - 1e-4


def test_the_bound_of_a_measure_that_has_a_kink_takes_the_steeper_side() -> None:
    x = regular_coordinates(0, 1, 3)
    flat = dataclasses.replace(
        of_line(x, np.ones(3)), errors={"loss": np.array([[[0.0, 0.25, 0.0]]], dtype=np.float32)}
    )
    assert measures.estimate(measures.barrier, flat) == measures.Estimate(0.0, 0.25, "bound")


def test_an_error_that_is_not_known_where_it_matters_is_none() -> None:
    errors = np.array([[[0.1, math.nan, 0.0, 0.1, 0.1]]], dtype=np.float32)
    slice_ = dataclasses.replace(
        of_line(regular_coordinates(-1, 1, 5), np.zeros(5)), errors={"loss": errors}
    )
    assert measures.estimate(lambda s: s.losses[0, 0, 4], slice_).error == pytest.approx(0.1)
    assert math.isnan(measures.estimate(lambda s: s.losses.sum(), slice_).error)


def test_the_bound_looks_at_one_line_of_a_bundle() -> None:
    x = regular_coordinates(-1, 1, 9)
    values = np.tile(x**2, (3, 40, 1)).astype(np.float32)
    bundle = Slice(
        kind="lines",
        method="test",
        axes=tuple(Axis(f"{i}", x, 1.0) for i in range(40)),
        values={"loss": values},
        center={"loss": np.zeros(3)},
        focus_points=("a", "b", "c"),
        errors={"loss": np.arange(1, 121, dtype=np.float32).reshape(3, 40, 1) * 0.001 * values},
    )
    calls = []

    def watched(slice_: Slice) -> float:
        calls.append(1)
        return measures.curvature(slice_, focus_point=2, line=39).value

    one = dataclasses.replace(line(np.square, samples=9), errors={"loss": 0.12 * values[:1, :1]})
    expected = measures.estimate(measures.curvature, one).error
    assert measures.estimate(watched, bundle).error == pytest.approx(expected, rel=1e-4)
    assert len(calls) < 100  # of 1080 samples, 9 of which matter


def test_without_errors_nothing_is_claimed() -> None:
    found = measures.estimate(measures.curvature, line(np.square))
    assert found.value == measures.curvature(line(np.square)).value
    assert math.isnan(found.error) and found.method == "none"


def test_an_infinite_barrier_has_no_error() -> None:
    slice_ = of_examples(smooth_examples(np.random.default_rng(0), 20, ELEVEN), ELEVEN, 20)
    values = slice_.losses.copy()
    values[0, 0, 8] = math.inf
    found = measures.estimate(
        measures.barrier, dataclasses.replace(slice_, values={"loss": values})
    )
    assert found.value == math.inf and math.isnan(found.error) and found.method == "none"


def test_a_wall_in_one_replicate_leaves_the_error_open() -> None:
    slice_ = of_examples(smooth_examples(np.random.default_rng(0), 20, ELEVEN), ELEVEN, 20)
    replicates = slice_.replicates["loss"].copy()
    replicates[4, 0, 0, 8] = math.inf
    wall = dataclasses.replace(slice_, replicates={"loss": replicates})
    found = measures.estimate(measures.barrier, wall)
    assert math.isfinite(found.value) and math.isnan(found.error) and found.method == "jackknife"


def two_channels(
    groups: tuple[int, int], *, seed: int = 0, examples: tuple[int, int] = (60, 60)
) -> tuple[Slice, Float64, Float64]:
    generator = np.random.default_rng(seed)
    losses = [smooth_examples(generator, n, ELEVEN) for n in examples]
    one, two = (
        of_examples(found, ELEVEN, k, channel=name)
        for found, k, name in zip(losses, groups, ("train/loss", "validation/loss"), strict=True)
    )
    both = dataclasses.replace(
        one,
        values={**one.values, **two.values},
        center={**one.center, **two.center},
        errors={**one.errors, **two.errors},
        replicates={**one.replicates, **two.replicates},
        center_replicates={**one.center_replicates, **two.center_replicates},
    )
    return both, losses[0], losses[1]


def gap(slice_: Slice) -> float:
    """A measure of two channels."""
    ends = [float(slice_.values[f"{name}/loss"][0, 0, -1]) for name in ("validation", "train")]
    return ends[0] - ends[1]


def test_channels_of_different_groups_add_their_variances() -> None:
    both, train, validation = two_channels((10, 20))
    variances = [
        losses.reshape(k, -1, 11).mean(1)[:, -1].var(ddof=1) / k
        for losses, k in ((train, 10), (validation, 20))
    ]
    found = measures.estimate(gap, both)
    assert found.error == pytest.approx(math.sqrt(sum(variances)), rel=1e-3)


def test_channels_of_the_same_examples_are_left_out_together() -> None:
    losses = smooth_examples(np.random.default_rng(0), 60, ELEVEN)
    train = of_examples(losses, ELEVEN, 20, channel="train/loss")
    same = of_examples(losses + 1, ELEVEN, 20, channel="validation/loss")
    both = dataclasses.replace(
        train,
        values={**train.values, **same.values},
        center={**train.center, **same.center},
        replicates={**train.replicates, **same.replicates},
        center_replicates={**train.center_replicates, **same.center_replicates},
    )
    assert measures.estimate(gap, both).error == pytest.approx(0.0, abs=1e-4)


def test_the_error_is_that_of_the_channel_which_is_read() -> None:
    both, _, _ = two_channels((10, 20))
    validation = measures.estimate(measures.curvature, both, channel="validation/loss")
    partial = measures.estimate(
        lambda slice_: measures.curvature(slice_, channel="validation/loss"), both
    )
    assert validation == partial
    assert validation != measures.estimate(measures.curvature, both)
    only = {"train/loss": both.replicates["train/loss"]}
    some = dataclasses.replace(both, replicates=only)
    assert measures.estimate(measures.curvature, some).method == "jackknife"
    assert measures.estimate(measures.curvature, some, channel="validation/loss").method == "bound"
    assert measures.estimate(gap, some).method == "bound"
    less = dataclasses.replace(some, errors={})
    assert measures.estimate(gap, less).method == "none"


def test_a_plane_is_estimated_like_a_line() -> None:
    x = regular_coordinates(-1.0, 1.0, 7)
    generator = np.random.default_rng(3)
    bends = generator.gamma(4, 0.25, (40, 2))
    bowls = bends[:, 0, None, None] * x[:, None] ** 2 + bends[:, 1, None, None] * x**2
    bowls += 0.1 * (x[:, None] + x)  # makes one corner the highest
    mean = bowls.mean(0)
    kept = (bowls.sum(0) - bowls) / 39
    slice_ = Slice(
        kind="plane",
        method="test",
        axes=(Axis("x", x), Axis("y", x)),
        values={"loss": mean[None].astype(np.float32)},
        center={"loss": np.zeros(1)},
        errors={"loss": (bowls.std(0, ddof=1) / math.sqrt(40))[None].astype(np.float32)},
        replicates={"loss": kept[:, None].astype(np.float32)},
        center_replicates={"loss": np.zeros((40, 1))},
    )
    # The rise into the corner is the sum of both bends: 100 times its error, as L(0) is 0.
    expected = 100 * bends.sum(1).std(ddof=1) / math.sqrt(40)
    found = measures.estimate(measures.sharpness, slice_, radius=1.0)
    assert found.error == pytest.approx(expected, rel=1e-3)
    bound = measures.estimate(measures.sharpness, without_replicates(slice_), radius=1.0)
    assert bound.error == pytest.approx(expected, rel=1e-3)  # one sample counts: the corner
    area = measures.estimate(measures.basin_volume, slice_, absolute=0.3)
    assert 0 < area.error < area.value


def test_what_is_no_number_is_no_measure() -> None:
    with pytest.raises(TypeError, match="a number as its value, got str"):
        measures.estimate(lambda slice_: "steep", line(np.square))
    with pytest.raises(ValueError, match="no channel 'accuracy'"):
        measures.estimate(measures.width, line(np.square), channel="accuracy")


# ---- what all share --------------------------------------------------------------------------

ON_LINES = (
    measures.asymmetry,
    measures.barrier,
    measures.curvature,
    measures.nonconvexity,
    measures.roughness,
    measures.width,
)


@pytest.mark.parametrize(
    "measure",
    [m for m in ON_LINES if m not in (measures.nonconvexity, measures.roughness)]
    + [measures.alignment],
)
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
