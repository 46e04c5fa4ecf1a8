"""The density of a matrix's eigenvalues, by stochastic Lanczos quadrature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pysclice.core.lanczos import Lanczos
from pysclice.slices import Float64


@dataclass(frozen=True, eq=False)
class Quadrature:
    """Points on the axis of eigenvalues that stand for all of them, as one probe sees them.

    ``sum(weights * f(nodes))`` estimates the average of ``f`` over all eigenvalues, exactly for
    polynomials of a degree below twice the number of steps, but for the choice of the probe
    (Golub and Meurant 2010, "Matrices, Moments and Quadrature", chapter 6).

    Attributes:
        nodes: (steps,) Ritz values.
        weights: (steps,) not negative, of sum 1.
    """

    nodes: Float64
    weights: Float64


def quadrature(lanczos: Lanczos) -> Quadrature:
    """The Gauss quadrature of the steps taken so far."""
    ritz = lanczos.ritz()
    return Quadrature(ritz.values, ritz.weights[0] ** 2)


def density(
    quadratures: Sequence[Quadrature], eigenvalues: Float64, width: float
) -> tuple[Float64, Float64]:
    """The density of eigenvalues as the average over probes, and its standard error.

    Every eigenvalue is drawn as a Gaussian with standard deviation ``width`` (Ghorbani, Krishnan,
    Xiao 2019, arXiv:1901.10159, section 2; Ubaru, Chen, Saad 2017, doi:10.1137/16M1104974).

    Args:
        quadratures: one of each probe; probes with independent random signs.
        eigenvalues: (samples,) where to ask for the density.
        width: in units of eigenvalues.

    Returns:
        (samples,) density and (samples,) standard error, NaN for a single probe.
    """
    each = np.stack([_kernel(q.nodes, eigenvalues, width) @ q.weights for q in quadratures])
    return each.mean(0), standard_error(each)


def standard_error(each: Float64) -> Float64:
    """Standard error of the mean over dimension 0; NaN for a single row."""
    if len(each) < 2:
        return np.full(each.shape[1:], np.nan)
    error: Float64 = each.std(0, ddof=1) / math.sqrt(len(each))
    return error


def _kernel(nodes: Float64, eigenvalues: Float64, width: float) -> Float64:
    """(samples, steps) Gaussians of area 1."""
    distance = (eigenvalues[:, None] - nodes) / width
    kernel: Float64 = np.exp(-0.5 * distance**2) / (width * math.sqrt(2 * math.pi))
    return kernel
