"""Sequences against scipy's, against random points, and against what makes them even."""

from __future__ import annotations

import itertools
import warnings
from typing import Any, cast

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.stats import chisquare, kstest, qmc

from pysclice.slicers.low_discrepancy import (
    SEQUENCES,
    LowDiscrepancy,
    SequenceName,
    _halton_table,
    _sobol_table,
)


def points(
    sequence: str, count: int, dimensions: int, seed: int = 0, start: int = 0
) -> np.ndarray[Any, Any]:
    """The first points: (count, dimensions)."""
    made = LowDiscrepancy(cast(SequenceName, sequence), count, seed)
    rows = [made.numbers(n, start, start + dimensions) for n in range(count)]
    return torch.stack(rows).numpy()


def test_tables_are_those_of_scipy() -> None:
    sobol = qmc.Sobol(16, scramble=False).random_base2(8)
    np.testing.assert_array_equal(_sobol_table(8).numpy() * 2.0**-52, sobol)
    halton = qmc.Halton(8, scramble=False).random(128)
    np.testing.assert_allclose(_halton_table(7).numpy(), halton, rtol=0, atol=1e-15)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize(("dimensions", "count"), [(1, 64), (2, 64), (5, 64), (2, 100), (5, 50)])
def test_points_are_spread_more_evenly_than_random_ones(
    sequence: str, dimensions: int, count: int
) -> None:
    ours = [qmc.discrepancy(points(sequence, count, dimensions, seed)) for seed in range(3)]
    drawn = [
        qmc.discrepancy(np.random.default_rng(seed).random((count, dimensions)))
        for seed in range(20)
    ]
    assert np.mean(ours) < 0.6 * np.mean(drawn)


@pytest.mark.parametrize("count", [64, 100])
def test_our_scrambling_is_as_even_as_that_of_scipy(count: int) -> None:
    for dimensions in (2, 5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that 100 is no power of two
            theirs = [
                qmc.discrepancy(qmc.Sobol(dimensions, rng=np.random.default_rng(n)).random(count))
                for n in range(8)
            ]
        ours = [qmc.discrepancy(points("sobol", count, dimensions, seed)) for seed in range(4)]
        assert np.mean(ours) < 1.25 * np.mean(theirs)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_blocks_far_out_are_even_too_and_independent_of_each_other(sequence: str) -> None:
    # A plain Sobol' sequence has points on few diagonals there; a plain Halton sequence on lines.
    far = points(sequence, 64, 66, start=20_000 - 1)
    drawn = np.random.default_rng(0).random((64, 66))
    for first, second in ((0, 1), (0, 65), (3, 64)):
        pair = far[:, [first, second]]
        assert qmc.discrepancy(pair) < qmc.discrepancy(drawn[:, [first, second]])
    correlations = np.corrcoef(points(sequence, 32, 300).T)[np.triu_indices(300, 1)]
    assert abs(correlations.mean()) < 0.005
    # Independent orders have a variance of 1 / 31; ours mix within runs only.
    assert correlations.var() < 1.25 / 31


@pytest.mark.parametrize("sequence", ["sobol", "latin hypercube"])
@pytest.mark.parametrize("count", [8, 64])
def test_every_coordinate_has_one_point_in_each_equal_part(sequence: str, count: int) -> None:
    cells = np.floor(points(sequence, count, 200) * count).astype(int)
    np.testing.assert_array_equal(np.sort(cells, axis=0), np.arange(count)[:, None].repeat(200, 1))


def test_pairs_of_coordinates_have_one_point_in_each_box() -> None:
    # Sobol's first two coordinates are a (0, m, 2)-net, which scrambling has to keep.
    for seed in range(5):
        pair = points("sobol", 64, 2, seed)
        for across in range(7):
            columns, rows = 2**across, 2 ** (6 - across)
            boxes = np.floor(pair[:, 0] * columns) * rows + np.floor(pair[:, 1] * rows)
            assert len(np.unique(boxes)) == 64


@settings(max_examples=40, deadline=None)
@given(
    sequence=st.sampled_from(["sobol", "halton"]),
    seed=st.integers(-(2**63), 2**63),
    shorter=st.integers(1, 40),
    longer=st.integers(1, 2000),
    start=st.integers(0, 300),
    size=st.integers(1, 200),
)
def test_longer_sequences_begin_with_shorter_ones_and_parts_are_parts(
    sequence: str, seed: int, shorter: int, longer: int, start: int, size: int
) -> None:
    name = cast(SequenceName, sequence)
    one, other = LowDiscrepancy(name, shorter, seed), LowDiscrepancy(name, longer, seed)
    point = shorter - 1
    whole = one.numbers(point, 0, start + size)
    assert torch.equal(whole[start:], other.numbers(point, start, start + size))
    assert bool((whole > 0).all() and (whole < 1).all())


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_each_coordinate_of_each_point_is_uniform_over_seeds(sequence: str) -> None:
    made = [LowDiscrepancy(cast(SequenceName, sequence), 20, seed) for seed in range(150)]
    for point in (0, 1, 13):
        drawn = torch.stack([sequence.numbers(point, 0, 70)[[0, 5, 69]] for sequence in made])
        for coordinate in drawn.T.numpy():
            assert kstest(coordinate, "uniform").pvalue > 1e-4


def test_permutations_are_permutations_and_all_alike() -> None:
    made = LowDiscrepancy("latin hypercube", 4)
    draws = 20_000
    for size in (3, 4):
        found = torch.stack([made._permuted("test", n, size, 0, draws) for n in range(size)], 1)
        kinds, counts = np.unique(found.numpy(), axis=0, return_counts=True)
        assert list(map(tuple, kinds.tolist())) == list(itertools.permutations(range(size)))
        assert chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_hundred_thousand_coordinates_are_no_matter(sequence: str) -> None:
    made = LowDiscrepancy(cast(SequenceName, sequence), 64)
    numbers = made.numbers(37, 0, 270_000)  # more than one portion
    assert numbers.shape == (270_000,) and numbers.dtype == torch.float64
    assert kstest(numbers.numpy(), "uniform").pvalue > 1e-4
