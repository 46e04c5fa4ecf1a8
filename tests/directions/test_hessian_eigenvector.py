"""Gradients and Hessian eigenvectors against dense derivatives and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

import pysclice as ps
from pysclice.core.eigenpairs import eigenpairs
from pysclice.core.parameters import norm
from pysclice.directions.random import normal
from tests.models import quadratic_surface


def small_surface() -> tuple[ps.LossSurface, np.ndarray[Any, np.dtype[np.float64]]]:
    """A trained-looking network in float64 and its dense Hessian by torch.func."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    x, y = torch.randn(50, 4, dtype=torch.float64), torch.randint(0, 3, (50,))
    batches = [(x[:20], y[:20]), (x[20:], y[20:])]
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), batches)
    names = list(surface.parameters())
    shapes = [surface.parameters()[n].shape for n in names]

    def loss(flat: Tensor) -> Tensor:
        parts = flat.split([s.numel() for s in shapes])
        tensors = {n: p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        return nn.functional.cross_entropy(functional_call(model, tensors, (x,)), y)

    at = torch.cat([t.reshape(-1) for t in surface.parameters().values()])
    return surface, jacrev(jacrev(loss))(at).numpy()


def flat(direction: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.concatenate([t.reshape(-1).double().numpy() for t in direction.values()])


def test_products_are_those_of_the_dense_hessian() -> None:
    surface, dense = small_surface()
    parameters = surface.parameters()
    direction = {name: normal(5, name, t).double() for name, t in parameters.items()}
    product = surface.hessian_product(parameters, direction)
    np.testing.assert_allclose(flat(product), dense @ flat(direction), rtol=1e-9, atol=1e-12)
    # A direction that leaves parameters out does not move them.
    some = {"0.weight": direction["0.weight"]}
    whole = some | {n: torch.zeros_like(t) for n, t in direction.items() if n not in some}
    product = surface.hessian_product(parameters, some)
    np.testing.assert_allclose(flat(product), dense @ flat({n: whole[n] for n in parameters}))


@pytest.mark.parametrize("which", ["largest", "smallest", "magnitude"])
def test_eigenpairs_are_those_of_the_dense_hessian(which: Any) -> None:
    surface, dense = small_surface()
    values, vectors = np.linalg.eigh(dense)
    keys = {"largest": -values, "smallest": values, "magnitude": -np.abs(values)}
    order = np.argsort(keys[which])
    parameters = surface.parameters()
    start = {name: normal(0, name, t).double() for name, t in parameters.items()}
    found = eigenpairs(surface, parameters, start, 4, which, tolerance=1e-8)
    for place, pair in zip(order, found, strict=False):
        assert pair.value == pytest.approx(values[place], rel=1e-6, abs=1e-9)
        assert abs(flat(pair.vector) @ vectors[:, place]) == pytest.approx(1.0, abs=1e-5)
        assert norm(pair.vector) == pytest.approx(1.0, abs=1e-9)
        defect = dense @ flat(pair.vector) - pair.value * flat(pair.vector)
        assert float(np.linalg.norm(defect)) == pytest.approx(pair.residual, abs=1e-8)
        assert flat(pair.vector) @ flat(start) > 0


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_slice_along_an_eigenvector_curves_by_its_eigenvalue(index: int) -> None:
    surface, dense = small_surface()
    line = surface.slice(ps.Line(ps.HessianEigenvector(index), span=(-0.1, 0.1), samples=21))
    value = np.linalg.eigvalsh(dense)[::-1][index]
    coordinates = line.axes[0].coordinates
    fit = np.polynomial.Polynomial.fit(coordinates, line.losses[0, 0].astype("f8"), 4)
    assert 2 * fit.convert().coef[2] == pytest.approx(value, rel=1e-2)
    assert line.notes[f"eigenvector {index}"]["eigenvalue"] == pytest.approx(value, rel=1e-4)
    assert line.axes[0].length == pytest.approx(1.0, rel=1e-6)
    assert line.method == "Hessian eigenvector"


def test_a_plane_of_two_eigenvectors_iterates_once(monkeypatch: pytest.MonkeyPatch) -> None:
    surface, _ = small_surface()
    products: list[int] = []
    plain = ps.LossSurface.hessian_product

    def counted(self: Any, *arguments: Any) -> Any:
        products.append(1)
        return plain(self, *arguments)

    monkeypatch.setattr(ps.LossSurface, "hessian_product", counted)
    plane = surface.slice(ps.Plane(ps.HessianEigenvector(0), ps.HessianEigenvector(1), samples=3))
    assert len(products) == plane.notes["eigenvector 0"]["products"]
    assert abs(plane.notes["cosine"]) < 1e-6


def test_the_whole_spectrum_of_a_quadratic_form_is_found() -> None:
    surface, model = quadratic_surface(size=6)
    parameters = surface.parameters()
    start = {"w": normal(0, "w", parameters["w"]).double()}
    found = eigenpairs(surface, parameters, start, 6, tolerance=1e-12)
    expected = torch.linalg.eigvalsh(model.matrix).flip(0)
    np.testing.assert_allclose([p.value for p in found], expected.numpy(), rtol=1e-8)


def test_the_same_eigenvector_comes_out_each_time() -> None:
    surface, _ = small_surface()
    parameters = surface.parameters()
    first = ps.HessianEigenvector(0)(surface, parameters)
    second = ps.HessianEigenvector(0)(surface, parameters)
    assert all(torch.equal(first[n], second[n]) for n in first)


def test_gradients_point_uphill() -> None:
    surface, _ = small_surface()
    line = surface.slice(ps.Line(ps.Gradient(), span=(-1e-2, 1e-2), samples=3))
    slope = (line.losses[0, 0, 2] - line.losses[0, 0, 0]) / 2e-2
    gradient = surface.gradient(surface.parameters())
    assert slope == pytest.approx(norm(gradient), rel=1e-3)
    step = surface.slice(ps.Line(ps.Gradient("none"), span=(-1, 1), samples=3))
    assert step.axes[0].length == pytest.approx(norm(gradient))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ps.HessianEigenvector(-1), "counted from 0"),
        (lambda: ps.HessianEigenvector(0, "top"), "expected 'largest'"),
        (lambda: ps.Gradient("weights"), "expected one of"),
    ],
)
def test_bad_recipes_get_a_sentence(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_loss_without_curvature_has_none() -> None:
    model = nn.Linear(3, 1)
    data = torch.randn(5, 3), torch.zeros(5, 1)
    surface = ps.LossSurface(model, lambda outputs, targets: outputs.mean(), data)
    line = surface.slice(ps.Line(ps.HessianEigenvector(0), samples=3))
    assert line.notes["eigenvector 0"]["eigenvalue"] == 0.0
