"""Eigenpairs against dense matrices and against scipy's eigsh on curvlinops' operators."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

import pysclice as ps
from pysclice.core.curvature_matrix import CurvatureMatrix
from pysclice.core.eigenpairs import eigenpairs
from pysclice.core.lanczos import Lanczos
from pysclice.core.parameters import Parameters
from pysclice.directions.random import normal


def drawn(parameters: Parameters, seed: int = 0) -> Parameters:
    return {name: normal(seed, name, t) for name, t in parameters.items()}


def flat(direction: Parameters) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.concatenate([t.reshape(-1).double().numpy() for t in direction.values()])


def small_network() -> tuple[ps.LossSurface, nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 3))
    x, y = torch.randn(80, 5), torch.randint(0, 3, (80,))
    return ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y)), model, x, y


def dense(model: nn.Module, x: Tensor, y: Tensor, matrix: str) -> Any:
    """The matrix in float64, by torch.func."""
    named = {n: p.detach().double() for n, p in model.named_parameters()}
    sizes = [t.numel() for t in named.values()]

    def outputs(vector: Tensor) -> Tensor:
        parts = zip(named.items(), vector.split(sizes), strict=True)
        tensors = {n: part.reshape(t.shape) for (n, t), part in parts}
        return functional_call(model, tensors, (x.double(),))

    def loss(logits: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits.reshape(len(x), -1), y)

    at = torch.cat([t.reshape(-1) for t in named.values()])
    if matrix == "Hessian":
        return jacrev(jacrev(lambda vector: loss(outputs(vector))))(at).numpy()
    jacobian = jacrev(lambda vector: outputs(vector).reshape(-1))(at)
    middle = jacrev(jacrev(loss))(outputs(at).reshape(-1))
    return (jacobian.T @ middle @ jacobian).numpy()


@pytest.mark.parametrize("matrix", ["Hessian", "Gauss-Newton"])
@pytest.mark.parametrize("which", ["largest", "magnitude"])
def test_networks_in_float32_have_the_eigenpairs_of_float64(matrix: Any, which: Any) -> None:
    surface, model, x, y = small_network()
    truth = dense(model, x, y, matrix)
    values, vectors = np.linalg.eigh(truth)
    order = np.argsort(-np.abs(values) if which == "magnitude" else -values)
    parameters = surface.parameters()
    found = eigenpairs(surface, parameters, drawn(parameters), 4, which, 1e-5, matrix=matrix)
    scale = float(np.abs(values).max())
    for place, pair in zip(order, found, strict=False):
        assert pair.value == pytest.approx(values[place], rel=1e-4)
        vector = flat(pair.vector)
        assert abs(vector @ vectors[:, place]) == pytest.approx(1.0, abs=1e-4)
        # The residual is what it says, to the rounding of products in float32.
        defect = float(np.linalg.norm(truth @ vector - pair.value * vector))
        assert pair.residual == pytest.approx(defect, abs=2e-6 * scale)
        assert pair.residual <= 2e-5 * scale


def test_residuals_tell_what_low_precision_has_spoiled() -> None:
    _, model, x, y = small_network()
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y), autocast=torch.bfloat16)
    truth = dense(model, x, y, "Hessian")
    parameters = surface.parameters()
    pair = eigenpairs(surface, parameters, drawn(parameters), tolerance=1e-6, products=40)[0]
    multiply = CurvatureMatrix(surface, parameters)
    vector = multiply.flat(pair.vector)
    defect = torch.linalg.vector_norm(multiply(vector) - pair.value * vector)
    assert pair.residual == pytest.approx(float(defect), rel=1e-3)
    assert pair.residual > 1e-5 * pair.value  # far above the tolerance, and it says so
    assert pair.value == pytest.approx(np.linalg.eigvalsh(truth)[-1], rel=0.05)


def test_products_are_counted() -> None:
    surface, *_ = small_network()
    parameters = surface.parameters()
    found = eigenpairs(surface, parameters, drawn(parameters), 2, products=7)
    assert [pair.products for pair in found] == [9, 9]


@pytest.mark.parametrize(("count", "products"), [(0, 10), (3, 2), (200, 500)])
def test_impossible_counts_are_refused(count: int, products: int) -> None:
    surface, *_ = small_network()
    parameters = surface.parameters()
    with pytest.raises(ValueError, match="eigenpairs were asked for"):
        eigenpairs(surface, parameters, drawn(parameters), count, products=products)


def test_a_diverged_loss_is_told() -> None:
    surface, *_ = small_network()
    parameters = {n: t * torch.inf for n, t in surface.parameters().items()}
    with pytest.raises(ValueError, match="not finite here"):
        eigenpairs(surface, parameters, drawn(parameters))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_basis_stays_orthonormal_and_the_recurrence_holds(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    root, _ = torch.linalg.qr(torch.randn(90, 90, generator=generator, dtype=torch.float64))
    # A few eigenvalues far out, found at once: where copies appear without orthogonalization.
    values = torch.cat([torch.tensor([1e3, 8e2, -5e2]), torch.rand(87, generator=generator)])
    matrix = (root * values.double()) @ root.T
    matrix = ((matrix + matrix.T) / 2).to(dtype)
    lanczos = Lanczos(matrix.mv, torch.randn(90, generator=generator, dtype=dtype))
    rounding = 90 * torch.finfo(dtype).eps
    for _ in range(60):
        lanczos.step()
    basis = torch.stack(lanczos.basis, 1)
    assert lanczos.next is not None
    torch.testing.assert_close(basis.T @ basis, torch.eye(60, dtype=dtype), rtol=0, atol=rounding)
    edge = torch.zeros(90, 60, dtype=dtype)
    edge[:, -1] = lanczos.length * lanczos.next
    expected = basis @ torch.tensor(lanczos.tridiagonal, dtype=dtype) + edge
    torch.testing.assert_close(matrix @ basis, expected, rtol=0, atol=1e3 * rounding)
    ritz = lanczos.ritz()
    assert int(np.sum(ritz.values > 700)) == 2


def test_a_complete_space_ends_the_iteration() -> None:
    matrix = torch.diag(torch.tensor([3.0, 3.0, 1.0, 0.0]))
    lanczos = Lanczos(matrix.mv, torch.ones(4))
    while lanczos.next is not None:
        lanczos.step()
    np.testing.assert_allclose(lanczos.ritz().values, [0.0, 1.0, 3.0], atol=1e-6)
    assert lanczos.length == 0.0


@functools.cache
def large_network() -> tuple[nn.Module, Tensor, Tensor]:
    """About 100,000 parameters in float32, trained for a while on handwritten digits."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    x = torch.tensor(images[:256] / 16, dtype=torch.float32)
    y = torch.tensor(classes[:256])
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 300), nn.Tanh(), nn.Linear(300, 256), nn.Tanh(), nn.Linear(256, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for step in range(40):
        batch = slice(64 * (step % 4), 64 * (step % 4 + 1))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()
    return model, x, y


# curvlinops differentiates forward, for which torch loads its own deprecated scripts.
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("matrix", ["Hessian", "Gauss-Newton"])
def test_a_large_network_has_the_eigenpairs_that_scipy_finds(matrix: Any) -> None:
    from curvlinops import GGNLinearOperator, HessianLinearOperator
    from scipy.sparse.linalg import eigsh

    model, x, y = large_network()
    operator = {"Hessian": HessianLinearOperator, "Gauss-Newton": GGNLinearOperator}[matrix]
    theirs = operator(
        model,
        nn.CrossEntropyLoss(),
        list(model.parameters()),
        [(x, y)],
        check_deterministic=False,
    ).to_scipy()
    begin = np.random.default_rng(1).standard_normal(theirs.shape[0]).astype("f4")
    values, vectors = eigsh(theirs, k=5, which="LA", v0=begin, tol=1e-5)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y))
    parameters = surface.parameters()
    assert 95_000 < len(flat(parameters)) < 105_000
    found = eigenpairs(surface, parameters, drawn(parameters), 4, matrix=matrix)
    for place, pair in enumerate(found):
        theirs_at = -1 - place
        assert pair.value == pytest.approx(values[theirs_at], rel=1e-4)
        assert pair.residual <= 1.1e-4 * found[0].value
        gap = np.abs(np.delete(values, theirs_at + 5) - pair.value).min()
        assert pair.residual < 0.02 * gap  # the sine of the angle is at most their ratio
        assert abs(flat(pair.vector) @ vectors[:, theirs_at]) > 0.999
