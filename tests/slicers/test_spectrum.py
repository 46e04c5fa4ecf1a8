"""Spectra against the dense matrices of small networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

import pysclice as ps
from pysclice.core.parameters import Parameters
from tests.models import QuadraticForm, quadratic_surface

Matrix = np.ndarray[Any, np.dtype[np.float64]]


def small_surface() -> tuple[ps.LossSurface, dict[str, Matrix]]:
    """A small network in float64, and its dense matrices by torch.func."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    x = torch.randn(60, 4, dtype=torch.float64)
    y = (x @ torch.randn(4, 3, dtype=torch.float64)).argmax(1)
    named = {n: p.detach() for n, p in model.named_parameters()}
    sizes = [t.numel() for t in named.values()]

    def outputs(vector: Tensor) -> Tensor:
        parts = zip(named.items(), vector.split(sizes), strict=True)
        tensors = {n: part.reshape(t.shape) for (n, t), part in parts}
        return functional_call(model, tensors, (x,)).reshape(-1)

    def loss(logits: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits.reshape(60, 3), y)

    at = torch.cat([t.reshape(-1) for t in named.values()])
    jacobian = jacrev(outputs)(at)
    dense = {
        "Hessian": jacrev(jacrev(lambda vector: loss(outputs(vector))))(at).numpy(),
        "Gauss-Newton": (jacobian.T @ jacrev(jacrev(loss))(outputs(at)) @ jacobian).numpy(),
    }
    return ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y)), dense


def area(values: Any, grid: Matrix) -> float:
    """Integral over a regular grid of what is zero at its ends."""
    return float(np.sum(values, dtype="f8") * (grid[1] - grid[0]))


@pytest.mark.parametrize("matrix", ["Hessian", "Gauss-Newton"])
def test_the_spectrum_is_that_of_the_dense_matrix(matrix: Any) -> None:
    surface, dense = small_surface()
    eigenvalues = np.linalg.eigvalsh(dense[matrix])
    size = len(eigenvalues)
    slicer = ps.Spectrum(count=4, probes=12, steps=size, width=0.02, matrix=matrix, tolerance=1e-8)
    spectrum = surface.slice(slicer)
    assert (spectrum.kind, spectrum.method) == ("spectrum", f"{matrix} spectrum")
    grid, found = spectrum.axes[0].coordinates, spectrum.losses[0, 0].astype("f8")
    width = spectrum.notes["kernel_width"]
    assert area(found, grid) == pytest.approx(1.0, abs=1e-5)
    assert width == pytest.approx(0.02 * np.ptp(eigenvalues), rel=1e-6)
    assert grid[0] < eigenvalues[0] - 4 * width
    assert grid[-1] > eigenvalues[-1] + 4 * width

    # The same kernel on the true eigenvalues, within the standard errors over the probes.
    kernel = np.exp(-0.5 * ((grid[:, None] - eigenvalues) / width) ** 2)
    expected = kernel.mean(1) / (width * np.sqrt(2 * np.pi))
    errors = spectrum.errors["train/loss"][0, 0]
    apart = np.abs(found - expected)
    assert np.all(apart < 4.5 * errors + 1e-4 * expected.max())
    step = grid[1] - grid[0]
    assert np.abs(np.cumsum(found - expected)).max() * step < 0.03

    # Moments; the kernel adds its own variance to the second.
    truth = [eigenvalues.mean(), (eigenvalues**2).mean() + width**2]
    spread = np.sqrt(np.sum((errors * step) ** 2))
    for degree, moment in enumerate(truth, start=1):
        estimated = area(found * grid**degree, grid)
        assert estimated == pytest.approx(moment, abs=0.1 * moment + spread)

    np.testing.assert_allclose(spectrum.notes["eigenvalues"], eigenvalues[::-1][:4], rtol=1e-8)
    assert max(spectrum.notes["residuals"]) < 1e-7
    assert spectrum.notes["trace"] == pytest.approx(eigenvalues.sum(), rel=1e-8)  # whole space
    assert spectrum.center["train/loss"][0] == pytest.approx(
        surface(surface.parameters())["train/loss"]
    )


@pytest.mark.parametrize("trace", ["hutch++", "hutchinson"])
def test_few_steps_give_trace_and_largest_eigenvalues(trace: Any) -> None:
    surface, dense = small_surface()
    eigenvalues = np.linalg.eigvalsh(dense["Hessian"])
    within = []
    for seed in range(5):
        slicer = ps.Spectrum(count=2, probes=5, steps=6, products=30, trace=trace, seed=seed)
        notes = surface.slice(slicer).notes
        within.append(abs(notes["trace"] - eigenvalues.sum()) < 2 * notes["trace_error"])
        np.testing.assert_allclose(notes["eigenvalues"], eigenvalues[::-1][:2], rtol=1e-3)
        assert max(notes["residuals"]) <= 1.1e-3 * np.abs(eigenvalues).max()
    assert sum(within) >= 3


def test_products_are_counted_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    surface, _ = small_surface()
    taken: list[int] = []
    plain = ps.LossSurface.hessian_product

    def counted(self: Any, *arguments: Any) -> Any:
        taken.append(1)
        return plain(self, *arguments)

    monkeypatch.setattr(ps.LossSurface, "hessian_product", counted)
    slicer = ps.Spectrum(count=3, probes=4, steps=5, products=20)
    spectrum = surface.slice(slicer)
    assert spectrum.notes["products"] == len(taken)
    assert spectrum.evaluations == len(taken) + 1
    assert 4 * 5 + 3 <= len(taken) < slicer.evaluations == 20 + 3 + 3 * 5 + 1


def test_the_record_goes_through_bytes_and_json() -> None:
    surface, _ = small_surface()
    spectrum = surface.slice(ps.Spectrum(probes=3, steps=4), series="spectrum", step=7)
    assert ps.Slice.from_bytes(spectrum.to_bytes()) == spectrum
    assert json.loads(json.dumps(dict(spectrum.notes), allow_nan=False)) == dict(spectrum.notes)
    assert spectrum.axes[0].name == "eigenvalue"
    assert spectrum.shape == (1, 1, 257)
    assert spectrum.coarsen(2).shape == (1, 1, 129)
    expected = {"eigenvalues", "residuals", "trace", "trace_error", "matrix", "probes", "steps"}
    assert set(spectrum.notes) == expected | {"products", "kernel_width", "evaluation"}
    assert spectrum.notes["eigenvalues"] == sorted(spectrum.notes["eigenvalues"], reverse=True)


def test_a_seed_gives_the_same_bits_and_another_seed_others() -> None:
    surface, _ = small_surface()
    state = torch.get_rng_state()
    first, again, other = (
        surface.slice(ps.Spectrum(probes=3, steps=4, seed=seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.losses, again.losses)
    assert not np.array_equal(first.losses, other.losses)
    assert torch.equal(torch.get_rng_state(), state)
    # Axes of one matrix compare, though each reaches as far as its own eigenvalues.
    assert first.fingerprint == other.fingerprint
    positive = surface.slice(ps.Spectrum(probes=3, steps=4, matrix="Gauss-Newton"))
    assert positive.fingerprint != first.fingerprint


def twice(surface: ps.LossSurface, parameters: Parameters) -> Parameters:
    return {name: 2 * tensor for name, tensor in parameters.items()}


def test_focus_points_share_an_axis() -> None:
    surface, _ = small_surface()
    both = surface.slice(ps.Spectrum(count=2, probes=3, steps=4, focus_points=(ps.here, twice)))
    assert both.shape == (2, 1, 257)
    assert both.focus_points == ("current parameters", "twice")
    step = float(np.diff(both.axes[0].coordinates[:2])[0])
    np.testing.assert_allclose(both.losses.sum(-1) * step, 1.0, atol=1e-4)
    alone = surface.slice(
        ps.Spectrum(count=2, probes=3, steps=4), twice(surface, surface.parameters())
    )
    assert both.notes["eigenvalues"][1] == alone.notes["eigenvalues"]
    assert both.notes["trace"][1] == alone.notes["trace"]
    assert both.center["train/loss"][1] == alone.center["train/loss"][0]
    assert both.evaluations == both.notes["products"] + 2


def test_a_quadratic_form_has_the_spectrum_of_its_matrix() -> None:
    surface, model = quadratic_surface(size=5)
    expected = torch.linalg.eigvalsh(model.matrix).flip(0).numpy()
    notes = surface.slice(ps.Spectrum(count=9, tolerance=1e-10)).notes
    np.testing.assert_allclose(notes["eigenvalues"], expected, rtol=1e-8)
    assert notes["trace"] == pytest.approx(float(expected.sum()))
    assert notes["trace_error"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_a_matrix_with_one_eigenvalue(value: float) -> None:
    size = 4
    model = QuadraticForm(value * torch.eye(size), torch.zeros(size), torch.ones(size))
    data = torch.zeros(3, 1), torch.zeros(3)
    surface = ps.LossSurface(model, lambda outputs, targets: outputs.mean(), data)
    spectrum = surface.slice(ps.Spectrum(trace="hutchinson"))
    grid = spectrum.axes[0].coordinates
    assert grid[0] < value < grid[-1]
    assert area(spectrum.losses[0, 0], grid) == pytest.approx(1.0, abs=1e-4)
    assert spectrum.notes["eigenvalues"] == pytest.approx([value], abs=1e-6)
    assert spectrum.notes["trace"] == pytest.approx(value * size, abs=1e-6)


def test_a_logger_writes_spectra(tmp_path: Path) -> None:
    surface, _ = small_surface()
    with ps.SliceLogger(tmp_path, surface, {"spectrum": ps.Spectrum(probes=3, steps=4)}) as logger:
        logger.log(0)
        with torch.no_grad():
            for parameter in surface.model.parameters():
                parameter.mul_(2.0)
        logger.log(1)
    (run,) = ps.read_slices(tmp_path).values()
    first, second = run["spectrum"][0], run["spectrum"][1]
    assert first.kind == second.kind == "spectrum"
    assert first.fingerprint == second.fingerprint
    assert first.axes[0].coordinates[-1] != second.axes[0].coordinates[-1]


def test_a_diverged_loss_is_told() -> None:
    surface, _ = small_surface()
    parameters = {n: t * torch.inf for n, t in surface.parameters().items()}
    with pytest.raises(ValueError, match="not finite here"):
        surface.slice(ps.Spectrum(), parameters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count is 0"),
        ({"probes": 2}, "at least 3"),
        ({"probes": 1, "trace": "hutchinson"}, "at least 2"),
        ({"steps": 1}, "steps is 1"),
        ({"steps": 2.5}, "whole number"),
        ({"width": 0.0}, "between 0 and 1"),
        ({"samples": 65}, "at least 111"),
        ({"matrix": "Fisher"}, "expected one of"),
        ({"trace": "exact"}, "expected 'hutch\\+\\+'"),
    ],
)
def test_bad_recipes_get_a_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ps.Spectrum(**options)
