"""Gradients and Hessian eigenvectors against dense derivatives and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

import pysclice as ps
from pysclice import measures
from pysclice.core.eigenpairs import eigenpairs
from pysclice.core.parameters import Parameters, dot, norm
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


@pytest.mark.parametrize(
    ("index", "which"), [(0, "largest"), (1, "largest"), (2, "largest"), (0, "smallest")]
)
def test_a_slice_along_an_eigenvector_curves_by_its_eigenvalue(index: int, which: Any) -> None:
    surface, dense = small_surface()
    direction = ps.HessianEigenvector(index, which)
    line = surface.slice(ps.Line(direction, span=(-0.2, 0.2), samples=25))
    values = np.linalg.eigvalsh(dense)
    value = values[index] if which == "smallest" else values[::-1][index]
    assert measures.curvature(line).value == pytest.approx(value, rel=1e-2)
    notes = line.notes[direction.name]
    assert notes["eigenvalue"] == pytest.approx(value, rel=1e-4)
    assert (notes["warm_start"], notes["overlap"]) == (False, None)
    assert line.axes[0].length == pytest.approx(1.0, rel=1e-6)
    assert line.method == "Hessian eigenvector"


def test_a_slice_along_a_gauss_newton_eigenvector_curves_by_its_eigenvalue() -> None:
    """Where the model is linear in its parameters, the two matrices are one."""
    torch.manual_seed(0)
    model = nn.Linear(6, 3).double()
    x, y = torch.randn(50, 6, dtype=torch.float64), torch.randint(0, 3, (50,))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y))
    for index in range(3):
        direction = ps.HessianEigenvector(index, matrix="Gauss-Newton")
        line = surface.slice(ps.Line(direction, span=(-0.2, 0.2), samples=25))
        found = line.notes[f"Gauss-Newton eigenvector {index}"]["eigenvalue"]
        assert measures.curvature(line).value == pytest.approx(found, rel=1e-2)
        hessian = surface.slice(ps.Line(ps.HessianEigenvector(index), samples=3))
        assert hessian.notes[f"eigenvector {index}"]["eigenvalue"] == pytest.approx(found, rel=1e-6)
        assert line.method == "Gauss-Newton eigenvector"
        assert "generalized Gauss-Newton matrix" in line.axes[0].description


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


def test_without_a_warm_start_the_same_bits_come_out_each_time() -> None:
    surface, _ = small_surface()
    direction = ps.HessianEigenvector(0, warm_start=False)
    first, second = (surface.slice(ps.Line(direction, samples=3)) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert second.notes["eigenvector 0"]["overlap"] is None
    assert not surface.kept


def trained(surface: ps.LossSurface, batch: tuple[Tensor, Tensor], steps: int) -> None:
    """Some steps of gradient descent."""
    optimizer = torch.optim.SGD(surface.model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(surface.model(batch[0]), batch[1]).backward()
        optimizer.step()


@pytest.mark.parametrize("index", [0, 2])
def test_a_warm_start_takes_fewer_products_and_keeps_the_sign(index: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 60), nn.Tanh(), nn.Linear(60, 5))
    x = torch.randn(100, 20)
    batch = x, (x @ torch.randn(20, 5)).argmax(1)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), batch)
    trained(surface, batch, 20)
    warm = ps.HessianEigenvector(index)
    cold = ps.HessianEigenvector(index, warm_start=False)
    taken: dict[bool, int] = {True: 0, False: 0}
    before: Parameters | None = None
    for step in range(6):
        parameters = surface.parameters()
        found: dict[bool, Any] = {}
        for direction in (cold, warm):
            line = surface.slice(ps.Line(direction, samples=3))
            notes = found[direction.warm_start] = line.notes[f"eigenvector {index}"]
            assert notes["warm_start"] == (direction.warm_start and step > 0)
            if step:
                taken[direction.warm_start] += notes["products"]
        assert found[True]["eigenvalue"] == pytest.approx(found[False]["eigenvalue"], rel=1e-4)
        (kept,) = surface.kept.values()
        top = kept.vectors[0]
        largest = float(dot(surface.hessian_product(parameters, top), top))
        assert found[True]["residual"] <= 1.1e-4 * largest
        now = kept.vectors[index]
        if before is not None:
            cosine = dot(now, before)
            assert cosine > 0
            assert found[True]["overlap"] == pytest.approx(cosine, abs=1e-6)
        before = now
        trained(surface, batch, 2)
    assert taken[True] < 0.95 * taken[False]
    # What is held does not grow with the steps.
    assert len(kept.vectors) == max(index + 1, 2)


class Diagonal(nn.Module):
    """The loss ``0.5 * sum of curvatures * w**2``: eigenvectors are the coordinates."""

    def __init__(self, curvatures: Tensor) -> None:
        super().__init__()
        self.register_buffer("curvatures", curvatures)
        self.w = nn.Parameter(torch.zeros(len(curvatures)))

    def forward(self, inputs: Tensor) -> Tensor:
        return 0.5 * (self.curvatures * self.w.square()).sum().expand(len(inputs))


@pytest.mark.parametrize(("value", "place"), [(30.0, 0), (10.5, 0), (9.5, 1), (8.5, 2)])
def test_a_warm_start_misses_nothing_that_has_come_up(value: float, place: int) -> None:
    """The previous eigenvectors stay exact, so that only the drawn half knows of the new one."""
    curvatures = torch.rand(100_000, generator=torch.Generator().manual_seed(0))
    curvatures[:4] = torch.tensor([10.0, 9.0, 8.0, 7.0])
    model = Diagonal(curvatures)
    data = torch.zeros(1, 1), torch.zeros(1)
    surface = ps.LossSurface(model, lambda outputs, targets: outputs.mean(), data)

    def found() -> list[Any]:
        first, second, third = map(ps.HessianEigenvector, range(3))
        plane = surface.slice(ps.Plane(first, second, samples=3))
        line = surface.slice(ps.Line(third, samples=3))
        return [plane.notes[first.name], plane.notes[second.name], line.notes[third.name]]

    assert [n["eigenvalue"] for n in found()] == pytest.approx([10.0, 9.0, 8.0], rel=1e-5)
    with torch.no_grad():
        model.curvatures[77_777] = value
    expected = sorted([10.0, 9.0, 8.0, value], reverse=True)[:3]
    notes = found()
    assert [n["eigenvalue"] for n in notes] == pytest.approx(expected, rel=1e-5)
    assert all(n["warm_start"] for n in notes)
    assert notes[place]["overlap"] < 1e-3  # it has nothing to do with what was there before


def test_other_shapes_and_smaller_spaces_start_cold() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    surface = ps.LossSurface(
        model, nn.CrossEntropyLoss(), (torch.randn(20, 4), torch.randint(0, 3, (20,)))
    )
    slicer = ps.Line(ps.HessianEigenvector(0), samples=3)
    surface.slice(slicer)
    model[0].bias.requires_grad_(False)
    assert not surface.slice(slicer).notes["eigenvector 0"]["warm_start"]
    assert surface.slice(slicer).notes["eigenvector 0"]["warm_start"]
    model[0], model[2] = nn.Linear(4, 6), nn.Linear(6, 3)
    assert not surface.slice(slicer).notes["eigenvector 0"]["warm_start"]


def test_the_axes_of_a_plane_start_warm_together() -> None:
    surface, _ = small_surface()
    slicer = ps.Plane(ps.HessianEigenvector(0), ps.HessianEigenvector(1), samples=3)
    first, second = surface.slice(slicer), surface.slice(slicer)
    for name in ("eigenvector 0", "eigenvector 1"):
        assert first.notes[name]["overlap"] is None
        assert second.notes[name]["overlap"] == pytest.approx(1.0, abs=1e-6)
    assert len(surface.kept) == 1


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
        (lambda: ps.HessianEigenvector(0, matrix="Fisher"), "expected one of"),
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
