"""The trace of a matrix that can only be multiplied with, estimated with random signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from pysclice.core.lanczos import Lanczos
from pysclice.core.spectral_density import standard_error

Estimator = Literal["hutch++", "hutchinson"]


@dataclass(frozen=True, eq=False)
class Trace:
    """An estimate of a trace.

    Attributes:
        value: unbiased.
        error: its standard error; NaN where there was one probe only.
    """

    value: float
    error: float


def hutchinson(forms: Sequence[float]) -> Trace:
    """The average of ``z^T A z`` over probes z (Hutchinson 1990, doi:10.1080/03610919008812866).

    Args:
        forms: ``z^T A z`` for vectors z of independent random signs.
    """
    each = np.array(forms)
    return Trace(float(each.mean()), float(standard_error(each)))


def hutch_plus_plus(subspace: Lanczos, forms_outside: Sequence[float]) -> Trace:
    """The trace on a subspace, and Hutchinson's estimate of the rest.

    ``tr A = tr Q^T A Q + tr P A P`` with ``P = 1 - Q Q^T``: exact on the subspace, so that what is
    estimated has lost its largest eigenvalues (Meyer, Musco, Musco, Woodruff 2021,
    arXiv:2010.09649, algorithm 1). In place of their subspace, the range of A times random vectors,
    this one takes the Krylov space of a single vector (Chen and Hallman 2023, arXiv:2205.01736),
    whose trace an iteration knows without further products.

    Args:
        subspace: an iteration that began with a vector independent of the probes.
        forms_outside: ``form_outside`` of each probe.
    """
    outside = hutchinson(forms_outside)
    return Trace(float(np.trace(subspace.tridiagonal)) + outside.value, outside.error)


def form_outside(subspace: Lanczos, probe: Tensor, form: float) -> float:
    """``z^T P A P z`` of a probe z from ``z^T A z``, without a product.

    With ``c = Q^T z``, it is ``z^T A z - c^T T c - 2 length (next^T z) c_m``, since ``A Q = Q T +
    length * next e_m^T``.
    """
    inside = np.array([float(probe @ vector) for vector in subspace.basis])
    beyond = 0.0 if subspace.next is None else float(probe @ subspace.next)
    return float(
        form - inside @ subspace.tridiagonal @ inside - 2 * subspace.length * beyond * inside[-1]
    )
