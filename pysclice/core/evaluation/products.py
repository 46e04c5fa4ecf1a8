"""Products with weights: torch's own, or oneDNN's where the machine is clearly faster with those.

Torch multiplies float32 matrices with the BLAS that it was built with. The usual one on x86 is MKL,
of Intel; on a processor of AMD it did 100 GFLOP/s a core where oneDNN, which torch brings along for
convolutions, did 200 to 230.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

# What both are timed on: a layer of usual width, on so many examples that several threads do not
# spend their time on waiting for each other.
_EXAMPLES, _FEATURES = 1024, 128

# Rounds, of which the fastest counts, since the machine has other things to do; about 4 ms.
_ROUNDS = 7

# Another way to multiply has to save at least a fifth.
_CLEARLY_FASTER = 0.8

# From so many multiplications on oneDNN's product repays its call, which takes about 10 us.
_LEAST_NUMBERS = 5 * 2**18


def by_onednn(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``inputs @ weight.T + bias`` as oneDNN does it.

    Args:
        inputs: (..., features), float32, on a processor.
        weight: (outputs, features), of any strides that leave one of the two dense.
        bias: (outputs,), or None.
    """
    # Torch calls it for models compiled by Inductor; there is no public name for it.
    product: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
    return product


def may_be_faster(device: torch.device) -> bool:
    """Whether oneDNN's products may take the place of torch's own on this device."""
    # Autocast knows nothing of oneDNN's own operator.
    return device.type == "cpu" and not torch.is_autocast_enabled("cpu") and onednn_is_faster()


@functools.cache
def onednn_is_faster() -> bool:
    """Whether oneDNN's products are clearly faster than torch's own here; timed once a process."""
    if not torch.backends.mkldnn.is_available() or not hasattr(
        torch.ops.mkldnn, "_linear_pointwise"
    ):
        return False
    with torch.inference_mode():
        inputs = torch.full((_EXAMPLES, _FEATURES), 0.5)
        weight = torch.full((_FEATURES, _FEATURES), 0.5)
        ways: tuple[Callable[[Tensor, Tensor, None], Tensor], ...] = (functional.linear, by_onednn)
        least = [float("inf")] * len(ways)
        for _ in range(_ROUNDS):
            for number, way in enumerate(ways):
                began = time.perf_counter()
                way(inputs, weight, None)
                least[number] = min(least[number], time.perf_counter() - began)
    return least[1] < _CLEARLY_FASTER * least[0]


def repays(multiplications: int) -> bool:
    """Whether a product of so many is faster by oneDNN, where oneDNN is faster at all."""
    return multiplications >= _LEAST_NUMBERS


def linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``torch.nn.functional.linear``, by oneDNN where that repays itself."""
    if (
        inputs.dtype is not torch.float32
        or weight.dtype is not torch.float32
        or weight.ndim != 2
        or not weight.is_cpu
        or not (weight.is_contiguous() or weight.t().is_contiguous())
        or not repays(inputs.numel() * weight.shape[0])
    ):
        return functional.linear(inputs, weight, bias)
    return by_onednn(inputs, weight, bias)


def addmm(bias: Tensor, inputs: Tensor, weight: Tensor) -> Tensor:
    """``torch.addmm`` of a bias for each output, by oneDNN where that repays itself."""
    if bias.ndim != 1 or bias.shape != weight.shape[1:] or bias.dtype is not inputs.dtype:
        return torch.addmm(bias, inputs, weight)
    return linear(inputs, weight.t(), bias)


def of_each_point(weights: Tensor, inputs: Tensor, bias: Tensor | None, out: Tensor) -> Tensor:
    """A stack of layers, one product of oneDNN's for each.

    Args:
        weights: (points, outputs, features).
        inputs: (points, features, examples).
        bias: (points, outputs), or None.
        out: (points, outputs, examples), where the result is written.
    """
    every = zip(weights.unbind(), inputs.unbind(), out.unbind(), strict=True)
    for point, (weight, own, result) in enumerate(every):
        product = by_onednn(weight, own.t(), None)
        if bias is None:
            result.copy_(product)
        else:
            torch.add(product, bias[point].unsqueeze(1), out=result)
    return out
