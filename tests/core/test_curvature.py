"""Products with the Gauss-Newton matrix against dense matrices by torch.func and by curvlinops."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

import pysclice as ps
from pysclice.core.curvature_matrix import CurvatureMatrix
from pysclice.core.parameters import Parameters
from pysclice.directions.random import normal
from tests.models import SmallConvNet, images

Matrix = np.ndarray[Any, np.dtype[np.float64]]


def tanh_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def examples(count: int = 50) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, classes and numbers to regress on."""
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(count, 4, generator=generator, dtype=torch.float64),
        torch.randint(0, 3, (count,), generator=generator),
        torch.randn(count, 3, generator=generator, dtype=torch.float64),
    )


def function_of(model: nn.Module, inputs: Any) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The outputs as a function of the flat parameters, and these."""
    named = {n: p.detach() for n, p in model.named_parameters()}

    def outputs(flat: Tensor) -> Tensor:
        parts = flat.split([t.numel() for t in named.values()])
        tensors = {
            n: part.reshape(t.shape) for (n, t), part in zip(named.items(), parts, strict=True)
        }
        return functional_call(model, tensors, (inputs,))

    return outputs, torch.cat([t.reshape(-1) for t in named.values()])


def dense_gauss_newton(model: nn.Module, inputs: Any, loss: Callable[[Tensor], Tensor]) -> Matrix:
    outputs, at = function_of(model, inputs)
    shape = outputs(at).shape
    jacobian = jacrev(lambda flat: outputs(flat).reshape(-1))(at)
    middle = jacrev(jacrev(lambda z: loss(z.reshape(shape))))(outputs(at).reshape(-1))
    return (jacobian.T @ middle @ jacobian).detach().numpy()


def dense_by_products(surface: ps.LossSurface, matrix: Any = "Gauss-Newton") -> Matrix:
    multiply = CurvatureMatrix(surface, surface.parameters(), matrix)
    like = multiply.flat(surface.parameters())
    return torch.stack(
        [multiply(row) for row in torch.eye(multiply.size, dtype=like.dtype)]
    ).numpy()


def random_direction(parameters: Parameters, seed: int = 3) -> Parameters:
    return {n: normal(seed, n, t).to(t.dtype) for n, t in parameters.items()}


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(),
        nn.CrossEntropyLoss(reduction="sum"),
        nn.MSELoss(),
        nn.MSELoss(reduction="sum"),
        nn.HuberLoss(),
    ],
    ids=lambda loss: f"{type(loss).__name__}-{loss.reduction}",
)
def test_products_are_those_of_the_dense_matrix(loss: nn.Module) -> None:
    model = tanh_network()
    x, classes, numbers = examples()
    y = classes if isinstance(loss, nn.CrossEntropyLoss) else numbers
    surface = ps.LossSurface(model, loss, [(x[:20], y[:20]), (x[20:], y[20:])])
    dense = dense_gauss_newton(model, x, lambda outputs: loss(outputs, y))
    found = dense_by_products(surface)
    np.testing.assert_allclose(found, dense, rtol=1e-9, atol=1e-12 * np.abs(dense).max())
    np.testing.assert_allclose(found, found.T, atol=1e-12 * np.abs(dense).max())
    assert np.linalg.eigvalsh(found).min() > -1e-12 * np.abs(dense).max()
    # A direction that leaves parameters out does not move them.
    parameters = surface.parameters()
    some = {"0.weight": random_direction(parameters)["0.weight"]}
    whole = {n: some.get(n, torch.zeros_like(t)) for n, t in parameters.items()}
    for part, all_ in zip(
        surface.gauss_newton_product(parameters, some).values(),
        surface.gauss_newton_product(parameters, whole).values(),
        strict=True,
    ):
        torch.testing.assert_close(part, all_)


def test_of_a_linear_model_it_is_the_hessian() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 3).double()
    x, classes, _ = examples()
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, classes))
    np.testing.assert_allclose(
        dense_by_products(surface), dense_by_products(surface, "Hessian"), atol=1e-14
    )


def test_batch_norm_in_eval_mode_and_convolutions() -> None:
    torch.manual_seed(0)
    model = SmallConvNet().double().eval()
    x, y = images(16)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x.double(), y))
    dense = dense_gauss_newton(model, x.double(), lambda z: nn.functional.cross_entropy(z, y))
    direction = random_direction(surface.parameters())
    flat = torch.cat([t.reshape(-1) for t in direction.values()]).numpy()
    found = surface.gauss_newton_product(surface.parameters(), direction)
    ours = torch.cat([t.reshape(-1) for t in found.values()]).numpy()
    np.testing.assert_allclose(ours, dense @ flat, atol=1e-10)


# curvlinops differentiates forward, for which torch loads its own deprecated scripts.
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_curvlinops_multiplies_alike() -> None:
    from curvlinops import GGNLinearOperator, HessianLinearOperator

    model = tanh_network()
    x, classes, _ = examples()
    batches = [(x[:20], classes[:20]), (x[20:], classes[20:])]
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), batches)
    parameters = surface.parameters()
    direction = random_direction(parameters)
    flat = torch.cat([t.reshape(-1) for t in direction.values()]).numpy()
    for operator, product in (
        (GGNLinearOperator, surface.gauss_newton_product),
        (HessianLinearOperator, surface.hessian_product),
    ):
        theirs = operator(
            model, nn.CrossEntropyLoss(), list(model.parameters()), batches
        ).to_scipy()
        ours = torch.cat([t.reshape(-1) for t in product(parameters, direction).values()])
        np.testing.assert_allclose(ours.numpy(), theirs @ flat, rtol=1e-9, atol=1e-12)


Heads = namedtuple("Heads", ["logits", "shares"])


class Headed(nn.Module):
    """A network whose outputs are of the given form; the second is computed from the first."""

    def __init__(self, form: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Linear(4, 3).double()
        self.form = form

    def forward(self, inputs: Tensor) -> Any:
        logits = self.body(inputs).tanh()
        return self.form(logits, logits.softmax(1))


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        (lambda a, b: (a, b), lambda o: (o[0], o[1])),
        (lambda a, b: [a, {"b": b, "name": "constant"}], lambda o: (o[0], o[1]["b"])),
        (Heads, lambda o: (o.logits, o.shares)),
        (lambda a, b: OrderedDict(a=a, b=b, count=3), lambda o: (o["a"], o["b"])),
    ],
    ids=["tuple", "list of tensor and mapping", "named tuple", "mapping"],
)
def test_outputs_of_every_form(form: Any, parts: Any) -> None:
    model = Headed(form)
    x, classes, numbers = examples()

    def loss(outputs: Any, targets: Tensor) -> Tensor:
        logits, shares = parts(outputs)
        return nn.functional.cross_entropy(logits, targets) + (shares - numbers).square().mean()

    surface = ps.LossSurface(model, loss, (x, classes))
    joined = Headed(lambda a, b: torch.cat([a, b], 1))
    dense = dense_gauss_newton(
        joined,
        x,
        lambda z: (
            nn.functional.cross_entropy(z[:, :3], classes) + (z[:, 3:] - numbers).square().mean()
        ),
    )
    np.testing.assert_allclose(dense_by_products(surface), dense, rtol=1e-9, atol=1e-14)


def test_attention_is_differentiated_twice() -> None:
    torch.manual_seed(0)
    body = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    model = nn.Sequential(body, nn.Flatten(), nn.Linear(24, 3)).double()
    x = torch.randn(6, 3, 8, dtype=torch.float64)
    y = torch.randint(0, 3, (6,))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y))
    parameters = surface.parameters()
    direction = random_direction(parameters)
    step = 1e-5

    def gradient_at(along: float) -> Parameters:
        moved = {n: t + along * direction[n] for n, t in parameters.items()}
        return surface.gradient(moved)

    up, down = gradient_at(step), gradient_at(-step)
    for name, found in surface.hessian_product(parameters, direction).items():
        torch.testing.assert_close(
            found, (up[name] - down[name]) / (2 * step), rtol=1e-4, atol=1e-7
        )
    positive = surface.gauss_newton_product(parameters, direction)
    assert sum(float((positive[n] * direction[n]).sum()) for n in positive) > 0


def test_a_language_model_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=11,
        n_positions=6,
        n_embd=8,
        n_layer=1,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = transformers.GPT2LMHeadModel(config).double().eval()
    tokens = torch.randint(0, 11, (4, 6))

    def loss(outputs: Any, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs.logits[:, :-1].flatten(0, 1), targets.flatten())

    surface = ps.LossSurface(model, loss, (tokens, tokens[:, 1:]))
    parameters = surface.parameters()
    direction = random_direction(parameters)
    product = surface.gauss_newton_product(parameters, direction)
    # v^T J^T H J v from the change of the logits, by differences.
    step, logits = 1e-5, []
    with torch.no_grad():
        for along in (-step, step):
            moved = {n: t + along * direction[n] for n, t in parameters.items()}
            logits.append(functional_call(model, moved, (tokens,)).logits[:, :-1])
    change = (logits[1] - logits[0]) / (2 * step)
    shares = model(tokens).logits[:, :-1].detach().softmax(-1)
    mean = (shares * change).sum(-1)
    expected = ((shares * change.square()).sum(-1) - mean.square()).mean()
    found = sum(float((product[n] * direction[n]).sum()) for n in product)
    assert found == pytest.approx(float(expected), rel=1e-6)


def test_a_loss_linear_in_the_outputs_has_none() -> None:
    model = tanh_network()
    x, classes, _ = examples()
    surface = ps.LossSurface(model, lambda outputs, targets: outputs.mean(), (x, classes))
    parameters = surface.parameters()
    product = surface.gauss_newton_product(parameters, random_direction(parameters))
    assert all(not tensor.any() for tensor in product.values())
    constant = ps.LossSurface(model, lambda outputs, targets: targets.double().mean(), (x, classes))
    product = constant.gauss_newton_product(parameters, random_direction(parameters))
    assert all(not tensor.any() for tensor in product.values())


def test_what_hides_the_outputs_is_refused() -> None:
    model = tanh_network()
    x, classes, _ = examples()
    hidden = ps.LossSurface(
        model,
        batch_loss=lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
        data=(x, classes),
    )
    parameters = hidden.parameters()
    with pytest.raises(ValueError, match="batch_loss hides"):
        hidden.gauss_newton_product(parameters, parameters)

    def penalized(outputs: Tensor, targets: Tensor) -> Tensor:
        penalty = sum(p.square().sum() for p in model.parameters())
        return nn.functional.cross_entropy(outputs, targets) + penalty

    surface = ps.LossSurface(model, penalized, (x, classes))
    with pytest.raises(ValueError, match="otherwise than by the model's outputs"):
        surface.gauss_newton_product(parameters, parameters)
    with pytest.raises(ValueError, match="not a trainable parameter"):
        surface.gauss_newton_product(parameters, {"nobody": torch.zeros(1)})


def test_metrics_need_not_be_differentiable() -> None:
    model = tanh_network()
    x, classes, _ = examples()

    def accuracy(outputs: Tensor, targets: Tensor) -> float:
        return float((outputs.numpy().argmax(1) == targets.numpy()).mean())

    surface = ps.LossSurface(
        model, nn.CrossEntropyLoss(), (x, classes), metrics={"accuracy": accuracy}
    )
    plain = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, classes))
    at = surface.parameters()
    for product in ("hessian_product", "gauss_newton_product"):
        ours, theirs = getattr(surface, product)(at, at), getattr(plain, product)(at, at)
        assert all(torch.equal(ours[n], theirs[n]) for n in at)


def test_derivatives_see_the_dropout_that_slices_see() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 40), nn.Tanh(), nn.Dropout(0.5), nn.Linear(40, 3)).double()
    x, classes, _ = examples()
    batches = [(x[:20], classes[:20]), (x[20:], classes[20:])]
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), batches, mode="train")
    line = surface.slice(ps.Line(ps.Gradient("none"), span=(-1e-2, 1e-2), samples=3))
    slope = (line.losses[0, 0, 2] - line.losses[0, 0, 0]) / 2e-2
    assert slope == pytest.approx(line.axes[0].length ** 2, rel=1e-3)


def test_complex_parameters_count_as_pairs_of_numbers() -> None:
    class Wave(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor([0.3 + 0.5j, -0.2 + 0.1j], dtype=torch.complex128))
            self.b = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))

        def forward(self, inputs: Tensor) -> Tensor:
            return (inputs @ self.w).abs().square() + self.b * inputs[:, 0].real

    torch.manual_seed(0)
    x = torch.randn(9, 2, dtype=torch.complex128)
    y = torch.randn(9, dtype=torch.float64)
    surface = ps.LossSurface(Wave(), nn.MSELoss(), (x, y))

    def loss(numbers: Tensor) -> Tensor:
        w = torch.complex(numbers[0:4:2], numbers[1:4:2])
        outputs = (x @ w).abs().square() + numbers[4] * x[:, 0].real
        return nn.functional.mse_loss(outputs, y)

    at = torch.tensor([0.3, 0.5, -0.2, 0.1, 0.7], dtype=torch.float64)
    expected = torch.autograd.functional.hessian(loss, at).numpy()
    np.testing.assert_allclose(dense_by_products(surface, "Hessian"), expected, atol=1e-12)


def test_another_matrix_is_refused() -> None:
    x, classes, _ = examples()
    surface = ps.LossSurface(tanh_network(), nn.CrossEntropyLoss(), (x, classes))
    with pytest.raises(ValueError, match="expected one of"):
        CurvatureMatrix(surface, surface.parameters(), "Fisher")  # type: ignore[arg-type]


def test_products_leave_the_model_as_it_was() -> None:
    torch.manual_seed(0)
    model = SmallConvNet().train()
    x, y = images(8)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (x, y), mode="train")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    dice = torch.get_rng_state()
    parameters = surface.parameters()
    surface.gauss_newton_product(parameters, random_direction(parameters))
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    assert torch.equal(dice, torch.get_rng_state())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
