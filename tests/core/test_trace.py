"""Estimates of traces and of densities against matrices whose eigenvalues are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from pysclice.core.lanczos import Lanczos
from pysclice.core.spectral_density import density, quadrature
from pysclice.core.trace import Trace, form_outside, hutch_plus_plus, hutchinson


def matrix_with(eigenvalues: Tensor, seed: int = 0) -> Tensor:
    """A symmetric matrix with random eigenvectors, float64."""
    generator = torch.Generator().manual_seed(seed)
    size = len(eigenvalues)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    return (basis * eigenvalues.double()) @ basis.T


def network_like(size: int = 60) -> Tensor:
    """A few large eigenvalues, one of them negative, above many small ones."""
    bulk = torch.rand(size - 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return torch.cat([torch.tensor([40.0, 30.0, 20.0, -5.0], dtype=torch.float64), bulk])


def signs(seed: int, count: int, size: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 2, (count, size), generator=generator)
    return list(drawn.double() * 2 - 1)


def after(steps: int, matrix: Tensor, start: Tensor) -> Lanczos:
    lanczos = Lanczos(matrix.mv, start)
    while len(lanczos.basis) < steps and lanczos.next is not None:
        lanczos.step()
    return lanczos


def estimates(matrix: Tensor, seed: int, probes: int = 8, steps: int = 12) -> tuple[Trace, Trace]:
    """By Hutchinson and by Hutch++."""
    drawn = signs(seed, probes, len(matrix))
    forms = [float(probe @ matrix @ probe) for probe in drawn]
    subspace = after(steps, matrix, drawn[0])
    outside = [form_outside(subspace, p, f) for p, f in zip(drawn[1:], forms[1:], strict=True)]
    return hutchinson(forms), hutch_plus_plus(subspace, outside)


def test_what_is_outside_of_the_subspace_is_known_without_a_product() -> None:
    matrix = matrix_with(network_like())
    start, *probes = signs(0, 4, 60)
    subspace = after(12, matrix, start)
    basis = torch.stack(subspace.basis, 1)
    outside = torch.eye(60, dtype=torch.float64) - basis @ basis.T
    for probe in probes:
        expected = probe @ outside @ matrix @ outside @ probe
        found = form_outside(subspace, probe, float(probe @ matrix @ probe))
        assert found == pytest.approx(float(expected), rel=1e-9)


def test_estimates_lie_within_their_standard_errors() -> None:
    eigenvalues = network_like()
    matrix, truth = matrix_with(eigenvalues), float(eigenvalues.sum())
    found = [estimates(matrix, seed) for seed in range(200)]
    spreads = []
    for one in zip(*found, strict=True):
        errors = np.array([estimate.value - truth for estimate in one])
        claimed = np.array([estimate.error for estimate in one])
        assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(len(errors))
        assert np.sqrt(np.mean(claimed**2)) == pytest.approx(errors.std(), rel=0.2)
        # As often as Student's distribution of 6 or 7 degrees of freedom has it: 64 % and 91 %.
        assert 0.52 < np.mean(np.abs(errors) < claimed) < 0.76
        assert 0.83 < np.mean(np.abs(errors) < 2 * claimed) < 0.98
        spreads.append(errors.std())
    assert spreads[1] < spreads[0] / 10  # what Hutch++ is for


def test_hutch_plus_plus_is_exact_for_a_matrix_of_low_rank() -> None:
    eigenvalues = torch.zeros(60)
    eigenvalues[:5] = torch.tensor([9.0, 5.0, 3.0, -2.0, 1.0])
    plain, better = estimates(matrix_with(eigenvalues), seed=0)
    assert better.value == pytest.approx(16.0, abs=1e-9)
    assert better.error < 1e-9
    assert plain.error > 0.1


def test_a_single_probe_has_no_standard_error() -> None:
    assert np.isnan(hutchinson([3.0]).error)
    assert hutchinson([3.0]).value == 3.0


def test_quadrature_has_the_moments_of_its_probe() -> None:
    matrix = matrix_with(network_like()) / 10
    (probe,) = signs(0, 1, 60)
    found = quadrature(after(3, matrix, probe))
    assert len(found.nodes) == 3
    assert found.weights.min() >= 0
    power = probe.clone()
    for degree in range(6):
        expected = float(probe @ power) / 60
        assert found.weights @ found.nodes**degree == pytest.approx(expected, rel=1e-9)
        power = matrix @ power
    assert abs(found.weights @ found.nodes**6 / (float(probe @ power) / 60) - 1) > 1e-6


def test_all_probes_and_all_steps_give_the_density_itself() -> None:
    eigenvalues = torch.tensor([4.0, 1.5, 1.4, 0.2, 0.0, -1.0], dtype=torch.float64)
    matrix = matrix_with(eigenvalues)
    every = [torch.tensor(s, dtype=torch.float64) for s in itertools.product((-1.0, 1.0), repeat=6)]
    quadratures = [quadrature(after(6, matrix, probe)) for probe in every]
    grid = np.linspace(-2, 5, 71)
    found, _ = density(quadratures, grid, 0.3)
    gaussians = np.exp(-0.5 * ((grid[:, None] - eigenvalues.numpy()) / 0.3) ** 2)
    np.testing.assert_allclose(found, gaussians.mean(1) / (0.3 * np.sqrt(2 * np.pi)), atol=1e-12)


def test_the_standard_error_of_a_density_is_that_over_its_probes() -> None:
    matrix = matrix_with(network_like())
    quadratures = [quadrature(after(10, matrix, probe)) for probe in signs(0, 5, 60)]
    grid = np.linspace(-10, 50, 20)
    each = [density([one], grid, 2.0)[0] for one in quadratures]
    mean, error = density(quadratures, grid, 2.0)
    np.testing.assert_allclose(mean, np.mean(each, 0))
    np.testing.assert_allclose(error, np.std(each, 0, ddof=1) / np.sqrt(5))
    assert np.isnan(density(quadratures[:1], grid, 2.0)[1]).all()


def test_no_eigenvector_has_more_of_the_start_than_the_bound() -> None:
    eigenvalues = network_like()
    matrix = matrix_with(eigenvalues)
    values, vectors = torch.linalg.eigh(matrix)
    (probe,) = signs(0, 1, 60)
    components = (vectors.T @ probe).abs() / probe.norm()
    lanczos = Lanczos(matrix.mv, probe)
    before = np.ones(60)
    for _ in range(9):
        lanczos.step()
        bounds = np.array([lanczos.most_of_start(value) for value in values.tolist()])
        assert np.all(components.numpy() <= bounds * (1 + 1e-5))
        assert np.all(bounds <= before)
        before = bounds
    # Where there is no eigenvalue, there is soon no room for one; at those found there is.
    assert lanczos.most_of_start(35.0) < 1e-5
    np.testing.assert_allclose(before[-3:], components[-3:].numpy(), rtol=1e-3)
