"""Products of a batch's curvature matrices with a direction, by automatic differentiation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from pysclice.core.data import tensors_of
from pysclice.core.parameters import Direction, Parameters

TensorsOrNone: TypeAlias = Sequence[Tensor | None]


def hessian_product(loss: Tensor, point: Parameters, direction: Direction) -> TensorsOrNone:
    """The Hessian of the loss times a direction: for each parameter a tensor, or None for zeros.

    Args:
        loss: a scalar with its graph.
        point: the leaves of the graph that count as parameters.
        direction: parameters that it leaves out do not move.
    """
    leaves = list(point.values())
    first = torch.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
    slope = _along(zip(point, first, strict=True), direction)
    # Where there is no slope, the loss is linear in all that the direction moves.
    return _gradients([slope], leaves) if slope is not None else [None] * len(leaves)


def gauss_newton_product(
    outputs: Any, loss_of: Callable[[Any], Tensor], point: Parameters, direction: Direction
) -> TensorsOrNone:
    """The generalized Gauss-Newton matrix of the loss times a direction.

    For each parameter a tensor, or None for zeros. See ``LossSurface.gauss_newton_product``.

    Args:
        outputs: of the model, with their graph.
        loss_of: outputs -> scalar.
        point: the leaves of the graph that count as parameters.
        direction: parameters that it leaves out do not move.

    Raises:
        ValueError: the loss depends on parameters otherwise than by the tensors in ``outputs``.
    """
    leaves = list(point.values())
    nothing: TensorsOrNone = [None] * len(leaves)
    made = [tensor for tensor in tensors_of(outputs) if tensor.requires_grad]
    # The loss sees copies, since one output may have been computed from another.
    copies = {id(tensor): tensor.detach().requires_grad_() for tensor in made}
    loss = loss_of(_exchanged(outputs, copies))
    if not loss.requires_grad:
        return nothing
    if any(found is not None for found in _gradients([loss], leaves, retain_graph=True)):
        raise ValueError(
            "The loss depends on the parameters otherwise than by the model's outputs "
            f"({type(outputs).__name__}): by a penalty on them, or by outputs that are not in "
            "tensors, tuples, lists or mappings. Leave that out of loss_fn, or ask for the matrix "
            "'Hessian'."
        )
    heads = torch.autograd.grad(loss, list(copies.values()), create_graph=True, allow_unused=True)
    used = [
        (output, seen, head)
        for output, seen, head in zip(made, copies.values(), heads, strict=True)
        if head is not None and head.requires_grad  # the loss is not linear in this output
    ]
    if not used:
        return nothing
    bent = [output for output, _, _ in used]
    moves = _jacobian_product(bent, point, direction)
    if moves is None:
        return nothing
    slopes = [
        torch.sum(head * move)
        for (_, _, head), move in zip(used, moves, strict=True)
        if move is not None
    ]
    curved = _gradients(slopes, [seen for _, seen, _ in used])
    pairs = [(o, c) for o, c in zip(bent, curved, strict=True) if c is not None]
    return torch.autograd.grad(
        [output for output, _ in pairs],
        leaves,
        [curve for _, curve in pairs],
        allow_unused=True,
    )


def _jacobian_product(
    outputs: Sequence[Tensor], point: Parameters, direction: Direction
) -> TensorsOrNone | None:
    """How the outputs move along a direction: a tensor for each, or None for zeros.

    The transposed Jacobian times ``weights`` is linear in them, so that its derivative with respect
    to them is the Jacobian: two backward passes, which more modules support than forward mode.
    """
    weights = [torch.zeros_like(output, requires_grad=True) for output in outputs]
    pulled = torch.autograd.grad(
        outputs, list(point.values()), weights, create_graph=True, allow_unused=True
    )
    slope = _along(zip(point, pulled, strict=True), direction)
    return None if slope is None else _gradients([slope], weights, retain_graph=True)


def _along(named: Iterator[tuple[str, Tensor | None]], direction: Direction) -> Tensor | None:
    """Inner product of gradients with the direction; None if nothing in it can be differentiated.

    Complex tensors count as pairs of real ones.
    """
    slope = [
        torch.sum(_real(gradient) * _real(direction[name].to(gradient)))
        for name, gradient in named
        if gradient is not None and name in direction and gradient.requires_grad
    ]
    return torch.stack(slope).sum() if slope else None


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _gradients(
    scalars: Sequence[Tensor], tensors: Sequence[Tensor], retain_graph: bool | None = None
) -> TensorsOrNone:
    return torch.autograd.grad(scalars, tensors, retain_graph=retain_graph, allow_unused=True)


def _exchanged(outputs: Any, tensors: Mapping[int, Tensor]) -> Any:
    """The outputs with other tensors in the place of some, by the id of those."""
    if isinstance(outputs, Tensor):
        return tensors.get(id(outputs), outputs)
    if isinstance(outputs, tuple) and hasattr(outputs, "_fields"):
        return type(outputs)(*(_exchanged(part, tensors) for part in outputs))
    if isinstance(outputs, list | tuple):
        return type(outputs)(_exchanged(part, tensors) for part in outputs)
    if isinstance(outputs, Mapping):
        result: Any = copy.copy(outputs)
        for key, value in outputs.items():
            result[key] = _exchanged(value, tensors)
        return result
    return outputs


@contextmanager
def differentiable(model: nn.Module, times: int) -> Iterator[None]:
    """Kernels that can be differentiated so many times, in place of faster ones that cannot."""
    with ExitStack() as stack:
        if times > 1:
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))  # fused attention has no second one
        if torch.cuda.is_available() and any(isinstance(m, nn.RNNBase) for m in model.modules()):
            # Recurrent layers of cuDNN have no second one, and in eval mode not even a first one.
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield
